"""Run records as the pipeline writes them, for tests that need no run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imbalance_derm.evaluation.decision import choose_decision
from imbalance_derm.evaluation.evaluate import evaluate
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.failure import Failure, write_failure
from imbalance_derm.experiment.record import Figure, Record
from imbalance_derm.pipeline.judgement import read_predictions, write_predictions

BINARY = {
    "auc": Figure(0.7781, 0.7121, 0.8409),
    "sensitivity": Figure(0.6418, 0.5224, 0.7463),
    "specificity": Figure(0.7831, 0.7316, 0.8309),
    "npv": Figure(0.8987, 0.8601, 0.9328),
    "balanced_accuracy": Figure(0.71245, 0.651, 0.772),
    "brier": Figure(0.141, 0.12, 0.165),
    "ppv": Figure(float("nan")),
}
MULTI_CLASS = {
    "balanced_accuracy": Figure(0.7012, 0.6621, 0.7399),
    "auc": Figure(0.9521, 0.9418, 0.9613),
    "accuracy": Figure(0.7557, 0.734, 0.7771),
    "sensitivity/mel": Figure(0.61, 0.53, 0.68),
}


def make_record(name: str = "run", **changes: Any) -> Record:
    """Return a record of a binary run on 90 % of ISIC 2016, with `changes` to its parts.

    ``parts`` replaces components, ``metrics`` the test metrics, ``data`` updates the data
    section, ``updates`` the budget; anything else is a field of the record.
    """
    parts = {
        "data": "isic2016",
        "synth": "cyclegan",
        "sampler": "shuffle",
        "backbone": "efficientnet_lite0",
        "head": "single_task",
        "loss": "focal",
        **changes.pop("parts", {}),
    }
    data = {
        "name": parts["data"],
        "fingerprint": "a1b2c3d4e5f6",
        "notice": "",
        "classes": ["benign", "malignant"],
        "positive": "malignant",
        "skipped": 0,
        "counts": {
            "train": {"benign": 552, "malignant": 133},
            "validation": {"benign": 98, "malignant": 23},
            "test": {"benign": 272, "malignant": 67},
        },
        "fed": {"real": {"benign": 552, "malignant": 133}, "synthetic": {"malignant": 419}},
        **changes.pop("data", {}),
    }
    spec: dict[str, Any] = {section: {"name": component} for section, component in parts.items()}
    data["updates"] = changes.pop("updates", 800)
    spec["train"] = {"updates": data["updates"], "batch_size": 16}
    spec["seed"] = changes.get("seed", 0)
    for section, values in changes.pop("settings", {}).items():
        spec[section].update(values)
    fields: dict[str, Any] = {
        "name": name,
        "command": "imbderm run --data isic2016 --synth cyclegan --loss focal",
        "spec": spec,
        "components": {
            section: {
                "name": component,
                "distribution": "imbalance-derm",
                "version": "0.1.0",
                "citation": "",
            }
            for section, component in parts.items()
        },
        "data": data,
        "metrics": {"test": changes.pop("metrics", BINARY)},
        "confusion": {"test": [[213, 59], [24, 43]]},
        "decision": {
            "rule": "threshold",
            "threshold": 0.31,
            "criterion": "youden",
            "chosen_on": "validation",
        },
        "stages": [],
        "curves": {},
        "environment": {},
        "seed": 0,
        "seconds": 61.0,
        "created": "2025-01-01T00:00:00+00:00",
    }
    return Record(**{**fields, **changes})


def write(folder: Path, record: Record) -> Path:
    """Write `record` as the pipeline does, and return its run folder."""
    run = folder / record.name
    run.mkdir(parents=True)
    (run / "record.json").write_text(record.to_json(), encoding="utf-8")
    return run


@pytest.fixture(name="make_record")
def _make_record() -> Callable[..., Record]:
    return make_record


@pytest.fixture
def runs(tmp_path: Path) -> Callable[..., Path]:
    """Write records below one folder, and return it."""

    def write_all(*records: Record) -> Path:
        folder = tmp_path / "runs"
        for record in records:
            write(folder, record)
        return folder

    return write_all


CLASSES = ("benign", "malignant")
COUNTS = {"validation": (40, 20), "test": (70, 30)}
Edit = Callable[[Record], Record]


def said(split: str, signal: float, seed: int, salt: str = "") -> Predictions:
    """Predictions of a model that is as good as `signal`; images are as hard for all models."""
    labels = np.repeat([0, 1], COUNTS[split])
    hard = np.random.default_rng(len(split)).normal(size=len(labels))
    own = np.random.default_rng([seed, *map(ord, salt)]).normal(size=len(labels))
    p = 1 / (1 + np.exp(-(signal * (labels - 0.5) + hard + 0.7 * own)))
    ids = np.array([f"{split}-{i}" for i in range(len(labels))])
    lesions = np.array([f"{split}-{i // 2}" for i in range(len(labels))])
    return Predictions(ids, lesions, labels, np.stack([1 - p, p], axis=1), CLASSES)


def write_judged(folder: Path, record: Record, signal: float, salt: str = "") -> Path:
    """Write a run with predictions, judged as the pipeline judges."""
    run = folder / record.name
    run.mkdir(parents=True)
    file = run / "predictions.csv"
    write_predictions(file, {split: said(split, signal, record.seed, salt) for split in COUNTS})
    predictions = read_predictions(file, CLASSES)
    decision = choose_decision(predictions["validation"])
    found = {split: evaluate(p, decision, 100, record.seed) for split, p in predictions.items()}
    counts = {s: dict(zip(CLASSES, pair, strict=True)) for s, pair in COUNTS.items()}
    record = replace(
        record,
        data={**record.data, "counts": {**record.data["counts"], **counts}},
        metrics={split: each.figures for split, each in found.items()},
        confusion={split: each.confusion for split, each in found.items()},
        decision=asdict(decision),
    )
    (run / "record.json").write_text(record.to_json(), encoding="utf-8")
    return run


@dataclass
class SuiteFolder:
    """Builds a suite's folder run by run; how good a run is, is the sum of its values' merits."""

    folder: Path
    merits: dict[str, float] = field(default_factory=dict)
    axes: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(self, values: dict[str, str], seed: int, edit: Edit = lambda r: r, **more: Any) -> Path:
        name = "-".join([*values.values(), f"s{seed}"])
        record = edit(make_record(name, parts={"data": "phantom", **values}, seed=seed, **more))
        self.axes[name] = {**values, "seed": str(seed)}
        signal = 1.0 + sum(self.merits.get(value, 0.0) for value in values.values())
        salt = "-".join(values.values()) + str(more)
        return write_judged(self.folder / "runs", record, signal, salt)

    def grid(self, axes: dict[str, Iterable[str]], seeds: Iterable[int]) -> SuiteFolder:
        for *values, seed in product(*axes.values(), seeds):
            self.run(dict(zip(axes, values, strict=True)), seed)
        return self

    def fail(self, values: dict[str, str], seed: int, *how: str) -> None:
        name = "-".join([*values.values(), f"s{seed}"])
        record = make_record(name, parts={"data": "phantom", **values}, seed=seed)
        folder = self.folder / "runs" / name
        folder.mkdir(parents=True)
        write_failure(folder, Failure(name, record.spec, *how))
        self.axes[name] = {**values, "seed": str(seed)}

    def close(self, metric: str = "", axes: tuple[str, ...] | None = None) -> Path:
        names = axes or tuple(name for name in next(iter(self.axes.values())) if name != "seed")
        text = json.dumps({"name": "s", "axes": names, "runs": self.axes, "metric": metric})
        (self.folder / "suite.json").write_text(text, encoding="utf-8")
        return self.folder


@pytest.fixture
def suite(tmp_path: Path) -> SuiteFolder:
    return SuiteFolder(tmp_path / "suite")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium; tests that ask for it are skipped where there is none."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as engine:
        found = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def contrast() -> Callable[[str, str], float]:
    """Contrast of two colours as a browser writes them."""
    return _contrast


def _luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [int(part) / 255 for part in colour.strip("rgb()").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(ink: str, ground: str) -> float:
    dark, light = sorted((_luminance(ink), _luminance(ground)))
    return (light + 0.05) / (dark + 0.05)

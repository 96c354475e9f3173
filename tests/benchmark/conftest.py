"""Run records as the pipeline writes them, for tests that need no run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imbalance_derm.experiment.record import Figure, Record

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

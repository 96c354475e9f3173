"""Evidence that looks like that of a real run, made without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from imbalance_derm.evaluation.decision import choose_decision
from imbalance_derm.evaluation.evaluate import evaluate
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.record import Record, StageEntry
from imbalance_derm.report.evidence import EmbeddingMap, ErrorCase, Evidence, GalleryRow

BINARY = ("benign", "malignant")
SEVEN = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def lesion_image(rng: np.random.Generator, size: int = 96, dark: float = 0.5) -> np.ndarray:
    """Return a blob on skin, uint8 (size, size, 3)."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    angle = np.arctan2(y, x)
    waves = sum(rng.normal(0, 0.06) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(2, 7))
    inside = 1 / (1 + np.exp((np.hypot(x, y) - 0.5 - waves) * 14))[..., None]
    skin = np.array([226, 182, 160]) + rng.normal(0, 8, 3)
    lesion = skin * (1 - dark) * np.array([0.9, 0.7, 0.6])
    image = skin * (1 - inside) + lesion * inside + rng.normal(0, 5, (size, size, 1))
    return np.clip(image, 0, 255).astype(np.uint8)


def predictions(classes: tuple[str, ...], n: int, seed: int) -> Predictions:
    """Return predictions that are right more often than not, of an imbalanced set."""
    rng = np.random.default_rng(seed)
    prior = np.geomspace(0.6, 0.05, len(classes))
    labels = rng.choice(len(classes), n, p=prior / prior.sum())
    labels[: len(classes)] = np.arange(len(classes))
    logits = rng.normal(0, 1.1, (n, len(classes)))
    logits[np.arange(n), labels] += 1.6
    weights = np.exp(logits)
    ids = np.array([f"ISIC_{i:07d}" for i in range(n)])
    return Predictions(ids, ids, labels, weights / weights.sum(axis=1, keepdims=True), classes)


def make_evidence(classes: tuple[str, ...] = BINARY, n: int = 339, **data: Any) -> Evidence:
    """Return the evidence of a run on `classes`; `data` changes the record's data section."""
    rng = np.random.default_rng(7)
    test, validation = predictions(classes, n, 1), predictions(classes, 121, 2)
    decision = choose_decision(validation)
    found = {
        name: evaluate(said, decision, resamples=200)
        for name, said in {"validation": validation, "test": test}.items()
    }
    record = Record(
        name="isic2016-cyclegan-focal-single_task-s0-3fa2b1",
        command="imbderm run --data isic2016 --data-root data --synth cyclegan --loss focal",
        spec={
            "seed": 0,
            "data": {"name": "isic2016", "image_size": 128, "root": "../shared/data"},
            "synth": {"name": "cyclegan", "quota": "balance", "epochs": 20, "limit": None},
            "loss": {"name": "focal", "gamma": 2.0},
            "train": {"updates": 0, "epochs": 10.0, "batch_size": 32},
        },
        components={
            section: {
                "name": name,
                "distribution": "imbalance-derm",
                "version": "0.1.0",
                "citation": citation,
            }
            for section, name, citation in (
                ("data", "isic2016", "Gutman et al. 2016, arXiv 1605.01397"),
                ("synth", "cyclegan", "Zhu et al. 2017, arXiv 1703.10593, eq. 3"),
                ("backbone", "timm", "Wightman 2019, doi 10.5281/zenodo.4414861"),
                ("loss", "focal", "Lin et al. 2017, arXiv 1708.02002, eq. 5"),
                ("sampler", "shuffle", ""),
            )
        },
        data={
            "name": "isic2016",
            "fingerprint": "9d1c2b7a5e4f",
            "notice": "90 % of the official ISIC 2016 images: say so beside a published figure.",
            "classes": list(classes),
            "positive": classes[-1] if len(classes) == 2 else "",
            "skipped": 2,
            "updates": 420,
            "counts": {
                split: {c: int((said.labels == i).sum()) for i, c in enumerate(classes)}
                for split, said in {"train": test, "validation": validation, "test": test}.items()
            },
            "fed": {
                "real": {c: int((test.labels == i).sum()) for i, c in enumerate(classes)},
                "synthetic": dict.fromkeys(classes, 0) | {classes[-1]: 120},
            },
            **data,
        },
        metrics={name: evaluation.figures for name, evaluation in found.items()},
        confusion={name: evaluation.confusion for name, evaluation in found.items()},
        decision={
            "rule": decision.rule,
            "threshold": decision.threshold,
            "criterion": decision.criterion,
            "chosen_on": decision.chosen_on,
        },
        stages=[
            StageEntry("decode", "8a1f02c44d" * 3, True, 3.1, 310.0, 0, {}),
            StageEntry("fit", "17cc90aa3e" * 3, False, 341.7, 1420.0, 800, {"steps": 800}),
            StageEntry(
                "train",
                "fe0912b3a7" * 3,
                False,
                210.4,
                1890.0,
                420,
                {"steps": 420, "best_update": 350},
            ),
        ],
        curves={
            "classifier": [
                {
                    "update": u,
                    "loss": 0.7 * np.exp(-u / 150) + rng.uniform(0.02, 0.08),
                    **(
                        {"validation": {"auc": 0.8 - 0.25 * np.exp(-u / 90)}} if u % 70 == 0 else {}
                    ),
                }
                for u in range(10, 421, 10)
            ],
            "synthesizer": {
                "malignant": [
                    {
                        "step": s,
                        "generator": 6 * np.exp(-s / 300) + rng.uniform(1.6, 2.0),
                        "discriminator": rng.uniform(0.18, 0.3),
                        "adversarial": rng.uniform(0.3, 0.6),
                        "cycle": 0.4 * np.exp(-s / 250) + 0.07,
                        "identity": 0.3 * np.exp(-s / 200),
                    }
                    for s in range(8, 801, 8)
                ]
            },
        },
        environment={
            "python": "3.11.9",
            "device": "cpu",
            "threads": 2,
            "precision": "no",
            "versions": {"torch": "2.11.0", "timm": "1.0.20"},
        },
        seed=0,
        seconds=612.3,
        created="2025-06-01T12:00:00+00:00",
    )
    real = tuple(lesion_image(rng) for _ in range(6))
    gallery = [GalleryRow(classes[0], real)]
    gallery += [
        GalleryRow(
            name,
            tuple(lesion_image(rng, dark=0.75) for _ in range(6)),
            tuple((image, lesion_image(rng, dark=0.8)) for image in real[:4]),
        )
        for name in classes[1:]
    ]
    heat = np.exp(-((np.mgrid[-1:1:7j, -1:1:7j] ** 2).sum(axis=0)) * 3)
    errors = [
        ErrorCase(lesion_image(rng), heat, classes[-1], classes[0], 0.013 + i / 50, f"ISIC_{i:07d}")
        for i in range(8)
    ]
    count = 500
    labels, synthetic = rng.integers(len(classes), size=count), rng.random(count) < 0.3
    centre = 3 * np.stack([np.cos(labels), np.sin(labels)], axis=1)
    points = EmbeddingMap(
        centre + rng.normal(0, 1, (count, 2)) + 0.8 * synthetic[:, None], labels, synthetic, classes
    )
    return Evidence(
        record,
        test,
        validation,
        tuple(gallery),
        tuple(errors),
        points,
        ("One seed: the spread between training seeds is not in the intervals.",),
    )


@pytest.fixture(name="make_evidence", scope="session")
def _make_evidence() -> Callable[..., Evidence]:
    return make_evidence

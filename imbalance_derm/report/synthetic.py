"""The evidence on synthetic samples as a reader sees it: tables, sentences, closest pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from imbalance_derm.audit.audit import Audit, ClassAudit
from imbalance_derm.audit.fidelity import Beside
from imbalance_derm.audit.wording import ALL, interval, sentences
from imbalance_derm.experiment.record import Figure
from imbalance_derm.report.photographs import photograph
from imbalance_derm.report.summary import title_of

FIDELITY = ("kid", "precision", "recall", "density", "coverage", "frechet")
TITLES = {"kid": "KID", "frechet": "Fréchet"}


@dataclass(frozen=True, eq=False)
class PairPicture:
    """A sample and the training image of another lesion that it is nearest to.

    Attributes
    ----------
    sample, real : ndarray of uint8, shape (height, width, 3)
    name : str
        Class of the sample.
    distance : float
        1 less the cosine of their features.
    ssim : float or None
    flagged : bool
    """

    sample: np.ndarray
    real: np.ndarray
    name: str
    distance: float
    ssim: float | None
    flagged: bool


@dataclass(frozen=True, eq=False)
class SyntheticEvidence:
    """What a report says of the synthetic samples.

    Attributes
    ----------
    audit : Audit
    closest : tuple of PairPicture
        Empty where the samples are embeddings.
    benefit : dict or None
        As :func:`imbalance_derm.pipeline.benefit.measure_benefit` returns it.
    """

    audit: Audit
    closest: tuple[PairPicture, ...] = ()
    benefit: dict[str, Any] | None = None


def tables(audit: Audit) -> list[dict[str, Any]]:
    """Return one table for each question: a caption, heads, and a row per synthesised class.

    Every cell is text; figures carry their interval, and their floor from real images.
    """
    extractor = audit.extractor
    return [
        {
            "title": "Fidelity and diversity",
            "caption": "Synthetic against real training images of the class, and, in brackets, one "
            "half of the real images against the other at the same number of images (mean of ten "
            f"random halves). Features: {extractor}.",
            "heads": ["real", "synthetic", "KID, all images"] + [_title(name) for name in FIDELITY],
            "rows": [(part.name, _fidelity(part)) for part in audit.by_class],
        },
        {
            "title": "Memorisation",
            "caption": "Share of samples nearer or more similar (SSIM) to a training image of "
            "another lesion than 99 % of real images are; the same share of real images; "
            "difference from the own source in grey levels, 0 to 255. "
            f"Features: {extractor}.",
            "heads": ["flagged", "real flagged", "equal to own source", "difference from source"],
            "rows": [(part.name, _memorisation(part)) for part in audit.by_class],
        },
        {
            "title": "Class",
            "caption": "What a logistic regression trained on real images only, cross-fitted by "
            "lesion, says: share of real images recognised, share of samples taken for the "
            "intended class, and, for translations, the gain in its probability over their own "
            f"sources. Features: {extractor}.",
            "heads": ["real recognised", "samples as intended", "gain over source"],
            "rows": [(part.name, _recognition(part)) for part in audit.by_class],
        },
        {
            "title": "Shortcut",
            "caption": "Accuracy of a small classifier that tells real from synthetic (0.5 is "
            "chance), and what its skill gives away of the label (AUC; 0.5 is nothing), beside "
            "what perfect knowledge of real and synthetic would. "
            f"Features: {extractor}{', spectrum and colours' if audit.shortcut.pixels else ''}.",
            "heads": ["told apart", "label from that alone", "label from perfect knowledge"],
            "rows": _shortcut(audit),
        },
    ]


def words(audit: Audit) -> list[tuple[str, list[str]]]:
    """Return what the figures say, sentence by sentence, first of all samples, then by class."""
    found = sentences(audit)
    order = [ALL, *(name for name in found if name != ALL)]
    return [("All samples" if name == ALL else name, found[name]) for name in order if found[name]]


def view(evidence: SyntheticEvidence) -> dict[str, Any]:
    """Return what the template needs."""
    return {
        "tables": tables(evidence.audit),
        "words": words(evidence.audit),
        "closest": [
            {
                "sample": photograph(pair.sample),
                "real": photograph(pair.real),
                "name": pair.name,
                "text": f"distance {pair.distance:.3f}"
                + ("" if pair.ssim is None else f", SSIM {pair.ssim:.2f}"),
                "flagged": pair.flagged,
            }
            for pair in evidence.closest
        ],
        "benefit": None if evidence.benefit is None else _benefit(evidence.benefit),
    }


def _title(name: str) -> str:
    return TITLES.get(name, name)


def _figure(figure: Figure | None, digits: str = ".3g") -> str:
    return "–" if figure is None else interval(figure, digits)


def _beside(beside: Beside | None) -> str:
    return "–" if beside is None else f"{beside.made.mean:.3g} ({beside.floor.mean:.3g})"


def _fidelity(part: ClassAudit) -> list[str]:
    compared = [_beside(part.fidelity.compared.get(name)) for name in FIDELITY]
    return [f"{part.real:,}", f"{part.made:,}", _figure(part.fidelity.kid), *compared]


def _memorisation(part: ClassAudit) -> list[str]:
    found, copies = part.memorisation, part.copies
    return [
        _figure(found.flagged),
        _figure(found.floor),
        _figure(copies.identical),
        _figure(copies.difference),
    ]


def _recognition(part: ClassAudit) -> list[str]:
    found = part.recognition
    return [_figure(found.recall), _figure(found.intended), _figure(found.gain)]


def _shortcut(audit: Audit) -> list[tuple[str, list[str]]]:
    shortcut = audit.shortcut
    rows = [("all", [_figure(shortcut.overall.accuracy), "–", "–"])]
    for name, detection in zip(audit.classes, shortcut.by_class, strict=True):
        if detection.matched:
            known = [
                "–" if name not in aucs else f"{aucs[name]:.3f}"
                for aucs in (shortcut.label_auc, shortcut.flag_auc)
            ]
            rows.append((name, [_figure(detection.accuracy), *known]))
    return rows


def _benefit(benefit: dict[str, Any]) -> dict[str, Any]:
    rows = []
    for rival, found in benefit["against"].items():
        for metric, figure in found["figures"].items():
            difference = Figure(**figure["difference"])
            seen = figure["detectable"]
            known = math.isfinite(difference.value)
            text = interval(difference, ".3f") if known else "–"
            rows.append((rival, title_of(metric), text, "–" if seen is None else f"{seen:.3f}"))
    return {
        "rows": rows,
        "sentences": [found["sentence"] for found in benefit["against"].values()],
        "note": benefit["note"],
    }

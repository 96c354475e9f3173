"""What the figures of an audit say, in sentences."""

from __future__ import annotations

from imbalance_derm.audit.audit import Audit, ClassAudit
from imbalance_derm.audit.fidelity import Beside
from imbalance_derm.audit.shortcut import Detection
from imbalance_derm.experiment.record import Figure

ALL = ""
"""Key of the sentences that are not of one class."""

SMALL = 0.05
"""Difference of an AUC from 0.5 below which little is to be learned from a score."""

_MEANING = {
    "precision": "samples among real images",
    "recall": "real images among samples",
    "density": "samples per neighbourhood of real images",
    "coverage": "neighbourhoods of real images with a sample",
}


def sentences(audit: Audit) -> dict[str, list[str]]:
    """Return what the audit says, by class name, and of all classes under :data:`ALL`.

    Examples
    --------
    >>> import numpy as np
    >>> from imbalance_derm.audit.audit import audit
    >>> from imbalance_derm.audit.inputs import Made, Real
    >>> rng, ids = np.random.default_rng(0), np.arange(60).astype(str)
    >>> real = Real(rng.normal(size=(60, 4)), None, np.arange(60) % 2, ids, ids)
    >>> made = Made(rng.normal(size=(30, 4)) + 5, None, np.ones(30, int), [()] * 30)
    >>> said = sentences(audit(real, made, ("nv", "mel"), "raw values"))
    >>> said["mel"][0].split(": ")[-1]
    'clearly different from real images.'
    """
    said = {part.name: _of_class(audit, part) for part in audit.by_class}
    said[ALL] = _shortcut(audit)
    return said


def interval(figure: Figure, digits: str = ".3g") -> str:
    """Return a figure with its interval, where it has one.

    Examples
    --------
    >>> interval(Figure(0.125, 0.1, 0.15)), interval(Figure(0.125))
    ('0.125 [0.1, 0.15]', '0.125')
    """
    text = _number(figure.value, digits)
    if figure.low is None or figure.high is None:
        return text
    return f"{text} [{_number(figure.low, digits)}, {_number(figure.high, digits)}]"


def _number(value: float, digits: str) -> str:
    # What is left of sums that cancel is no figure; adding 0.0 takes the sign off a zero.
    return format(round(value, 9) + 0.0, digits)


def _of_class(audit: Audit, part: ClassAudit) -> list[str]:
    detection = audit.shortcut.by_class[audit.classes.index(part.name)]
    return [
        *_fidelity(part, audit.extractor),
        *_memorisation(part, audit.extractor),
        *_copies(part),
        *_recognition(part, audit.extractor),
        _detection(detection, f"real from synthetic '{part.name}'", audit),
    ]


def _fidelity(part: ClassAudit, extractor: str) -> list[str]:
    found, lines = part.fidelity, []
    beside = found.compared.get("kid")
    if found.kid is None:
        lines.append(f"KID not given: {found.missing['kid']}.")
    else:
        text = f"KID {interval(found.kid)} (features: {extractor}; {found.real} real images, "
        text += f"{found.made} samples)"
        if beside is not None:
            text += f" against {_range(beside)} between halves of the real images"
            text += f": {_kid_verdict(found.kid, beside)}"
        lines.append(text + _because(found.missing.get("kid")) + ".")
    balls = [
        f"{name} ({meaning}) {found.compared[name].made.mean:.2f} against "
        f"{_range(found.compared[name], '.2f')}, {_beside_verdict(found.compared[name])}"
        for name, meaning in _MEANING.items()
        if name in found.compared
    ]
    if balls:
        lines.append(
            f"Beside half of the real images ({found.half}), {found.matched} samples against "
            f"as many other real images (features: {extractor}): {'; '.join(balls)}."
        )
    else:
        lines.append(
            f"Precision, recall, density and coverage not given: {found.missing['compared']}."
        )
    if found.frechet is None:
        lines.append(f"Frechet distance not given: {found.missing['frechet']}.")
    else:
        text = f"Frechet distance {found.frechet:.3g} (features: {extractor})"
        if "frechet" in found.compared:
            both = found.compared["frechet"]
            text += (
                f"; at half the images {both.made.mean:.3g} against {_range(both)} between "
                f"real halves, {_beside_verdict(both)}"
            )
        lines.append(text + _because(found.missing.get("frechet_floor")) + ".")
    return lines


def _kid_verdict(figure: Figure, beside: Beside) -> str:
    if figure.low is None or figure.high is None:
        return "without an interval nothing follows"
    if figure.low > max(beside.floor.high, 0.0):
        return "clearly different from real images"
    if figure.low > 0:
        return "different from real images, within what small halves of these show by chance"
    if figure.high <= max(beside.floor.high, 0.0):
        return "no further from real images than these are from each other"
    return "a difference from real images is neither shown nor excluded"


def _beside_verdict(beside: Beside) -> str:
    if beside.made.high < beside.floor.low:
        return "lower in every split"
    if beside.made.low > beside.floor.high:
        return "higher in every split"
    if beside.floor.low <= beside.made.mean <= beside.floor.high:
        return "within the range of real images"
    higher = beside.made.mean > beside.floor.high
    return f"{'higher' if higher else 'lower'} on average, not in every split"


def _range(beside: Beside, digits: str = ".3g") -> str:
    floor = beside.floor
    return (
        f"{_number(floor.mean, digits)} "
        f"({_number(floor.low, digits)} to {_number(floor.high, digits)})"
    )


def _memorisation(part: ClassAudit, extractor: str) -> list[str]:
    found = part.memorisation
    if found.flagged is None or found.floor is None:
        return [f"Memorisation not judged: {found.missing}."]
    more = found.flagged.low is not None and found.flagged.low > (
        found.floor.value if found.floor.high is None else found.floor.high
    )
    limits = f"cosine distance at most {found.distance_threshold:.3g}: {found.by_distance:.1%}"
    if found.ssim_threshold is not None:
        limits += f"; SSIM at least {found.ssim_threshold:.3g}: {found.by_ssim:.1%}"
    verdict = (
        "samples resemble training images that they were not made of: look at the closest pairs"
        if more
        else "no more than real images of different lesions resemble each other"
    )
    return [
        f"{interval(found.flagged)} of {found.samples} samples are as near or as similar to a "
        f"training image of another lesion as 1 % of real images are ({limits}; features: "
        f"{extractor}); {interval(found.floor)} of {found.real} real images are: {verdict}."
    ]


def _copies(part: ClassAudit) -> list[str]:
    found = part.copies
    if found.identical is None or found.difference is None:
        return []
    verdict = ""
    if found.identical.value > 0:
        verdict = ": copies add weight to their source and nothing else"
    return [
        f"{interval(found.identical)} of {found.samples} samples equal their source pixel by "
        f"pixel; the mean difference is {interval(found.difference)} grey levels{verdict}."
    ]


def _recognition(part: ClassAudit, extractor: str) -> list[str]:
    found = part.recognition
    if found.intended is None or found.probability is None:
        return [f"Class fidelity not judged: {found.missing}."]
    own = (
        "" if found.recall is None else f", which is right on {interval(found.recall)} of real ones"
    )
    lines = [
        f"A classifier of real images only (features: {extractor}){own}, takes "
        f"{interval(found.intended)} of {found.scored} samples for '{part.name}'."
    ]
    if found.gain is not None:
        lines.append(
            f"Translation changes the probability of '{part.name}' by {interval(found.gain)} "
            f"against the source ({found.translations} pairs; features: {extractor}); real images "
            f"of '{part.name}' and the sources differ by {found.gap:.3g}: "
            f"{_gain_verdict(found.gain, found.gap)}."
        )
    return lines


def _gain_verdict(gain: Figure, gap: float | None) -> str:
    if gain.low is None or gain.high is None:
        return "all are of one source, so that nothing follows"
    if gain.low > 0:
        if not gap or gap <= 0:
            return "it moves images towards the class"
        way = gain.value / gap
        said = "beyond where real images lie" if way > 1 else f"{way:.0%} of the way"
        return f"it moves images towards the class, {said}"
    return "it moves images away from the class" if gain.high < 0 else "no shift is shown"


def _detection(found: Detection, what: str, audit: Audit) -> str:
    if found.accuracy is None or found.auc is None:
        return f"Telling {what} was not tried: {found.missing}."
    seen = f"features: {audit.extractor}" + (
        ", spectrum and colours" if audit.shortcut.pixels else ""
    )
    low, high = found.accuracy.low, found.accuracy.high
    verdict = ""
    if low is not None and high is not None:
        verdict = ": they can be told apart" if low > 0.5 else ": not shown to be told apart"
    return (
        f"A linear classifier tells {what} with accuracy {interval(found.accuracy)}, AUC "
        f"{found.auc:.3g} ({found.matched} of either; chance 0.5; {seen}){verdict}."
    )


def _shortcut(audit: Audit) -> list[str]:
    found = audit.shortcut
    lines = [_detection(found.overall, "real from synthetic images", audit)]
    if not found.label_auc:
        return lines
    # Of a pair of classes the one with more synthetic images.
    name = max(found.label_auc, key=lambda each: _informative(found.flag_auc[each]))
    told, flagged = found.label_auc[name], found.flag_auc[name]
    if max(abs(value - 0.5) for value in found.flag_auc.values()) < SMALL:
        meaning = (
            "classes hold nearly equal shares of synthetic images, so that it gives little away"
        )
    elif abs(told - 0.5) < SMALL:
        meaning = "little of the label can be learned from traces of the synthesizer"
    else:
        meaning = (
            "a network can learn part of the label from traces of the synthesizer, without the "
            "lesion"
        )
    lines.append(
        f"From that alone '{name}' is told among all images fed with AUC {told:.3g}, from certain "
        f"knowledge of what is synthetic with {flagged:.3g} (0.5: nothing; 0 or 1: all): {meaning}."
    )
    return lines


def _informative(auc: float) -> tuple[float, float]:
    return round(abs(auc - 0.5), 9), auc


def _because(reason: str | None) -> str:
    return f" ({reason})" if reason else ""

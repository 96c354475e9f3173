"""The audit of synthetic samples: every figure on them that needs no training of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from imbalance_derm.audit.class_fidelity import ClassFidelity, judge_classes
from imbalance_derm.audit.copies import Copies, identical_to_source
from imbalance_derm.audit.fidelity import Fidelity, measure_fidelity
from imbalance_derm.audit.inputs import CAP, Made, Real, trace
from imbalance_derm.audit.memorisation import Memorisation, measure_memorisation
from imbalance_derm.audit.shortcut import Shortcut, detect
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.record import Figure

Progress = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True, slots=True)
class ClassAudit:
    """What was found on the samples of one class.

    Attributes
    ----------
    name : str
    real, made : int
        Real training images of the class, and samples.
    fidelity : Fidelity
    memorisation : Memorisation
    copies : Copies
    recognition : ClassFidelity
    """

    name: str
    real: int
    made: int
    fidelity: Fidelity
    memorisation: Memorisation
    copies: Copies
    recognition: ClassFidelity


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found on all samples.

    Attributes
    ----------
    extractor : str
        Of the features; every figure but `copies` depends on it.
    seed, cap : int
        At most `cap` images of a class and side were used, drawn by the seed.
    classes : tuple of str
        All classes of the data set.
    by_class : tuple of ClassAudit
        One for each class that has samples.
    balanced_accuracy : Figure or None
        Of the classifier behind `recognition`, on real images, out of fold.
    shortcut : Shortcut
        Its `by_class` is one for each of `classes`.
    """

    extractor: str
    seed: int
    cap: int
    classes: tuple[str, ...]
    by_class: tuple[ClassAudit, ...]
    balanced_accuracy: Figure | None
    shortcut: Shortcut

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as dicts, lists and numbers; JSON can hold it."""
        plain: dict[str, Any] = asdict(self)
        return plain

    @staticmethod
    def from_dict(values: dict[str, Any], origin: str = "audit") -> Audit:
        """Read what :meth:`to_dict` returned, also after a way through JSON.

        Raises
        ------
        InputError
            The values are not an audit; `origin` is named.
        """
        try:
            found: Audit = TypeAdapter(Audit).validate_python(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise InputError(
                f"{origin} is not an audit: {place}: {first['msg']}; remove or rerun it"
            ) from error
        return found


def audit(
    real: Real,
    made: Made,
    classes: tuple[str, ...],
    extractor: str,
    seed: int = 0,
    progress: Progress = lambda done, total, figures: None,
    fed: np.ndarray | None = None,
) -> Audit:
    """Audit synthetic samples against the real training images.

    Parameters
    ----------
    real : Real
        All training images, of every class: the sources of the samples are among them.
    made : Made
        The samples that a classifier would be fed with, or some of each class.
    classes : tuple of str
        Names, in the order of the labels.
    extractor : str
        Name of what gave the features, such as ``"EfficientNet-Lite0 (ImageNet)"``.
    seed : int
        Of every draw: the same arguments give the same audit.
    progress : callable
        ``progress(done, total, {})``, in parts of the audit.
    fed : ndarray of int, shape (classes,), optional
        How many samples of each class a classifier would be fed with, where `made` is a part
        of them.

    Raises
    ------
    InputError
        There is no sample, arrays do not fit together, or a sample's source is unknown.

    Examples
    --------
    >>> rng, ids = np.random.default_rng(0), np.arange(60).astype(str)
    >>> real = Real(rng.normal(size=(60, 4)), None, np.arange(60) % 2, ids, ids)
    >>> made = Made(rng.normal(size=(30, 4)), None, np.ones(30, int), [()] * 30)
    >>> found = audit(real, made, ("nv", "mel"), "raw values")
    >>> [part.name for part in found.by_class], Audit.from_dict(found.to_dict()) == found
    (['mel'], True)
    """
    if len(made.features) == 0:
        raise InputError("there is no synthetic sample to audit; ask for some with synth.quota")
    origins = trace(real, made)
    present = [label for label in range(len(classes)) if (made.labels == label).any()]
    total = 3 * len(present) + 2
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done, total, {})

    judgement = judge_classes(real, made, origins, classes, seed)
    tick()
    shortcut = detect(real, made, origins, classes, seed, fed)
    tick()
    found = []
    for label in present:
        fidelity = measure_fidelity(real, made, origins, label, seed)
        tick()
        memorisation = measure_memorisation(real, made, origins, label, seed)
        tick()
        copies = identical_to_source(real, made, origins, label, seed)
        tick()
        found.append(
            ClassAudit(
                classes[label],
                int(np.count_nonzero(real.labels == label)),
                int(np.count_nonzero(made.labels == label)),
                fidelity,
                memorisation,
                copies,
                judgement.by_class[label],
            )
        )
    return Audit(
        extractor,
        seed,
        CAP,
        tuple(classes),
        tuple(found),
        judgement.balanced_accuracy,
        shortcut,
    )

"""Does it help? The classifier with these samples against one without, seed by seed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from imbalance_derm.evaluation.benefit import benefit
from imbalance_derm.evaluation.delong import delong
from imbalance_derm.evaluation.over_seeds import paired_over_seeds
from imbalance_derm.experiment.settings import resolve
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.experiment.stages import StageCache
from imbalance_derm.pipeline.judgement import Judgement
from imbalance_derm.pipeline.learning import learn_and_judge
from imbalance_derm.report.summary import headline_metrics, title_of

RIVALS = ("none", "augment")
"""No synthesis, and the same number of altered copies: what a synthesizer has to beat."""

NOTE = (
    "The synthesizer is fitted once; classifiers are trained with {seeds} seed{s}, at {updates} "
    "optimiser updates each, on {backbone}, and judged on identical test images. Intervals are a "
    "hierarchical paired bootstrap over seeds and lesions."
)


def measure_benefit(spec: Spec, stages: StageCache, seeds: int) -> dict[str, Any]:
    """Train with the samples and with each of :data:`RIVALS`, and compare on the test set.

    Parameters
    ----------
    spec : Spec
        Its seed is the first; the synthesizer's own seed is held fixed, so that every
        classifier is fed the samples that were audited.
    stages : StageCache
    seeds : int
        At least 1.

    Returns
    -------
    dict
        ``seeds``, ``note``, and by rival in ``against``: ``figures`` (by metric the paired
        difference with its interval and what could have been seen), ``delong`` of each seed
        (two classes only), ``sentence``.
    """
    held = spec.synth.model_copy(update={"seed": spec.synth_seed})
    spec = spec.model_copy(update={"synth": held})
    every = range(spec.seed, spec.seed + seeds)
    ours = [_judged(spec, seed, stages) for seed in every]
    updates = _updates_taken(stages)
    against = {}
    for rival in RIVALS:
        other = _with_synthesizer(spec, rival)
        theirs = [_judged(other, seed, stages) for seed in every]
        against[rival] = _compare(ours, theirs, spec.synth.name, rival)
    where = "a frozen backbone" if spec.backbone.frozen else "the whole network"
    note = NOTE.format(seeds=seeds, s="" if seeds == 1 else "s", updates=updates, backbone=where)
    return {"seeds": list(every), "note": note, "against": against}


def _updates_taken(stages: StageCache) -> int:
    """Return the optimiser updates of the last classifier."""
    taken = [entry.facts["steps"] for entry in stages.entries if entry.stage == "train"]
    return int(taken[-1])


def _judged(spec: Spec, seed: int, stages: StageCache) -> Judgement:
    return learn_and_judge(spec.model_copy(update={"seed": seed}), stages)


def _with_synthesizer(spec: Spec, name: str) -> Spec:
    given = {"name": name, "quota": spec.synth.quota, "seed": spec.synth.seed}
    return resolve({**spec.model_dump(mode="json"), "synth": given}, spec.preset)


def _compare(
    ours: list[Judgement], theirs: list[Judgement], name: str, rival: str
) -> dict[str, Any]:
    said = [[judgement.predictions["test"] for judgement in side] for side in (ours, theirs)]
    decided = [[judgement.decision for judgement in side] for side in (ours, theirs)]
    binary = len(said[0][0].classes) == 2
    metrics = headline_metrics(binary)
    found = paired_over_seeds(said[0], decided[0], said[1], decided[1], metrics)
    pairs = zip(*said, strict=True) if binary else ()
    return {
        "figures": {metric: asdict(comparison) for metric, comparison in found.items()},
        "delong": [asdict(delong(first, second)) for first, second in pairs],
        "sentence": benefit(found[metrics[0]], title_of(metrics[0]), name, rival),
    }

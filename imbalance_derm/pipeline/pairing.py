"""The run beside its twin: everything alike but for what the head adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.benefit import benefit
from imbalance_derm.evaluation.over_seeds import paired_over_seeds
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.settings import resolve
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.models.contract import Head
from imbalance_derm.pipeline.judgement import Judgement, judge
from imbalance_derm.pipeline.learning import learn, make_synthesizer, make_workbench
from imbalance_derm.pipeline.lesions import Lesions
from imbalance_derm.pipeline.robustness import corrupted_predictions
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import parameter_model
from imbalance_derm.report.summary import headline_metrics, title_of

Corrupted = Mapping[str, Sequence[Predictions]]


def twin_spec(spec: Spec) -> Spec:
    """Return the specification of the twin: another head, and everything else alike.

    Parameters that both heads have keep their values.

    Raises
    ------
    InputError
        The head names no twin.

    Examples
    --------
    >>> twin_spec(resolve({"head": "body_site_mtl"})).head.name
    'single_task'
    """
    head: type[Head] = installed().get("head", spec.head.name).load()
    if not head.twin:
        raise InputError(
            f"--paired: head '{spec.head.name}' has no twin to be compared with; "
            "use --head body_site_mtl, or compare two runs with imbderm leaderboard"
        )
    known = parameter_model(installed().get("head", head.twin).load()).model_fields
    shared = {name: value for name, value in spec.head.parameters.items() if name in known}
    tree = {**spec.model_dump(mode="json"), "head": {"name": head.twin, **shared}, "recipe": ""}
    return resolve(tree, spec.preset)


def pair(
    bench: Workbench, lesions: Lesions, judgement: Judgement, corrupted: Corrupted | None
) -> dict[str, Any]:
    """Train the twin on the same lesions with the same seed and compare on the test set.

    Returns
    -------
    dict
        ``twin``; ``clean`` and, where corruptions were judged, ``corrupted`` (means over all
        of them) and ``by_corruption``: by metric the difference, this run's minus the twin's,
        with its paired 95 % interval over lesions and the smallest difference that would have
        been seen; ``sentences``.
    """
    spec = bench.spec
    other, synthesizer = make_synthesizer(twin_spec(spec))
    twin_bench = make_workbench(other, bench.cache)
    learned = learn(twin_bench, synthesizer, lesions)
    twin = judge(twin_bench, learned.trained, lesions)
    theirs = None
    if corrupted is not None:
        theirs = corrupted_predictions(twin_bench, learned.trained, lesions, twin)
    return compare([judgement], [twin], [corrupted], [theirs], spec.head.name, other.head.name)


def compare(
    ours: Sequence[Judgement],
    theirs: Sequence[Judgement],
    our_corrupted: Sequence[Corrupted | None],
    their_corrupted: Sequence[Corrupted | None],
    name: str,
    twin: str,
) -> dict[str, Any]:
    """Return the paired differences of runs from their twins, one of each per seed."""
    rules = [[each.decision for each in side] for side in (ours, theirs)]
    metrics = headline_metrics(len(ours[0].predictions["test"].classes) == 2)

    def difference(first: Sequence[Any], second: Sequence[Any]) -> dict[str, Any]:
        found = paired_over_seeds(first, rules[0], second, rules[1], metrics)
        said = benefit(found[metrics[0]], title_of(metrics[0]), name, twin)
        return {"figures": {m: asdict(f) for m, f in found.items()}, "sentence": said}

    said = [[each.predictions["test"] for each in side] for side in (ours, theirs)]
    paired: dict[str, Any] = {"twin": twin, "clean": difference(*said)}
    known = [each for each in our_corrupted if each is not None]
    others = [each for each in their_corrupted if each is not None]
    if not known or not others:
        return paired
    every = [
        [[p for severities in each.values() for p in severities] for each in side]
        for side in (known, others)
    ]
    paired["corrupted"] = difference(*every)
    paired["by_corruption"] = {
        kind: difference([each[kind] for each in known], [each[kind] for each in others])
        for kind in known[0]
    }
    return paired

"""The stages that a run goes through, known before anything is computed, and one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from imbalance_derm.experiment.fingerprint import digest, source_digest
from imbalance_derm.experiment.spec import DataSection, Spec
from imbalance_derm.experiment.stages import StageCache
from imbalance_derm.pipeline.classifier import build_backbone, training_inputs
from imbalance_derm.pipeline.embedding import embed_split
from imbalance_derm.pipeline.examination import examine
from imbalance_derm.pipeline.learning import (
    learn,
    make_synthesizer,
    make_workbench,
    workshop_of,
)
from imbalance_derm.pipeline.lesions import Lesions, load_lesions, read_table
from imbalance_derm.pipeline.synthesis import fit, fit_inputs, synthesize
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.synth.contract import Synthesizer

RUN = "run"
"""The last step: evaluation, record and report; every run has its own."""


@dataclass(frozen=True)
class Step:
    """One stage of a run, told apart by the specification alone, before data are read.

    Attributes
    ----------
    stage : str
        As in the stage cache: ``"fit"``, say; or ``"run"``.
    part : str
        Whose work it is, such as a synthesizer's name.
    key : str
        Equal for two runs that share the stage.
    likeness : str
        Equal for steps that take about as long, such as those that differ in the seed alone.
    after : tuple of str
        Keys of the steps whose results it needs.
    """

    stage: str
    part: str
    key: str
    likeness: str
    after: tuple[str, ...] = ()


def steps_of(spec: Spec, name: str) -> list[Step]:
    """Return what the run called `name` goes through, in order; the last step is the run itself.

    Raises
    ------
    InputError
        Its parts cannot work together.
    """
    spec, synthesizer = make_synthesizer(spec)
    bench = make_workbench(spec, StageCache(Path()))  # nothing is computed
    data = {**spec.data.model_dump(mode="json"), "table": _table_digest(bench)}
    found = [_step("decode", spec.data.name, {"data": data, "part": bench.identity("data")})]
    source = found[0]
    if spec.backbone.frozen:
        inputs = {"backbone": bench.identity("backbone"), "arithmetic": bench.arithmetic}
        found.append(_step("embed", spec.backbone.name, inputs, source))
    features = found[-1]
    made = []
    if synthesizer.makes_samples:
        given = features if synthesizer.space == "embedding" else source
        fitted = _step("fit", spec.synth.name, fit_inputs(bench, synthesizer), given)
        quota = {"quota": spec.synth.model_dump(mode="json")}
        made = [_step("sample", spec.synth.name, quota, fitted)]
        audit = {"audit": spec.audit.model_dump(mode="json"), "seed": spec.synth_seed}
        found += [fitted, *made, _step("audit", spec.synth.name, audit, made[0])]
    training = training_inputs(bench)
    effort = {
        **{section: training["parts"][section] for section in ("backbone", "optimizer")},
        **{key: training[key] for key in ("stages", "train", "arithmetic")},
        "data": features.likeness,
        "made": spec.synth.model_dump() if spec.train.epoch_over == "all" else {},
    }
    found.append(_step("train", _method(spec), training, features, *made, effort=effort))
    whole = {
        "spec": spec.model_dump(mode="json"),
        "posthoc": bench.identity("posthoc"),
        "code": source_digest("imbalance_derm.evaluation"),
    }
    effort = {
        "data": data,
        "evaluation": spec.evaluation.model_dump(mode="json"),
        "made": len(made),
    }
    ends = [step for step in found if step.stage in ("train", "audit")]
    return [*found, _step(RUN, name, whole, *ends, effort=effort)]


def prepare(spec: Spec, stages: StageCache, stage: str) -> None:
    """Compute one stage of a run, and before it what it needs and is not there yet.

    Parameters
    ----------
    stage : str
        One of :func:`steps_of`, but for the run itself.

    Raises
    ------
    InputError, RunError
        In one line.
    """
    spec, synthesizer = make_synthesizer(spec)
    bench = make_workbench(spec, stages)
    # Another run may have no use for masks, nor its data any.
    masks = synthesizer.needs_masks and stage not in ("decode", "embed")
    _COMPUTE[stage](bench, synthesizer, load_lesions(bench, masks))


def _step(
    stage: str,
    part: str,
    inputs: dict[str, Any],
    *after: Step,
    effort: dict[str, Any] | None = None,
) -> Step:
    alike = effort or [_unseeded(inputs), [step.likeness for step in after]]
    keys = tuple(step.key for step in after)
    return Step(stage, part, digest([stage, inputs, keys]), digest([stage, alike]), keys)


def _table_digest(bench: Workbench) -> str:
    """Return a hash of the table of lesions: of what there is, not of the images' pixels."""
    settings = bench.spec.data
    return _digest_of_table(settings.model_dump_json())


@cache
def _digest_of_table(settings: str) -> str:
    _, table = read_table(DataSection.model_validate_json(settings))
    return digest(table.astype(str).to_numpy().tolist())


def _unseeded(inputs: Any) -> Any:
    if not isinstance(inputs, dict):
        return inputs
    return {key: _unseeded(value) for key, value in inputs.items() if key != "seed"}


def _method(spec: Spec) -> str:
    named = [spec.recipe] if spec.recipe else [spec.sampler.name, spec.loss.name, spec.head.name]
    return " + ".join(named)


def _embed(bench: Workbench, synthesizer: Synthesizer, lesions: Lesions) -> None:
    for split in (lesions.train, lesions.validation):
        embed_split(bench, build_backbone(bench), split, bench.identity("backbone"))


def _fit(bench: Workbench, synthesizer: Synthesizer, lesions: Lesions) -> None:
    fit(workshop_of(bench, synthesizer, lesions))


def _sample(bench: Workbench, synthesizer: Synthesizer, lesions: Lesions) -> None:
    synthesize(workshop_of(bench, synthesizer, lesions))


def _audit(bench: Workbench, synthesizer: Synthesizer, lesions: Lesions) -> None:
    workshop = workshop_of(bench, synthesizer, lesions)
    synthetic = synthesize(workshop)
    if synthetic is not None and len(synthetic.labels):
        examine(workshop, lesions.train, synthetic)


_COMPUTE: dict[str, Callable[[Workbench, Synthesizer, Lesions], object]] = {
    "decode": lambda bench, synthesizer, lesions: lesions,
    "embed": _embed,
    "fit": _fit,
    "sample": _sample,
    "audit": _audit,
    "train": learn,
}

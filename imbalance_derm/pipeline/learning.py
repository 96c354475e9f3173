"""Everything that learns in a run, in order: it never sees more than training and validation."""

from __future__ import annotations

from dataclasses import dataclass

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.experiment.stages import StageCache
from imbalance_derm.pipeline.classifier import Trained, build_backbone, train
from imbalance_derm.pipeline.embedding import embed_split, embed_synthetic
from imbalance_derm.pipeline.judgement import Judgement, judge
from imbalance_derm.pipeline.lesions import Lesions, load_lesions
from imbalance_derm.pipeline.synthesis import Synthetic, Workshop, synthesize
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.registry.parameters import create
from imbalance_derm.synth.contract import Synthesizer
from imbalance_derm.training.device import make_accelerator


def make_synthesizer(spec: Spec) -> tuple[Spec, Synthesizer]:
    """Build the synthesizer; one of embeddings freezes the backbone that they come from.

    Raises
    ------
    InputError
        Its embeddings are to be stretched, which is for images.
    """
    synthesizer: Synthesizer = create("synthesizer", spec.synth.name, spec.synth.parameters)
    if synthesizer.space == "embedding":
        if spec.synth.stretch:
            raise InputError(
                f"synth.stretch is for images, and synthesizer '{spec.synth.name}' makes "
                "embeddings; leave it out"
            )
        frozen = spec.backbone.model_copy(update={"frozen": True})
        spec = spec.model_copy(update={"backbone": frozen})
    return spec, synthesizer


def make_workbench(spec: Spec, stages: StageCache) -> Workbench:
    """Return the workbench of a specification.

    Raises
    ------
    InputError
        A part cannot work with the embeddings of a frozen backbone.
    """
    bench = Workbench(spec, stages, make_accelerator(spec.train))
    for part in (bench.build("sampler"), bench.build("mixer"), *bench.build_stages()):
        part.check(embeddings=spec.backbone.frozen)
    return bench


def workshop_of(bench: Workbench, synthesizer: Synthesizer, lesions: Lesions) -> Workshop:
    """Return the synthesizer with what it is fitted on: training images or their embeddings."""
    fed = lesions.train
    if synthesizer.space == "embedding":
        fed = embed_split(bench, build_backbone(bench), fed, bench.identity("backbone"))
    return Workshop(bench, synthesizer, fed.lesions, fed.key, fed.masks)


@dataclass(frozen=True, eq=False)
class Learned:
    """A trained classifier, and the synthetic samples that it was fed beside the real ones.

    Attributes
    ----------
    workshop : Workshop
        The synthesizer with what it was fitted on.
    synthetic : Synthetic or None
        As the synthesizer made them; None where it makes nothing.
    """

    trained: Trained
    workshop: Workshop
    synthetic: Synthetic | None


def learn(bench: Workbench, synthesizer: Synthesizer, lesions: Lesions) -> Learned:
    """Synthesise and train; handed training and validation lesions and nothing else."""
    backbone, identity = build_backbone(bench), bench.identity("backbone")
    training, validation = lesions.train, lesions.validation
    frozen = bench.spec.backbone.frozen
    if frozen:
        training = embed_split(bench, backbone, training, identity)
        validation = embed_split(bench, backbone, validation, identity)
    source = training if synthesizer.space == "embedding" else lesions.train
    workshop = Workshop(bench, synthesizer, source.lesions, source.key, source.masks)
    synthetic = fed = synthesize(workshop)
    if frozen and synthetic is not None:
        fed = embed_synthetic(bench, backbone, synthetic, identity)
    trained = train(bench, backbone, training, validation, fed)
    return Learned(trained, workshop, synthetic)


def learn_and_judge(spec: Spec, stages: StageCache) -> Judgement:
    """Carry out a specification as far as its predictions, without record or report."""
    spec, synthesizer = make_synthesizer(spec)
    bench = make_workbench(spec, stages)
    lesions = load_lesions(bench, synthesizer.needs_masks)
    return judge(bench, learn(bench, synthesizer, lesions).trained, lesions)

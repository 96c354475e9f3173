"""The specification of a run: one section per kind of part, and how it is trained and judged."""

from __future__ import annotations

import tomllib
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, model_validator

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Section(BaseModel):
    """A part by name; every key that is not a field here is a parameter of that part."""

    model_config = ConfigDict(extra="allow", validate_default=True)

    name: str

    @property
    def parameters(self) -> dict[str, Any]:
        """The part's own parameters."""
        return dict(self.model_extra or {})


class DataSection(Section):
    """Which images, at which resolution, split how."""

    name: str = "phantom"
    root: str = Field("", description="folder that holds the data sets' folders, or the data")
    image_size: Annotated[int, Field(ge=16, le=1024)] = Field(
        128, description="side of the centre square, in pixels"
    )
    validation: Annotated[float, Field(gt=0, le=0.5)] = Field(
        0.15, description="share of the training lesions kept for validation"
    )
    test: Annotated[float, Field(gt=0, le=0.5)] = Field(
        0.25, description="share drawn for testing where the data set has no test split"
    )
    split_seed: Seed = Field(0, description="seed of the split, apart from the training seed")
    skip_bad_images: bool = Field(False, description="skip and count unusable files")
    site_groups: str = Field(
        "", description="grouping of body sites: a name, or a .toml file; empty: as they are"
    )


class SynthSection(Section):
    """Which synthesizer, and how much it makes."""

    name: str = "none"
    quota: str | int | float | dict[str, str | int | float] = Field(
        "balance", description="balance, per_source, xN, a share, a count, or one of these by class"
    )
    seed: Annotated[int, Field(ge=-1, lt=2**31)] = Field(
        -1, description="of fit and sampling, to hold them while the run's varies; -1: the run's"
    )
    stretch: bool = Field(
        False, description="stretch every synthetic image to its own darkest and brightest value"
    )


class SamplerSection(Section):
    """Which rows make a batch."""

    name: str = "shuffle"


class MixerSection(Section):
    """How the rows of a batch are mixed."""

    name: str = "none"


class BackboneSection(Section):
    """Which network gives the features."""

    name: str = "efficientnet_lite0"
    frozen: bool = Field(False, description="train the head only, on cached embeddings")


class HeadSection(Section):
    """What turns features into logits."""

    name: str = "single_task"


class LossSection(Section):
    """What is minimised."""

    name: str = "ce"


class StageSection(Section):
    """One stage of the training schedule."""


class OptimizerSection(Section):
    """What takes the steps."""

    name: str = "torch"


class PosthocSection(Section):
    """What is done to the logits after training, fitted on validation."""

    name: str = "none"


class TrackerSection(Section):
    """Who is told of the run's events."""


class TrainSection(BaseModel):
    """How the classifier is trained."""

    model_config = ConfigDict(extra="forbid", validate_default=True)

    updates: Annotated[int, Field(ge=0)] = Field(
        0, description="optimiser updates; 0: as many as `epochs` passes take"
    )
    epochs: Annotated[float, Field(gt=0)] = Field(10.0, description="passes over `epoch_over`")
    epoch_over: Literal["real", "all"] = Field(
        "real",
        description="what a pass is over: the real training images, so that synthetic ones add "
        "no update, or all images",
    )
    batch_size: Annotated[int, Field(ge=2)] = Field(32, description="images per update")
    learning_rate: Annotated[float, Field(gt=0)] = Field(5e-4, description="at its highest")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.02, description="on matrices only")
    schedule: Literal["cosine", "constant", "plateau"] = Field(
        "cosine", description="of the learning rate; plateau: a tenth where looks stop improving"
    )
    plateau: Annotated[int, Field(ge=1)] = Field(
        5, description="looks without improvement after which schedule=plateau lowers the rate"
    )
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, description="share of the updates over which the learning rate rises from 0"
    )
    augment: Literal["none", "dihedral", "photo"] = Field(
        "dihedral",
        description="flips and transposes, or these with mild zoom and colour, drawn per batch",
    )
    validations: Annotated[int, Field(ge=1)] = Field(
        6, description="how often the validation set is looked at"
    )
    monitor: Literal["auc", "average_precision", "balanced_accuracy", "loss"] = Field(
        "auc", description="validation figure that picks the checkpoint"
    )
    patience: Annotated[int, Field(ge=0)] = Field(
        0, description="end a stage after so many looks without improvement; 0: never"
    )
    average: Literal["none", "ema", "swa"] = Field(
        "none", description="weights that are judged: the last, a moving or an equal average"
    )
    average_decay: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.99, description="of the moving average"
    )
    precision: Literal["auto", "no", "bf16", "fp16"] = Field(
        "auto", description="mixed precision; auto: where a GPU has it"
    )
    device: Literal["auto", "cpu"] = Field("auto", description="auto: CUDA, Apple or CPU")
    threads: Annotated[int, Field(ge=0)] = Field(0, description="CPU threads; 0: PyTorch's default")
    checkpoint_seconds: Annotated[float, Field(ge=0)] = Field(
        15.0, description="time between checkpoints of a training, a synthesizer's included"
    )


class EvaluationSection(BaseModel):
    """How the test set is judged."""

    model_config = ConfigDict(extra="forbid", validate_default=True)

    resamples: Annotated[int, Field(ge=100)] = Field(2000, description="of the bootstrap")
    criterion: Literal["youden", "sensitivity", "argmax"] = Field(
        "youden",
        description="what the threshold of two classes is chosen by on validation: Youden's J, "
        "a target sensitivity, or nothing (the most likely class)",
    )
    paired: bool = Field(
        False, description="train the head's twin, too, and give the paired differences"
    )
    corruptions: bool = Field(
        False, description="judge corrupted test images, too: five kinds at five severities"
    )
    target_sensitivity: Annotated[float, Field(gt=0, le=1)] = Field(
        0.9, description="to be reached on validation with criterion=sensitivity"
    )


class AuditSection(BaseModel):
    """How synthetic samples are compared with real ones."""

    model_config = ConfigDict(extra="forbid", validate_default=True)

    extractor: str = Field(
        "efficientnet_lite0", description="backbone whose features images are compared by"
    )
    images: Annotated[int, Field(ge=10)] = Field(
        2000, description="most synthetic samples of a class that are looked at"
    )


PARTS: dict[str, str] = {
    "data": "dataset",
    "synth": "synthesizer",
    "sampler": "sampler",
    "mixer": "mixer",
    "backbone": "backbone",
    "head": "head",
    "loss": "loss",
    "optimizer": "optimizer",
    "posthoc": "posthoc",
}
"""The kind of component behind each section."""


class Spec(BaseModel):
    """A fully resolved run; :meth:`to_toml` is enough to run it again.

    Examples
    --------
    >>> spec = Spec(loss=LossSection(name="focal", gamma=2.0))
    >>> Spec.from_toml(spec.to_toml()) == spec
    True
    """

    model_config = ConfigDict(extra="forbid", validate_default=True)

    seed: Seed = 0
    preset: str = "demo"
    recipe: str = ""
    data: DataSection = DataSection()
    synth: SynthSection = SynthSection()
    sampler: SamplerSection = SamplerSection()
    mixer: MixerSection = MixerSection()
    backbone: BackboneSection = BackboneSection()
    head: HeadSection = HeadSection()
    loss: LossSection = LossSection()
    stages: list[StageSection] = [StageSection(name="joint")]
    optimizer: OptimizerSection = OptimizerSection()
    posthoc: PosthocSection = PosthocSection()
    train: TrainSection = TrainSection()
    evaluation: EvaluationSection = EvaluationSection()
    audit: AuditSection = AuditSection()
    trackers: list[TrackerSection] = []

    @model_validator(mode="before")
    @classmethod
    def _of_older_versions(cls, tree: Any) -> Any:
        """Read records from before there was an [optimizer] section: they name it under [train]."""
        if not isinstance(tree, dict) or "optimizer" not in (tree.get("train") or {}):
            return tree
        train = dict(tree["train"])
        algorithm = train.pop("optimizer")
        section = {"name": "torch", "algorithm": algorithm, "options": {}}
        return {**tree, "train": train, "optimizer": tree.get("optimizer", section)}

    @property
    def synth_seed(self) -> int:
        """Seed of the synthesizer's fit and sampling."""
        return self.seed if self.synth.seed < 0 else self.synth.seed

    def to_toml(self) -> str:
        """Return the specification as TOML; it has no null, so that every value is explicit."""
        return tomli_w.dumps(self.model_dump(mode="json"))

    @staticmethod
    def from_toml(text: str) -> Spec:
        """Read what :meth:`to_toml` wrote, without consulting the registry."""
        return Spec.model_validate(tomllib.loads(text))

"""Stage: train the classifier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from scipy.special import softmax

from imbalance_derm.evaluation.evaluate import monitor
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.events import EpochFinished
from imbalance_derm.experiment.fingerprint import source_digest
from imbalance_derm.experiment.stages import Progress, Stage
from imbalance_derm.models.contract import Backbone, Head, Model, Task
from imbalance_derm.pipeline.embedding import embed_split
from imbalance_derm.pipeline.lesions import Split
from imbalance_derm.pipeline.synthesis import Synthetic
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.sampling.contract import SamplingContext
from imbalance_derm.schedule.step import Parts
from imbalance_derm.training.inference import predict_logits
from imbalance_derm.training.loop import train_classifier
from imbalance_derm.training.plan import Plan
from imbalance_derm.training.pool import Pool

CODE = (
    "losses", "models", "optimizers", "sampling", "schedule", "training",
    "evaluation.evaluate", "evaluation.metrics", "pipeline.classifier",
)  # fmt: skip
"""What a training runs through; figures on the validation set choose the update that is kept."""
WEIGHTS = "weights.safetensors"
TRAINED_WITH = ("sampler", "mixer", "backbone", "head", "loss", "optimizer")
UNKEYED = {"device", "threads", "checkpoint_seconds"}
"""Settings that do not determine the result; the device type is keyed apart."""


@dataclass(frozen=True)
class Trained:
    """A trained model, on the device, with its stage and the updates that it was given."""

    model: Model
    stage: Stage


def build_backbone(bench: Workbench) -> Backbone:
    """Build the backbone; a random start is a function of the seed."""
    torch.manual_seed(bench.spec.seed)
    backbone: Backbone = bench.build("backbone")
    return backbone.to(bench.accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def training_inputs(bench: Workbench) -> dict[str, Any]:
    """Return all that determines a training but for the data."""
    spec = bench.spec
    return {
        "parts": {section: bench.identity(section) for section in TRAINED_WITH},
        "stages": bench.stage_identities,
        "train": spec.train.model_dump(mode="json", exclude=UNKEYED),
        "seed": spec.seed,
        "code": source_digest(*(f"imbalance_derm.{room}" for room in CODE)),
        "arithmetic": bench.arithmetic,
    }


def train(
    bench: Workbench,
    backbone: Backbone,
    training: Split,
    validation: Split,
    synthetic: Synthetic | None,
) -> Trained:
    """Train a head on `backbone` (or on its embeddings, where it is frozen).

    Returns
    -------
    Trained
        Always with the backbone, so that it takes images.
    """
    spec, lesions = bench.spec, training.lesions
    frozen = lesions.samples.ndim == 2
    # Built even where the stage is cached: the model to load the weights into.
    torch.manual_seed(spec.seed)
    head: Head = bench.build("head", Task(backbone.features, lesions.classes, lesions.site_names))
    head.to(bench.accelerator.device)
    stages = bench.build_stages()
    keys = [training.key, validation.key, synthetic.key if synthetic else ""]
    inputs = {**training_inputs(bench), "data": keys}

    def compute(folder: Path, progress: Progress) -> dict[str, Any]:
        pool = Pool.of(lesions)
        if synthetic is not None:
            pool = Pool.of(lesions, synthetic.samples, synthetic.labels, synthetic.sites)
        model = Model(None if frozen else backbone, head)

        def validate(model: Model) -> float:
            predictions = predictions_of(bench, model, validation)
            figure = monitor(predictions, spec.train.monitor)
            return -figure if spec.train.monitor == "loss" else figure

        def looked(update: int, updates: int, figure: float) -> None:
            figures = {str(spec.train.monitor): figure}
            bench.cache.listener(EpochFinished(update, updates, figures))

        for each in stages:
            each.adapt(model)
        parts = Parts(bench.build("loss"), bench.build("sampler"), bench.build("mixer"))
        plan = Plan(parts, stages, bench.make_optimizer)
        context = bench.context(spec.seed, folder, progress)
        history = train_classifier(model, pool, plan, spec.train, validate, context, looked)
        whole = Model(backbone, head)
        whole.adapter = model.adapter
        states = whole.state_dict().items()
        tensors = {k: v.detach().to("cpu", copy=True).contiguous() for k, v in states}
        save_file(tensors, folder / WEIGHTS)
        curve: list[dict[str, Any]] = [
            {"update": update, "loss": loss}
            for update, loss in zip(history.updates, history.losses, strict=True)
        ]
        looks = {int(update): figure for update, figure in history.looks}
        for point in curve:
            if point["update"] in looks:
                point["validation"] = {spec.train.monitor: looks[int(point["update"])]}
        fed = plan.parts.sampler.order(
            SamplingContext(pool.labels, len(lesions.classes), 1.0, None, pool.embeddings),
            np.random.default_rng(spec.seed),
        )
        return {
            "steps": history.taken,
            "best_update": history.best[0],
            "curve": curve,
            "rows": len(pool),
            "fed": np.bincount(pool.labels[fed], minlength=len(lesions.classes)).tolist(),
        }

    stage = bench.cache.run("train", inputs, compute)
    model = Model(backbone, head)
    for each in stages:
        each.adapt(model)
    model.load_state_dict(load_file(stage.folder / WEIGHTS))
    model.to(bench.accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.eval()
    return Trained(model, stage)


def predictions_of(bench: Workbench, model: Model, split: Split) -> Predictions:
    """Return what `model` says of each sample of `split`."""
    return as_predictions(logits_of(bench, model, split), split)


def logits_of(bench: Workbench, model: Model, split: Split) -> np.ndarray:
    """Return the logits of each sample of `split`, float64 (n, classes)."""
    return predict_logits(model, split.lesions.samples, bench.accelerator)


def for_inference(bench: Workbench, model: Model, split: Split) -> tuple[Model, Split]:
    """Return what to compute logits with: where the backbone is frozen, head and embeddings.

    Embeddings are a stage: they are computed once for all heads.
    """
    if not bench.spec.backbone.frozen or model.backbone is None:
        return model, split
    head = Model(None, model.head)
    head.adapter = model.adapter
    return head, embed_split(bench, model.backbone, split, bench.identity("backbone"))


def as_predictions(logits: np.ndarray, split: Split) -> Predictions:
    """Return the probabilities that logits stand for, beside the truth."""
    lesions = split.lesions
    probabilities = softmax(logits, axis=1)
    return Predictions(
        lesions.image_ids, lesions.lesion_ids, lesions.labels, probabilities, lesions.classes
    )

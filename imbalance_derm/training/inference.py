"""Using a network that is not being trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from imbalance_derm.models.contract import Backbone, Model
from imbalance_derm.training.inputs import to_inputs


@contextmanager
def inference(network: nn.Module, accelerator: Accelerator) -> Iterator[None]:
    """Hold `network` in evaluation mode, without gradients, in the accelerator's precision."""
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode(), accelerator.autocast():
            yield
    finally:
        network.train(was_training)


def embed_inputs(model: Model, samples: np.ndarray, accelerator: Accelerator) -> torch.Tensor:
    """Return the features, float32 (n, d) on the device, that `model` has of samples."""
    parts = []
    with inference(model, accelerator):
        for start in range(0, len(samples), 128):
            inputs = to_inputs(samples[start : start + 128], accelerator.device)
            parts.append(model.embed(inputs).float())
    return torch.cat(parts).clone()


def predict_logits(
    model: Model, samples: np.ndarray, accelerator: Accelerator, batch_size: int = 128
) -> np.ndarray:
    """Return logits, float64 (n, classes)."""
    parts = []
    with inference(model, accelerator):
        for start in range(0, len(samples), batch_size):
            outputs, _ = model(to_inputs(samples[start : start + batch_size], accelerator.device))
            # In double precision on the CPU: Apple devices have none.
            parts.append(outputs.logits.float().cpu().double().numpy())
    return np.concatenate(parts)


def predict_task(
    model: Model, samples: np.ndarray, rows: np.ndarray, task: str, accelerator: Accelerator
) -> np.ndarray | None:
    """Return the logits of another task of the head for `rows`; None where it has no such task."""
    parts = []
    with inference(model, accelerator):
        for start in range(0, len(rows), 128):
            chosen = samples[rows[start : start + 128]]
            outputs, _ = model(to_inputs(chosen, accelerator.device))
            if task not in outputs.others:
                return None
            parts.append(outputs.others[task].float().cpu().double().numpy())
    return np.concatenate(parts)


def embed(
    backbone: Backbone,
    samples: np.ndarray,
    accelerator: Accelerator,
    into: np.ndarray | None = None,
    progress: Callable[[int, int, dict[str, float]], None] = lambda done, total, figures: None,
    batch_size: int = 128,
) -> np.ndarray:
    """Return features, float32 (n, d), of images uint8 (n, s, s, 3); written to `into` if given."""
    result = np.empty((len(samples), backbone.features), np.float32) if into is None else into
    with inference(backbone, accelerator):
        for start in range(0, len(samples), batch_size):
            part = slice(start, start + batch_size)
            features = backbone(to_inputs(samples[part], accelerator.device))
            result[part] = features.float().cpu().numpy()
            progress(min(start + batch_size, len(samples)), len(samples), {})
    return result

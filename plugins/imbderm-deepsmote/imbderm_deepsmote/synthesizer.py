"""DeepSMOTE: encode the images of a class, interpolate between their codes, decode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file, save_file

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.errors import InputError
from imbalance_derm.synth.contract import CHUNK, Chunk, Provenance, Synthesizer
from imbalance_derm.synth.pixels import to_images, to_tensor
from imbalance_derm.synth.sources import hash_tensors
from imbalance_derm.training.context import TrainingContext
from imbderm_deepsmote.latent import interpolate, neighbors_for
from imbderm_deepsmote.networks import Autoencoder
from imbderm_deepsmote.training import Plan, train

WEIGHTS_FILE = "autoencoder.safetensors"
JUDGED = 256
"""Images of a class on which its reconstruction is measured, at the most."""
BLURRED = 0.5
"""Share of a class's variance above which what is lost in reconstruction is warned of."""


class DeepSmote(Synthesizer):
    """SMOTE between the codes of an autoencoder, decoded to images.

    Dablain et al. 2022, algorithm 1. One autoencoder is trained on the images of all classes,
    with a penalty on the decoded codes of one class. A synthetic image is decoded from a
    point between the codes of two training images of its class, nearest neighbours of each
    other among the codes.

    Parameters
    ----------
    latent_size : int
        Length of a code.
    filters : int
        Channels after the encoder's first convolution; they double up to eight times that.
    penalty : {"permuted", "aligned"}
        What the decoded codes of a class are compared with, after the codes have moved on by
        one: the images in their own order, as the paper says, which draws decoded images
        towards the mean of their class, the more the smaller the class; or the images moved
        on like their codes, as the authors' code does, which is a reconstruction that sees
        every class equally often.
    epochs : float
        Passes over the training images.
    steps : int
        Updates; 0: as many as `epochs` say.
    batch_size : int
        Images of all classes in one update; at most as many of one class come to them.
    learning_rate : float
        Of Adam.
    k_neighbors : int or "auto"
        Neighbours to choose from; a class needs more images than that. ``auto`` takes 5, or
        all there are where a class has fewer.

    Examples
    --------
    >>> DeepSmote(latent_size=64).penalty
    'aligned'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            "latent_size": 8, "filters": 4, "steps": 4, "batch_size": 4, "k_neighbors": "auto",
        },
        "demo": {
            "latent_size": 128, "filters": 24, "steps": 400, "batch_size": 32,
            "learning_rate": 1e-3,
        },
    }  # fmt: skip

    # Two codes near each other may decode to one 8-bit image.
    repeats: ClassVar[bool] = True
    sampling_parameters: ClassVar[frozenset[str]] = frozenset({"k_neighbors"})

    def __init__(
        self,
        *,
        latent_size: Annotated[int, Field(ge=1)] = 600,
        filters: Annotated[int, Field(ge=1)] = 64,
        penalty: Literal["permuted", "aligned"] = "aligned",
        epochs: Annotated[float, Field(gt=0)] = 200.0,
        steps: Annotated[int, Field(ge=0)] = 0,
        batch_size: Annotated[int, Field(ge=2)] = 100,
        learning_rate: Annotated[float, Field(gt=0, lt=1)] = 2e-4,
        k_neighbors: Annotated[int, Field(ge=1)] | Literal["auto"] = 5,
    ) -> None:
        self.latent_size = latent_size
        self.filters = filters
        self.penalty: Literal["permuted", "aligned"] = penalty
        self.epochs = epochs
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.k_neighbors = k_neighbors
        self._weights: dict[str, torch.Tensor] = {}

    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        for label in self.targets(data):
            # Told before the training; the largest class is made only where it is named.
            if label != np.argmax(data.class_counts):
                self._neighbors(data, label)
        steps = self.steps or math.ceil(self.epochs * len(data) / self.batch_size)
        plan = Plan(steps, self.batch_size, self.learning_rate, self.penalty)
        network, points = train(data, plan, self.filters, self.latent_size, context)
        self._weights = {
            name: value.detach().to("cpu", copy=True).contiguous()
            for name, value in network.state_dict().items()
        }
        lost = {
            name: reconstruction_loss_share(network, data, label)
            for label, name in enumerate(data.classes)
        }
        return {
            "steps": steps,
            "curves": {"all classes": points},
            "lost_in_reconstruction": lost,
            "warnings": [
                self._warning(data, label, lost[name])
                for label, name in enumerate(data.classes)
                if lost[name] > BLURRED
            ],
        }

    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        if not self._weights:
            raise InputError("DeepSMOTE has no autoencoder yet: fit or load it before sampling")
        neighbors = self._neighbors(data, label)
        device = context.accelerator.device
        network = Autoencoder(data.samples.shape[1], self.filters, self.latent_size)
        network.load_state_dict(self._weights)
        network = network.to(device).eval()
        model = hash_tensors(self._weights)
        rows = np.flatnonzero(data.labels == label)
        codes = encode(network, data.samples, rows)
        made, parents = interpolate(codes, count, neighbors, seed)
        for start in range(0, count, CHUNK):
            chunk = torch.from_numpy(made[start : start + CHUNK]).to(device)
            with torch.inference_mode():
                images = to_images(network.decoder(chunk))
            origins = [
                Provenance(
                    "deepsmote", tuple(map(str, data.image_ids[rows[pair]])), seed, model,
                    mode="interpolate",
                )
                for pair in parents[start : start + CHUNK]
            ]  # fmt: skip
            yield Chunk(images, label, origins)

    def save(self, folder: Path) -> None:
        """Write the autoencoder as safetensors."""
        save_file(self._weights, folder / WEIGHTS_FILE)

    def load(self, folder: Path, data: LesionSet, context: TrainingContext) -> None:
        """Read what :meth:`save` wrote."""
        self._weights = load_file(folder / WEIGHTS_FILE)

    def _neighbors(self, data: LesionSet, label: int) -> int:
        size = int(data.class_counts[label])
        return neighbors_for(data.classes[label], size, self.k_neighbors)

    def _warning(self, data: LesionSet, label: int, share: float) -> str:
        floor = penalty_floor(data.class_counts, label) if self.penalty == "permuted" else 0.0
        remedy = "raise synth.epochs or synth.steps"
        if floor > BLURRED / 2:
            remedy = (
                f"at least {floor:.0%} is the doing of the permuted penalty, "
                "use --set synth.penalty=aligned"
            )
        return (
            f"class '{data.classes[label]}': DeepSMOTE's autoencoder errs by {share:.0%} of the "
            f"variance within the class (100%: its mean image for every image): {remedy}"
        )


def encode(network: Autoencoder, samples: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the codes of some images.

    Parameters
    ----------
    network : Autoencoder
        In evaluation mode.
    samples : ndarray of uint8, shape (n, size, size, 3)
    rows : ndarray of int, shape (m,)
        Rows of `samples`, not empty.

    Returns
    -------
    ndarray of float32, shape (m, latent_size)
    """
    device = next(network.parameters()).device
    with torch.inference_mode():
        return np.concatenate(
            [
                network.encoder(to_tensor(samples[rows[at : at + CHUNK]], device)).cpu().numpy()
                for at in range(0, len(rows), CHUNK)
            ]
        )


def reconstruction_loss_share(network: Autoencoder, data: LesionSet, label: int) -> float:
    """Return the squared error of reconstruction over the variance within the class.

    0 is a perfect autoencoder; 1 is as bad as the class's mean image for every image. A class
    whose images are all alike has 0.

    Parameters
    ----------
    network : Autoencoder
        In evaluation mode.
    data : LesionSet
    label : int
        Class; of its images the first :data:`JUDGED` are looked at.
    """
    rows = np.flatnonzero(data.labels == label)[:JUDGED]
    device = next(network.parameters()).device
    mean = sum(data.samples[row].astype(np.float64) for row in rows) / len(rows)
    error = variance = 0.0
    for at in range(0, len(rows), CHUNK):
        images = data.samples[rows[at : at + CHUNK]]
        with torch.inference_mode():
            made = network(to_tensor(images, device)).permute(0, 2, 3, 1).cpu().numpy()
        error += float(np.square((made + 1.0) * 127.5 - images).sum())
        variance += float(np.square(images - mean).sum())
    return error / variance if variance else 0.0


def penalty_floor(counts: np.ndarray, label: int) -> float:
    """Return the share of a class's variance that the permuted penalty takes from any decoder.

    The reconstruction loss asks for the image x with the weight p of the class in a batch; the
    penalty asks, with the weight q of the class among the batches of one class, for another
    image of the class, so on average for about the mean m. The sum is least at
    (p x + q m) / (p + q), whose squared error is (q / (p + q))^2 of the variance.

    Parameters
    ----------
    counts : ndarray of int, shape (classes,)
        Training images of each class.
    label : int

    Examples
    --------
    >>> [round(penalty_floor(np.array([727, 173]), label), 2) for label in (0, 1)]
    [0.15, 0.52]
    """
    in_batch, in_group = counts[label] / counts.sum(), 1 / len(counts)
    return float((in_group / (in_group + in_batch)) ** 2)

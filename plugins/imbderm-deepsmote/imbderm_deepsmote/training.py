"""The training of the autoencoder: reconstruction of all classes, and the permutation penalty."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.synth.pixels import to_tensor
from imbalance_derm.training.context import State, TrainingContext, seed_step
from imbderm_deepsmote.networks import Autoencoder

Penalty = Literal["permuted", "aligned"]
Network = Callable[[torch.Tensor], torch.Tensor]

TERMS = ("reconstruction", "penalty")
_POINTS = 200


@dataclass(frozen=True)
class Plan:
    """With what and how long an autoencoder is trained.

    Attributes
    ----------
    steps : int
        Updates.
    batch_size : int
        Images of all classes in an update, and at most as many of one class beside them.
    learning_rate : float
        Of Adam, otherwise with PyTorch's settings.
    penalty : {"permuted", "aligned"}
        See :func:`loss_terms`.
    """

    steps: int
    batch_size: int
    learning_rate: float
    penalty: Penalty


@dataclass(frozen=True)
class Curve:
    """Losses averaged over stretches of `stretch` steps."""

    stretch: int
    sums: torch.Tensor
    points: list[dict[str, float]]

    def add(self, step: int, losses: torch.Tensor) -> bool:
        """Add the losses of step `step`, from 0; return whether that ended a stretch."""
        self.sums.add_(losses)
        if (step + 1) % self.stretch:
            return False
        # One transfer per stretch: reading a loss makes the host wait for the device.
        means = (self.sums / self.stretch).tolist()
        self.points.append({"step": step + 1, **dict(zip(TERMS, means, strict=True))})
        self.sums.zero_()
        return True


def loss_terms(
    encoder: Network,
    decoder: Network,
    images: torch.Tensor,
    group: torch.Tensor,
    penalty: Penalty,
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the reconstruction loss and the penalty of one step.

    Dablain et al. 2022, algorithm 1: both are mean squared errors, their sum is minimised.
    The codes of `group`, images of one class, are moved on by one place, decoded, and
    compared with the images: in their own order, as the paper says (``permuted``), or moved
    on like their codes, as the authors' code does (``aligned``), which leaves a second
    reconstruction term that sees every class equally often. The penalty trains the decoder
    alone, as in the authors' code.

    Parameters
    ----------
    encoder, decoder : callable
    images : Tensor, shape (n, 3, size, size)
        Of all classes.
    group : Tensor, shape (m, 3, size, size)
        Of one class, in random order: so that moving on by one is a random permutation in
        which no code keeps its place.
    penalty : {"permuted", "aligned"}
    autocast : callable
        Context in which the networks run; the losses are computed in float32.

    Returns
    -------
    tuple of Tensor
        Two scalars.

    Examples
    --------
    >>> images, group = torch.zeros(1, 1), torch.tensor([[0.0], [1.0]])
    >>> same = torch.nn.Identity()
    >>> loss_terms(same, same, images, group, "permuted")
    (tensor(0.), tensor(1.))
    """
    sizes = [len(images), len(group)]
    with autocast():
        # One pass, so that batch norm treats both batches alike, as it will when sampling.
        codes, of_group = encoder(torch.cat([images, group])).split(sizes)
        moved = of_group.detach().roll(-1, dims=0)
        decoded, penalised = decoder(torch.cat([codes, moved])).split(sizes)
    expected = group.roll(-1, dims=0) if penalty == "aligned" else group
    return F.mse_loss(decoded.float(), images), F.mse_loss(penalised.float(), expected)


def train(
    data: LesionSet, plan: Plan, filters: int, latent_size: int, context: TrainingContext
) -> tuple[Autoencoder, list[dict[str, float]]]:
    """Train an autoencoder on all images of `data`, over interruptions.

    Every random draw is a function of (seed, step). Each image is seen once before any is
    seen again; the class of the penalty is drawn with equal probability.

    Parameters
    ----------
    data : LesionSet
        Images; no class is empty.
    plan : Plan
    filters, latent_size : int
        As :class:`~imbderm_deepsmote.networks.Encoder` takes them.
    context : TrainingContext

    Returns
    -------
    network : Autoencoder
        On the context's device, in evaluation mode.
    points : list of dict
        ``step`` and the mean of each of :data:`TERMS` up to there.

    Raises
    ------
    InputError
        The side of the images does not divide.
    """
    device = context.accelerator.device
    seed_step(context.seed, 0)
    network = Autoencoder(data.samples.shape[1], filters, latent_size).to(device)
    adam = torch.optim.Adam(
        network.parameters(), plan.learning_rate, fused=device.type in {"cpu", "cuda"}
    )
    curve = Curve(-(-plan.steps // _POINTS), torch.zeros(len(TERMS), device=device), [])
    first = _restore(context.checkpoint.load(), network, adam, curve)
    network.train()
    encoder, decoder, optimizer = context.accelerator.prepare(
        network.encoder, network.decoder, adam
    )
    members = [np.flatnonzero(data.labels == label) for label in range(len(data.classes))]
    for step in range(first, plan.steps):
        rows, group = _draw(members, step, plan.batch_size, context.seed)
        images, of_class = (to_tensor(data.samples[part], device) for part in (rows, group))
        terms = loss_terms(encoder, decoder, images, of_class, plan.penalty, context.autocast)
        optimizer.zero_grad(set_to_none=True)
        context.accelerator.backward(terms[0] + terms[1])
        optimizer.step()
        if curve.add(step, torch.stack(terms).detach()):
            figures = {name: curve.points[-1][name] for name in TERMS}
            context.progress(step + 1, plan.steps, figures)
        if context.checkpoint.due():
            context.checkpoint.save(_state(step + 1, network, adam, curve))
    return network.eval(), curve.points


def _draw(
    members: list[np.ndarray], step: int, size: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the batch of all classes, and those of the batch of one."""
    rng = np.random.default_rng((seed, step))
    total = sum(map(len, members))
    places = np.arange(step * size, (step + 1) * size)
    rows = np.empty(size, np.int64)
    for epoch in np.unique(places // total):
        order = np.random.default_rng((seed, int(epoch), total)).permutation(total)
        here = places // total == epoch
        rows[here] = order[places[here] % total]
    chosen = members[rng.integers(len(members))]
    return rows, rng.permutation(chosen)[:size]


def _state(step: int, network: Autoencoder, adam: torch.optim.Adam, curve: Curve) -> State:
    return {
        "step": step,
        "network": network.state_dict(),
        "adam": adam.state_dict(),
        "sums": curve.sums,
        "points": list(curve.points),
    }


def _restore(state: Any, network: Autoencoder, adam: torch.optim.Adam, curve: Curve) -> int:
    if state is None:
        return 0
    network.load_state_dict(state["network"])
    adam.load_state_dict(state["adam"])
    curve.sums.copy_(state["sums"])
    curve.points.extend(dict(point) for point in state["points"])
    return int(state["step"])

"""How the losses of a main task and of an auxiliary one become one objective."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import nn

from imbalance_derm.errors import InputError


class TaskWeighting(nn.Module, ABC):
    """Makes an objective of the losses of a main task and of an auxiliary one.

    Parameters
    ----------
    weight : float
        Of the auxiliary task; the main task weighs 1.
    """

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    @abstractmethod
    def forward(self, losses: torch.Tensor, shares: torch.Tensor, progress: float) -> torch.Tensor:
        """Return what to minimise.

        Parameters
        ----------
        losses : Tensor of shape (2,)
            Mean loss of the main and of the auxiliary task.
        shares : Tensor of shape (2,)
            Mean weight of the rows behind each loss: 1 unless rows are mixed, 0 where no row
            has a label of the task.
        progress : float
            Share of the training budget that is spent, from 0 to 1.

        Returns
        -------
        Tensor of shape () or (2,)
            Linear in `losses` and `shares`, so that mixed batches add up to one batch.
        """

    def facts(self) -> dict[str, float]:
        """Return the learned weights of the tasks by name; empty where none is learned."""
        return {}


class Fixed(TaskWeighting):
    """``L_main + weight * L_auxiliary``.

    Examples
    --------
    >>> Fixed(0.5)(torch.tensor([2.0, 1.0]), torch.ones(2), progress=0.5)
    tensor(2.5000)
    """

    def forward(self, losses: torch.Tensor, shares: torch.Tensor, progress: float) -> torch.Tensor:
        """Return the weighted sum, shape ()."""
        return losses[0] + self.weight * losses[1]


class Scheduled(TaskWeighting):
    """``L_main + weight * (1 - progress) * L_auxiliary``: the weight falls linearly to 0.

    Notes
    -----
    The auxiliary task shapes the features early on; the last updates are the main task's alone.

    Examples
    --------
    >>> Scheduled(0.5)(torch.tensor([2.0, 1.0]), torch.ones(2), progress=0.5)
    tensor(2.2500)
    """

    def forward(self, losses: torch.Tensor, shares: torch.Tensor, progress: float) -> torch.Tensor:
        """Return the weighted sum, shape ()."""
        return losses[0] + self.weight * (1.0 - progress) * losses[1]


class Uncertainty(TaskWeighting):
    """``sum_t exp(-s[t]) * L[t] + s[t] / 2`` with learned log-variances ``s[t] = log sigma[t]**2``.

    That is the form for classification, ``L / sigma**2 + log sigma``; for regression the paper
    has ``L / (2 * sigma**2) + log sigma``. At the optimum a task weighs ``1 / (2 * L[t])``.

    Parameters
    ----------
    weight : float
        Of the auxiliary task at the start, above 0: ``s = (0, -log weight)``.

    Raises
    ------
    InputError
        `weight` is 0, which no variance gives.

    Notes
    -----
    The log-variances learn at the run's learning rate and are not decayed; in a short run they
    stay near the start. The weight of a task grows without bound as its training loss goes to 0.
    The term ``s[t] / 2`` counts only as much as there are rows with a label of the task:
    otherwise batches without one would pull the variance towards 0. The derivation is for
    cross-entropy; with another loss the weighting is a heuristic.

    References
    ----------
    Kendall, Gal and Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses for
    Scene Geometry and Semantics", arXiv 1705.07115.

    Examples
    --------
    >>> weighting = Uncertainty(0.5)
    >>> weighting.facts()
    {'lesion_weight': 1.0, 'site_weight': 0.5}
    """

    NAMES = ("lesion_weight", "site_weight")

    def __init__(self, weight: float) -> None:
        super().__init__(weight)
        if weight <= 0:
            raise InputError(
                "head.weighting=uncertainty starts from head.site_weight, which has to be above 0; "
                "raise it, or set head.weighting=fixed"
            )
        self.log_variances = nn.Parameter(torch.empty(2))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Go back to the weights of the start."""
        with torch.no_grad():
            self.log_variances.copy_(torch.tensor([0.0, -math.log(self.weight)]))

    def forward(self, losses: torch.Tensor, shares: torch.Tensor, progress: float) -> torch.Tensor:
        """Return the weighted sum with the terms that keep the variances small, shape ()."""
        return (torch.exp(-self.log_variances) * losses + self.log_variances / 2 * shares).sum()

    def facts(self) -> dict[str, float]:
        """Return ``exp(-s)`` of both tasks."""
        weights = torch.exp(-self.log_variances.detach()).tolist()
        return dict(zip(self.NAMES, weights, strict=True))


class GradientSurgery(TaskWeighting):
    """``(L_main, weight * L_auxiliary)``, one value per task: conflicting gradients are projected.

    Notes
    -----
    :func:`imbalance_derm.training.surgery.project` does it on what both tasks share. A gradient
    is projected onto the other's normal plane whatever the other's length; `weight` says how
    much the auxiliary gradient counts in their sum.

    References
    ----------
    Yu et al. 2020, "Gradient Surgery for Multi-Task Learning" (PCGrad), arXiv 2001.06782.

    Examples
    --------
    >>> GradientSurgery(0.5)(torch.tensor([2.0, 1.0]), torch.ones(2), progress=0.5)
    tensor([2.0000, 0.5000])
    """

    def forward(self, losses: torch.Tensor, shares: torch.Tensor, progress: float) -> torch.Tensor:
        """Return one value per task, shape (2,)."""
        return losses * losses.new_tensor([1.0, self.weight])


WEIGHTINGS: dict[str, type[TaskWeighting]] = {
    "fixed": Fixed,
    "scheduled": Scheduled,
    "uncertainty": Uncertainty,
    "pcgrad": GradientSurgery,
}

"""Lesion class and body site, learned jointly on one trunk."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from imbalance_derm.data.lesions import MISSING_SITE
from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import Loss, apply_loss
from imbalance_derm.models.contract import Batch, Counts, Head, Outputs, Task
from imbalance_derm.models.heads.task_weighting import WEIGHTINGS
from imbalance_derm.registry.parameters import create


class BodySiteMultiTask(Head):
    """A lesion head and a body-site head; the site is an output to learn from, never an input.

    ``L = L_lesion + site_weight * L_site``, or another combination as `weighting` says. The
    lesion loss is the run's ``--loss``. The site loss is the mean over images whose site is
    known; synthetic images have none.

    Parameters
    ----------
    site_loss : str
        Loss of the site task, by its registered name (``NAME`` or ``NAME/VALUE``).
    site_weight : float
        Weight of the site task; 0 gives the single-task twin with an untrained site head.
    weighting : {"fixed", "scheduled", "uncertainty", "pcgrad"}
        How the tasks are weighed: with site_weight throughout; with a weight that falls linearly
        from site_weight to 0 at the end of the training; with weights that are learned from
        site_weight on, as variances of the tasks; or with site_weight, where the gradients of the
        two tasks conflict with the conflict projected away.
    dropout : float
        Share of features dropped in training.

    Raises
    ------
    InputError
        The data have fewer than two known body sites; or the weights are to be learned from a
        site_weight of 0.

    References
    ----------
    Liao and Luo 2018, "A Deep Multi-task Learning Approach to Skin Lesion Classification",
    arXiv 1812.03527, section 3. Weightings: :mod:`imbalance_derm.models.heads.task_weighting`.

    Examples
    --------
    >>> head = BodySiteMultiTask(Task(8, ("nv", "mel"), ("back", "face")))
    >>> outputs = head(torch.zeros(3, 8))
    >>> outputs.logits.shape, outputs.others["site"].shape
    (torch.Size([3, 2]), torch.Size([3, 2]))
    """

    twin = "single_task"

    def __init__(
        self,
        task: Task,
        *,
        site_loss: str = "weighted_ce/sqrt",
        site_weight: Annotated[float, Field(ge=0)] = 0.3,
        weighting: Literal["fixed", "scheduled", "uncertainty", "pcgrad"] = "fixed",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
    ) -> None:
        super().__init__()
        if len(task.sites) < 2:
            raise InputError(
                "head body_site_mtl needs at least two known body sites in the training data, "
                f"found {len(task.sites)}; use --head single_task"
            )
        self.site_loss: Loss = create("loss", site_loss)
        self.site_loss.prepare(len(task.sites), task.features)
        self.weighting = WEIGHTINGS[weighting](site_weight)
        self.dropout = nn.Dropout(dropout)
        self.lesion = nn.Linear(task.features, len(task.classes))
        self.site = nn.Linear(task.features, len(task.sites))

    @property
    def linear(self) -> nn.Linear:
        """The layer behind the lesion logits."""
        return self.lesion

    def forward(self, features: torch.Tensor) -> Outputs:
        """Return the lesion logits, and the site logits under ``"site"``."""
        features = self.dropout(features)
        return Outputs(self.lesion(features), {"site": self.site(features)})

    def objective(
        self,
        outputs: Outputs,
        features: torch.Tensor,
        batch: Batch,
        loss: Loss,
        counts: Counts,
        progress: float,
    ) -> torch.Tensor:
        """Return the lesion loss and the site loss over images of known site, weighed.

        Returns
        -------
        Tensor of shape (), or (2,) with gradient surgery
        """
        lesion = super().objective(outputs, features, batch, loss, counts, progress)
        rows = lesion.new_ones(len(batch.labels))
        site, known = self._site_objective(outputs, features, batch, counts, progress)
        shares = torch.stack([batch.mean(rows), known])
        return self.weighting(torch.stack([lesion, site]), shares, progress)

    def facts(self) -> dict[str, float]:
        """Return the weights of the tasks where they are learned."""
        return self.weighting.facts()

    def _site_objective(
        self,
        outputs: Outputs,
        features: torch.Tensor,
        batch: Batch,
        counts: Counts,
        progress: float,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean site loss and the mean weight of the rows behind it."""
        logits, known = outputs.others["site"], batch.sites != MISSING_SITE
        if not known.any():
            # Keeps the site head in the graph, as several processes must reduce equal gradients.
            nothing = 0.0 * logits.float().sum()
            return nothing, nothing.detach()
        sites = (logits[known], batch.sites[known], counts.sites, features[known], progress)
        values = apply_loss(self.site_loss, *sites)
        return batch.mean(values, known), batch.mean(torch.ones_like(values), known)

"""Lesion class and body site, learned jointly on one trunk."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from imbalance_derm.data.lesions import MISSING_SITE
from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import Loss, apply_loss
from imbalance_derm.models.contract import Batch, Counts, Head, Outputs, Task
from imbalance_derm.registry.parameters import create


class BodySiteMultiTask(Head):
    """A lesion head and a body-site head; the site is an output to learn from, never an input.

    ``L = L_lesion + site_weight * L_site``. The lesion loss is the run's ``--loss``. The site
    loss is the mean over images whose site is known; synthetic images have none.

    Parameters
    ----------
    site_loss : str
        Loss of the site task, by its registered name (``NAME`` or ``NAME/VALUE``).
    site_weight : float
        Weight of the site task; 0 gives the single-task twin with an untrained site head.
    dropout : float
        Share of features dropped in training.

    Raises
    ------
    InputError
        The data have fewer than two known body sites.

    References
    ----------
    Liao and Luo 2018, "A Deep Multi-task Learning Approach to Skin Lesion Classification",
    arXiv 1812.03527, section 3.

    Examples
    --------
    >>> head = BodySiteMultiTask(Task(8, ("nv", "mel"), ("back", "face")))
    >>> outputs = head(torch.zeros(3, 8))
    >>> outputs.logits.shape, outputs.others["site"].shape
    (torch.Size([3, 2]), torch.Size([3, 2]))
    """

    def __init__(
        self,
        task: Task,
        *,
        site_loss: str = "weighted_ce/sqrt",
        site_weight: Annotated[float, Field(ge=0)] = 0.3,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
    ) -> None:
        super().__init__()
        if len(task.sites) < 2:
            raise InputError(
                "head body_site_mtl needs at least two known body sites in the training data, "
                f"found {len(task.sites)}; use --head single_task"
            )
        self.site_loss: Loss = create("loss", site_loss)
        self.site_weight = site_weight
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
        """Return the lesion loss plus the weighted site loss over images of known site."""
        lesion = super().objective(outputs, features, batch, loss, counts, progress)
        known = batch.sites != MISSING_SITE
        if not known.any():
            # Keeps the site head in the graph, as several processes must reduce equal gradients.
            return lesion + 0.0 * outputs.others["site"].sum()
        values = apply_loss(
            self.site_loss,
            outputs.others["site"][known],
            batch.sites[known],
            counts.sites,
            features[known],
            progress,
        )
        return lesion + self.site_weight * batch.mean(values, known)

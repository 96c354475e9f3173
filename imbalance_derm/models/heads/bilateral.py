"""Two branches: one for the data as they are, one for rare classes, from one to the other."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import Loss, apply_loss
from imbalance_derm.models.contract import Batch, Counts, Head, Outputs, Task
from imbalance_derm.models.heads.branch import make_branch


class Bilateral(Head):
    """Bilateral-branch network (BBN) with cumulative learning.

    The conventional branch sees a row ``c`` of the run's sampler, the re-balancing branch a row
    ``r`` of the sampler ``reversed``, and with ``alpha = 1 - progress ** 2``

    ``z = alpha * conventional(x_c) + (1 - alpha) * rebalancing(x_r)``,
    ``L = alpha * loss(z, y_c) + (1 - alpha) * loss(z, y_r)``.

    In evaluation both branches see the image, and alpha is 1/2.

    Parameters
    ----------
    dropout : float
        Share of features dropped in training, by each branch for itself; as large as that of
        ``single_task``.

    Notes
    -----
    ``loss`` is the run's ``--loss``, cross-entropy in the paper. It is told the class counts of
    the run's sampler for the rows of either stream. A batch without a second stream goes through
    both branches.

    A branch is a layer on pooled features and a linear classifier; in the paper it has a residual
    block to itself. The authors' code multiplies the features by 2, here they are as in the
    paper's formula. Progress is the share of the whole training budget, counted in updates and
    not in epochs.

    References
    ----------
    Zhou et al. 2020, "BBN: Bilateral-Branch Network with Cumulative Learning for Long-Tailed
    Visual Recognition", arXiv 1912.02413, section 4.

    Examples
    --------
    >>> outputs = Bilateral(Task(8, ("benign", "malignant")))(torch.zeros(3, 8))
    >>> outputs.logits.shape, list(outputs.others)
    (torch.Size([3, 2]), ['conventional', 'rebalancing'])
    """

    adaptable = False
    second_sampler = "reversed"

    def __init__(self, task: Task, *, dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2) -> None:
        super().__init__()
        self.conventional = make_branch(task.features, len(task.classes), dropout)
        self.rebalancing = make_branch(task.features, len(task.classes), dropout)

    def forward(self, features: torch.Tensor) -> Outputs:
        """Return the mean of the branches' logits, and each branch's under its name."""
        # Every row goes through both, as only the objective knows which row is of which stream.
        conventional, rebalancing = self.conventional(features), self.rebalancing(features)
        return Outputs(
            (conventional + rebalancing) / 2,
            {"conventional": conventional, "rebalancing": rebalancing},
        )

    def objective(
        self,
        outputs: Outputs,
        features: torch.Tensor,
        batch: Batch,
        loss: Loss,
        counts: Counts,
        progress: float,
    ) -> torch.Tensor:
        """Return the loss of the mixed logits under the labels of either stream.

        Raises
        ------
        InputError
            The streams have different numbers of rows.
        """
        alpha = 1.0 - progress**2
        n = len(batch.labels)
        if batch.second not in (0, n - batch.second):
            raise InputError(
                f"head bilateral pairs the rows of two streams, but a batch has {n - batch.second} "
                f"of the run's sampler and {batch.second} of '{self.second_sampler}'; set "
                f"train.batch_size to at most {min(batch.second, n - batch.second)}"
            )
        first = torch.arange(n, device=batch.labels.device) < n - batch.second
        second = ~first if batch.second else first
        mixed = alpha * outputs.others["conventional"][first]
        mixed = mixed + (1.0 - alpha) * outputs.others["rebalancing"][second]

        def mean(rows: torch.Tensor) -> torch.Tensor:
            values = apply_loss(
                loss, mixed, batch.labels[rows], counts.classes, features[rows], progress
            )
            return batch.mean(values, rows)

        return alpha * mean(first) + (1.0 - alpha) * mean(second)

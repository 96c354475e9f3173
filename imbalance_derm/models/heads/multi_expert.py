"""Three experts, each trained for another distribution of classes."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from imbalance_derm.losses.contract import Loss, apply_loss
from imbalance_derm.models.contract import Batch, Counts, Head, Outputs, Task
from imbalance_derm.models.heads.branch import make_branch


class MultiExpert(Head):
    """Experts for the training distribution, for an even one and for the inverse one.

    With prior ``p`` of the images that are fed, labels ``y`` and logits ``v1, v2, v3``, what is
    minimised is the sum of

    - ``loss(v1, y)``, with the run's ``--loss``,
    - ``cross_entropy(v2 + log p, y)``, the balanced softmax,
    - ``cross_entropy(v3 + log p - tau * log q, y)``, the inverse softmax.

    ``q`` has the values of ``p`` in the opposite order: the most frequent class has that of the
    rarest. The lesion logits are the mean ``(v1 + v2 + v3) / 3``.

    Parameters
    ----------
    tau : float
        How far the third expert leans towards rare classes; 0 makes it a second balanced one.
    dropout : float
        Share of features dropped in training, by each expert for itself; as large as that of
        ``single_task``.

    Notes
    -----
    With ``--loss ce`` these are the three losses of the paper. Any other loss of the run trains
    the first expert only. Where all classes are fed equally often the three do not differ.

    SADE learns at test time, from the test images, how to weigh the experts. The sealed test set
    of this project forbids that: the experts are averaged, as in the paper before that step.

    An expert is a layer on pooled features and a linear classifier; in the paper it has the last
    blocks of the network to itself, and a cosine classifier. Classes of equal frequency are taken
    in their order for ``q``, and a class that is never fed has a prior of 1e-12.

    References
    ----------
    Zhang et al. 2022, "Self-Supervised Aggregation of Diverse Experts for Test-Agnostic
    Long-Tailed Recognition", arXiv 2107.09249, and its code, where tau is 2.

    Examples
    --------
    >>> outputs = MultiExpert(Task(8, ("benign", "malignant")))(torch.zeros(3, 8))
    >>> outputs.logits.shape, list(outputs.others)
    (torch.Size([3, 2]), ['softmax', 'balanced', 'inverse'])
    """

    adaptable = False

    def __init__(
        self,
        task: Task,
        *,
        tau: Annotated[float, Field(ge=0)] = 2.0,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
    ) -> None:
        super().__init__()
        self.tau = tau
        self.experts = nn.ModuleDict(
            {
                name: make_branch(task.features, len(task.classes), dropout)
                for name in ("softmax", "balanced", "inverse")
            }
        )

    def forward(self, features: torch.Tensor) -> Outputs:
        """Return the mean of the experts' logits, and each expert's under its name."""
        others = {name: expert(features) for name, expert in self.experts.items()}
        return Outputs(torch.stack(list(others.values())).mean(dim=0), others)

    def objective(
        self,
        outputs: Outputs,
        features: torch.Tensor,
        batch: Batch,
        loss: Loss,
        counts: Counts,
        progress: float,
    ) -> torch.Tensor:
        """Return the sum of the experts' losses; the first expert's is `loss`."""
        experts, labels = outputs.others, batch.labels
        values = apply_loss(loss, experts["softmax"], labels, counts.classes, features, progress)
        fed = counts.classes.fed.to(labels.device)
        log_prior = (fed / fed.sum()).clamp(min=1e-12).log()
        log_inverse = log_prior - self.tau * opposite(log_prior)
        for name, shift in (("balanced", log_prior), ("inverse", log_inverse)):
            shifted = experts[name].float() + shift
            values = values + functional.cross_entropy(shifted, labels, reduction="none")
        return batch.mean(values)


def opposite(values: torch.Tensor) -> torch.Tensor:
    """Exchange the largest of the values with the smallest, the second with the last but one...

    Examples
    --------
    >>> opposite(torch.tensor([0.5, 0.2, 0.3]))
    tensor([0.2000, 0.5000, 0.3000])
    """
    order = values.argsort(stable=True)
    exchanged = torch.empty_like(values)
    exchanged[order] = values[order.flip(0)]
    return exchanged

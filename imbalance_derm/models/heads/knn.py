"""Nearest neighbours among the training lesions."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from imbalance_derm.models.contract import Head, Outputs, Task


class NearestNeighbors(Head):
    """Features learned through a linear layer, then judged by their nearest neighbours.

    The linear layer learns with the run's loss. After training :meth:`remember` keeps features
    of training lesions, and from then on evaluation gives the logits

    ``log((k * sum_i a_i [y_i = c] + 1) / (k + classes))``

    over the k nearest neighbours i by cosine similarity ``s_i``, with
    ``a = softmax(s / temperature)``. Their softmax are the softened shares of the votes.

    Parameters
    ----------
    neighbors : int
        Number k of neighbours; all that are kept where there are fewer.
    temperature : float
        How fast a vote loses weight with distance.
    bank : int
        Number of lesions to keep at most. The places are divided as evenly among the classes as
        their sizes allow, and within a class the lesions are taken at even distances.
    dropout : float
        Share of features dropped in training.

    Notes
    -----
    Each class is given one vote more (Laplace's rule of succession), as one without neighbours
    would have the logit ``log 0``. Where there is room in the bank for all lesions, votes follow
    the frequencies of the classes, as in any such classifier.

    While training goes on validation sees the linear layer's logits.

    References
    ----------
    Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric Instance Discrimination",
    arXiv 1805.01978: the weighted votes, with temperature 0.07. 20 neighbours: Caron et al. 2021,
    "Emerging Properties in Self-Supervised Vision Transformers", arXiv 2104.14294, and its code.
    The choice of lesions and the added vote are this library's.

    Examples
    --------
    >>> head = NearestNeighbors(Task(2, ("benign", "malignant")), neighbors=1)
    >>> head.remember(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1]))
    >>> head.eval()(torch.tensor([[3.0, 1.0]])).logits.exp()
    tensor([[0.6667, 0.3333]])
    """

    bank_features: torch.Tensor
    bank_labels: torch.Tensor

    def __init__(
        self,
        task: Task,
        *,
        neighbors: Annotated[int, Field(ge=1)] = 20,
        temperature: Annotated[float, Field(gt=0)] = 0.07,
        bank: Annotated[int, Field(ge=1)] = 4096,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
    ) -> None:
        super().__init__()
        self.neighbors = neighbors
        self.temperature = temperature
        self.dropout = nn.Dropout(dropout)
        self.lesion = nn.Linear(task.features, len(task.classes))
        # Of a size that does not depend on the data, so that a new head can load them.
        self.register_buffer("bank_features", torch.zeros(bank, task.features))
        self.register_buffer("bank_labels", torch.full((bank,), -1))

    @property
    def linear(self) -> nn.Linear | None:
        """The layer behind the logits; None once lesions are remembered."""
        return None if self._kept().any() else self.lesion

    def forward(self, features: torch.Tensor) -> Outputs:
        """Return the linear logits; in evaluation, once lesions are remembered, the votes."""
        if self.training or not (kept := self._kept()).any():
            return Outputs(self.lesion(self.dropout(features)))
        bank, labels = self.bank_features[kept], self.bank_labels[kept]
        k = min(self.neighbors, len(bank))
        # Half precision cannot tell neighbours apart at this temperature.
        with torch.autocast(features.device.type, enabled=False):
            similarity = functional.normalize(features.to(bank.dtype), dim=1) @ bank.T
            nearest, rows = similarity.topk(k, dim=1)
            shares = (nearest / self.temperature).softmax(dim=1)
            classes = self.lesion.out_features
            votes = shares.new_zeros(len(features), classes).scatter_add(1, labels[rows], shares)
            return Outputs(((k * votes + 1) / (k + classes)).log())

    def remembers(self) -> bool:
        """Return True: evaluation needs the features of training lesions."""
        return True

    @torch.no_grad()
    def remember(self, features: torch.Tensor, labels: torch.Tensor) -> None:
        """Keep the directions of the features of at most `bank` lesions, and their labels."""
        rows = choose_evenly(labels, len(self.bank_labels))
        directions = functional.normalize(features[rows].to(self.bank_features), dim=1)
        self.bank_features.zero_()[: len(rows)] = directions
        self.bank_labels.fill_(-1)[: len(rows)] = labels[rows]

    def _kept(self) -> torch.Tensor:
        return self.bank_labels >= 0


def choose_evenly(labels: torch.Tensor, size: int) -> torch.Tensor:
    """Choose at most `size` rows, divided as evenly among classes as their sizes allow.

    Parameters
    ----------
    labels : Tensor of int64, shape (n,)
    size : int

    Returns
    -------
    Tensor of int64, shape (min(n, size),)

    Examples
    --------
    >>> choose_evenly(torch.tensor([0, 0, 0, 0, 0, 0, 1]), size=4).tolist()
    [6, 0, 2, 4]
    """
    members = [torch.nonzero(labels == label).squeeze(1) for label in sorted(set(labels.tolist()))]
    members.sort(key=len)
    chosen, left = [], size
    for place, rows in enumerate(members):
        quota = min(len(rows), left // (len(members) - place))
        left -= quota
        spread = torch.arange(quota, device=labels.device) * len(rows) // max(quota, 1)
        chosen.append(rows[spread])
    return torch.cat(chosen)

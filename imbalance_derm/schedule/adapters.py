"""What a training stage puts behind the head, and the stages that do."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn

from imbalance_derm.errors import InputError
from imbalance_derm.models.contract import Model
from imbalance_derm.schedule.contract import TrainingStage


class Adapter(nn.Module, ABC):
    """Changes logits; leaves them as they are until its stage begins.

    The structure of a model is fixed before training, so that weights can be loaded; an adapter
    is therefore there in the earlier stages, too. Asleep, it passes the logits through bit for
    bit, and its parameters have gradients of exactly 0. Whether it is awake is saved with the
    weights. Its parameters have one dimension, and so are never decayed.
    """

    awake: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        # A number, as averages of weights are taken of buffers, too.
        self.register_buffer("awake", torch.zeros(()))

    def wake(self) -> None:
        """Change logits from now on."""
        self.awake.fill_(1.0)

    @abstractmethod
    def adapted(self, logits: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return new logits (n, classes); at the start they equal `logits`."""

    def forward(self, logits: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return the logits (n, classes) for logits (n, classes) and features (n, d)."""
        return torch.where(self.awake > 0, self.adapted(logits, features), logits)


class ClassScales(Adapter):
    """One factor per class: ``s[c] * z[c]``, with ``s = 1`` at the start.

    Parameters
    ----------
    classes : int

    Examples
    --------
    >>> scales = ClassScales(classes=2)
    >>> scales.wake()
    >>> scales(torch.tensor([[1.0, -2.0]]), torch.zeros(1, 8)).tolist()
    [[1.0, -2.0]]
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.scales = nn.Parameter(torch.ones(classes))

    def adapted(self, logits: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return the scaled logits."""
        return self.scales * logits


class AdaptiveCalibration(Adapter):
    """``t * (a[c] * z[c] + b[c]) + (1 - t) * z[c]`` with ``t = sigmoid(v . x + u)``.

    `a` is 1 and `b` is 0 at the start, so that the logits `z` are unchanged; `v` and `u` are 0,
    so that every example with features `x` is adapted by half.

    Parameters
    ----------
    classes, features : int

    Examples
    --------
    >>> calibration = AdaptiveCalibration(classes=2, features=8)
    >>> calibration.wake()
    >>> calibration(torch.tensor([[1.0, -2.0]]), torch.rand(1, 8)).tolist()
    [[1.0, -2.0]]
    """

    def __init__(self, classes: int, features: int) -> None:
        super().__init__()
        self.magnitude = nn.Parameter(torch.ones(classes))
        self.margin = nn.Parameter(torch.zeros(classes))
        self.confidence_weight = nn.Parameter(torch.zeros(features))
        self.confidence_bias = nn.Parameter(torch.zeros(1))

    def adapted(self, logits: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return the calibrated logits."""
        score = features.to(self.confidence_weight.dtype) @ self.confidence_weight
        confidence = torch.sigmoid(score + self.confidence_bias)[:, None]
        # In this form an identity calibration is exact: the difference is 0.
        return logits + confidence * (self.magnitude * logits + self.margin - logits)


class AdapterStage(TrainingStage, ABC):
    """A stage that learns an adapter behind the head."""

    @abstractmethod
    def make_adapter(self, classes: int, features: int) -> Adapter:
        """Return a new adapter."""

    def adapt(self, model: Model) -> None:
        """Put the adapter behind the head.

        Raises
        ------
        InputError
            Another stage of the schedule has put one there, or the head has no weights.
        """
        if model.adapter is not None:
            raise InputError(
                f"stage {type(self).__name__} needs the place behind the head, where another "
                "stage has put an adapter; leave one of the two out of the schedule"
            )
        model.adapter = self.make_adapter(*_sizes(model))

    def begin(self, model: Model) -> None:
        """Let the adapter change logits from now on."""
        assert isinstance(model.adapter, Adapter), "the model was not adapted"
        model.adapter.wake()


def _sizes(model: Model) -> tuple[int, int]:
    """Return the numbers of classes and of features."""
    matrices = [p for p in model.head.parameters() if p.ndim == 2]
    if not matrices:
        raise InputError(
            f"head {type(model.head).__name__} has no weights that a stage could adapt; "
            "use --head single_task"
        )
    # The first matrix of a head is what takes the features; embeddings come without a backbone.
    features = model.backbone.features if model.backbone else matrices[0].shape[1]
    was_training = model.head.training
    model.head.eval()
    with torch.no_grad():
        logits = model.head(matrices[0].new_zeros(1, features)).logits
    model.head.train(was_training)
    return logits.shape[1], features

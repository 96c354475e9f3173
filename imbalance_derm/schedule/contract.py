"""What a training stage is: what it freezes, re-initialises and trains, and with which parts."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn

from imbalance_derm.errors import InputError
from imbalance_derm.models.contract import Model
from imbalance_derm.schedule.step import Parts, Step, classification_objective


class TrainingStage(nn.Module):
    """A part of a training schedule; each stage goes on from the best weights of the one before.

    A stage has its own optimiser state and its own learning-rate schedule. What is learned
    beside the model (a projection head, say) are parameters of the stage, which is a module.

    Parameters
    ----------
    share : float
        Of the run's optimiser updates, relative to the shares of the other stages.
    learning_rate : float
        Factor on the run's learning rate.

    Attributes
    ----------
    freezes : tuple of str
        Names, or beginnings of names, of the model's modules that are not trained:
        ``"backbone"``, ``"head"``. They are held in evaluation mode, so that the statistics of
        their batch normalisation stay, too.
    reinitialises : tuple of str
        Modules that start anew.
    moves_statistics : bool
        Whether the batch-normalisation statistics of frozen modules follow the data all the same.
    needs_images : bool
        True where the stage cannot work on the embeddings of a frozen backbone.
    """

    freezes: ClassVar[tuple[str, ...]] = ()
    reinitialises: ClassVar[tuple[str, ...]] = ()
    moves_statistics: ClassVar[bool] = False
    needs_images: ClassVar[bool] = False
    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, share: float, learning_rate: float) -> None:
        super().__init__()
        self.share = share
        self.learning_rate = learning_rate

    def adapt(self, model: Model) -> None:
        """Change the structure of `model`; called before training and before loading weights."""

    def begin(self, model: Model) -> None:
        """Make what is learned or kept beside the model; called once, with the stage's start."""

    def parts(self, parts: Parts) -> Parts:
        """Return the parts of this stage; by default those of the run."""
        return parts

    def objective(self, step: Step) -> torch.Tensor:
        """Return what to minimise in one update; by default the classification objective."""
        return classification_objective(step)

    def check(self, embeddings: bool) -> None:
        """Check that the stage can train on what will be fed.

        Raises
        ------
        InputError
            It needs images, and `embeddings` are fed.
        """
        if embeddings and self.needs_images:
            raise InputError(
                f"stage {type(self).__name__} needs images, but a frozen backbone feeds "
                "embeddings; set backbone.frozen=false, or leave the stage out"
            )


def start_stage(stage: TrainingStage, model: Model) -> None:
    """Freeze and re-initialise as `stage` says; draws come from PyTorch's generator."""
    for name, module in model.named_modules():
        if _among(name, stage.reinitialises) and hasattr(module, "reset_parameters"):
            module.reset_parameters()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not _among(name, stage.freezes))
    stage.begin(model)


def set_training_mode(stage: TrainingStage, model: Model) -> None:
    """Put `model` in training mode but for what `stage` freezes."""
    model.train()
    if stage.moves_statistics:
        return
    for name, module in model.named_modules():
        if _among(name, stage.freezes):
            module.eval()


def _among(name: str, beginnings: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in beginnings)

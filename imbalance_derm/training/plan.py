"""With what a classifier is trained, and whether these parts fit together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from imbalance_derm.errors import InputError
from imbalance_derm.models.contract import Head, Model
from imbalance_derm.sampling.mixing import Mixer
from imbalance_derm.schedule.contract import TrainingStage
from imbalance_derm.schedule.step import Parts


@dataclass(frozen=True)
class Plan:
    """Loss, sampler and mixer of the run, its stages, and how an optimiser is made.

    Attributes
    ----------
    parts : Parts
    stages : tuple of TrainingStage
    make_optimizer : callable
        ``make_optimizer(groups)`` gives a torch optimiser for parameter groups.
    """

    parts: Parts
    stages: tuple[TrainingStage, ...]
    make_optimizer: Callable[[list[dict[str, Any]]], torch.optim.Optimizer]

    def check(self, model: Model, embeddings: bool) -> None:
        """Check that the parts can work with one another and with what is fed.

        Raises
        ------
        InputError
            A part needs images and embeddings are fed, two parts want a second stream of rows,
            or a stage adapts logits that the head does not train by.
        """
        if model.adapter is not None and not model.head.adaptable:
            raise InputError(
                f"head {type(model.head).__name__} trains parts of itself, not its logits, so "
                "that no stage can adapt these; leave the stage out or use --head single_task"
            )
        for stage in self.stages:
            stage.check(embeddings)
            parts = stage.parts(self.parts)
            for part in (parts.sampler, parts.mixer):
                part.check(embeddings)
            second_sampler(model.head, parts.mixer)


def second_sampler(head: Head, mixer: Mixer) -> str:
    """Return the sampler of the second stream, "" where none is asked for.

    Raises
    ------
    InputError
        The head has a second stream, and a mixer would mix it with the first.
    """
    if head.second_sampler and not mixer.idle:
        raise InputError(
            f"head {type(head).__name__} mixes two streams of rows itself; use --mixer none"
        )
    return head.second_sampler or mixer.second_sampler

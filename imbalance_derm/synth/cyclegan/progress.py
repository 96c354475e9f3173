"""The models of a fit, trained one after another over interruptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from imbalance_derm.synth.cyclegan.curve import TERMS, Point
from imbalance_derm.synth.cyclegan.schedule import Domains, Schedule
from imbalance_derm.synth.cyclegan.trainer import Trainer
from imbalance_derm.training.context import State, TrainingContext

Tensors = dict[str, torch.Tensor]


class Progress:
    """Trains model after model and keeps what is done in the context's checkpoint.

    Parameters
    ----------
    context : TrainingContext
    total : int
        Steps of all models together.
    """

    def __init__(self, context: TrainingContext, total: int) -> None:
        self.context = context
        self.total = total
        state: Any = context.checkpoint.load() or {}
        self.models: dict[str, Tensors] = dict(state.get("models", {}))
        self.curves: dict[str, list[Point]] = dict(state.get("curves", {}))
        self.trained: int = state.get("trained", 0)
        self._interrupted: dict[str, Any] = dict(state.get("current", {}))

    def train(
        self,
        name: str,
        classes: Sequence[str],
        trainer: Trainer,
        domains: Domains,
        plan: Schedule,
        seed: int,
    ) -> None:
        """Train model `name`, which makes `classes`, unless an earlier process has."""
        if name in self.models:
            return
        before, checkpoint = self.trained, self.context.checkpoint

        def after_step(done: int, point: Point | None, state: Callable[[], State]) -> None:
            self.trained = before + done
            if point is not None:
                shown = {term: point[term] for term in TERMS[:2]}
                self.context.progress(self.trained, self.total, shown)
            if checkpoint.due():
                checkpoint.save(self._state(before, {name: state()}))

        curves = trainer.train(domains, plan, seed, self._interrupted.pop(name, None), after_step)
        self.curves.update(zip(classes, curves, strict=True))
        self.models[name] = trainer.translators()
        # Also where the interruption came between the last step and here.
        self.trained = before + plan.steps

    def _state(self, trained: int, current: dict[str, State]) -> State:
        return {
            "models": dict(self.models),
            "curves": dict(self.curves),
            "trained": trained,
            "current": current,
        }

"""What every stage of one run shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from imbalance_derm.experiment.environment import environment
from imbalance_derm.experiment.fingerprint import files_digest, source_digest
from imbalance_derm.experiment.spec import PARTS, Section, Spec
from imbalance_derm.experiment.stages import CHECKPOINT, Progress, StageCache
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create
from imbalance_derm.schedule.contract import TrainingStage
from imbalance_derm.training.checkpoints import FileCheckpoint
from imbalance_derm.training.context import TrainingContext
from imbalance_derm.training.device import generator_autocast, generator_precision

ROOMS_OF_PARTS = {
    f"imbalance_derm.{room}"
    for room in (
        "synth",
        "losses",
        "optimizers",
        "posthoc",
        "sampling",
        "schedule",
        "tracking",
    )
}


@dataclass(frozen=True)
class Workbench:
    """Specification, stage cache and device of one run."""

    spec: Spec
    cache: StageCache
    accelerator: Accelerator

    def context(self, seed: int, folder: Path, progress: Progress) -> TrainingContext:
        """Return the training context of a stage that works in `folder`."""
        checkpoint = FileCheckpoint(folder / CHECKPOINT, self.spec.train.checkpoint_seconds)
        autocast = generator_autocast(self.spec.train, self.accelerator)
        return TrainingContext(self.accelerator, seed, checkpoint, progress, autocast)

    def build(self, section: str, *given: Any) -> Any:
        """Build the part that a section of the specification names."""
        chosen: Section = getattr(self.spec, section)
        return create(PARTS[section], chosen.name, chosen.parameters, *given)

    def identity(self, section: str) -> dict[str, Any]:
        """Return all that determines what the part of a section does: code, parameters, files."""
        chosen: Section = getattr(self.spec, section)
        return identity(PARTS[section], chosen.name, chosen.parameters)

    def build_stages(self) -> tuple[TrainingStage, ...]:
        """Build the stages of the training schedule, in order."""
        return tuple(create("stage", s.name, s.parameters) for s in self.spec.stages)

    @property
    def stage_identities(self) -> list[dict[str, Any]]:
        """All that determines what the stages do."""
        return [identity("stage", s.name, s.parameters) for s in self.spec.stages]

    def make_optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Build the optimiser for parameter groups."""
        optimizer: torch.optim.Optimizer = self.build("optimizer", groups)
        return optimizer

    @property
    def arithmetic(self) -> str:
        """Device type and precision: results differ between them."""
        return f"{self.accelerator.device.type} {self.accelerator.mixed_precision}"

    @property
    def generator_arithmetic(self) -> str:
        """The same for what a synthesizer computes."""
        precision = generator_precision(self.spec.train, self.accelerator)
        return f"{self.accelerator.device.type} {precision}"


def identity(kind: str, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return all that determines what a component does: code, parameters, the files named."""
    entry = installed().get(kind, name)
    module = entry.component.target.partition(":")[0]
    package = module.rpartition(".")[0]
    # A plugin's or a synthesizer's whole package counts; a room of ours holds many parts.
    belongs = () if package in ROOMS_OF_PARTS else (package,)
    files = files_digest(parameters)
    return {
        "name": name,
        "parameters": parameters,
        "distribution": f"{entry.distribution} {entry.version}",
        "source": source_digest(module, *belongs),
        **({"files": files} if files else {}),
    }


def environment_of(bench: Workbench) -> dict[str, Any]:
    """Return what a record says of where it was made."""
    device = bench.accelerator.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return environment(name, torch.get_num_threads(), str(bench.accelerator.mixed_precision))

"""What every stage of one run shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from imbalance_derm.experiment.fingerprint import source_digest
from imbalance_derm.experiment.spec import PARTS, Section, Spec
from imbalance_derm.experiment.stages import CHECKPOINT, Progress, StageCache
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create
from imbalance_derm.training.checkpoints import FileCheckpoint
from imbalance_derm.training.context import TrainingContext


@dataclass(frozen=True)
class Workbench:
    """Specification, stage cache and device of one run."""

    spec: Spec
    cache: StageCache
    accelerator: Accelerator

    def context(self, seed: int, folder: Path, progress: Progress) -> TrainingContext:
        """Return the training context of a stage that works in `folder`."""
        checkpoint = FileCheckpoint(folder / CHECKPOINT, self.spec.train.checkpoint_seconds)
        return TrainingContext(self.accelerator, seed, checkpoint, progress)

    def build(self, section: str, *given: Any) -> Any:
        """Build the part that a section of the specification names."""
        chosen: Section = getattr(self.spec, section)
        return create(PARTS[section], chosen.name, chosen.parameters, *given)

    def identity(self, section: str) -> dict[str, Any]:
        """Return all that determines what the part of a section does: code and parameters."""
        chosen: Section = getattr(self.spec, section)
        entry = installed().get(PARTS[section], chosen.name)
        module = entry.component.target.partition(":")[0]
        return {
            "name": chosen.name,
            "parameters": chosen.parameters,
            "distribution": f"{entry.distribution} {entry.version}",
            # A plugin's or a synthesizer's whole package counts, not its entry module alone.
            "source": source_digest(module, module.rpartition(".")[0]),
        }

    @property
    def arithmetic(self) -> str:
        """Device type and precision: results differ between them."""
        return f"{self.accelerator.device.type} {self.accelerator.mixed_precision}"

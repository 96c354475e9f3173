"""Curves and figures for TensorBoard."""

from __future__ import annotations

from pathlib import Path

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.events import EpochFinished, RunFinished, RunStarted
from imbalance_derm.tracking.contract import Tracker


class TensorBoard(Tracker):
    """Write validation curves and final test figures as TensorBoard events.

    Parameters
    ----------
    subfolder : str
        Where in the run's folder.

    Raises
    ------
    InputError
        TensorBoard is not installed.
    """

    def __init__(self, folder: Path, *, subfolder: str = "tensorboard") -> None:
        super().__init__(folder)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise InputError(
                "tracker tensorboard needs: pip install 'imbalance-derm[tensorboard]'"
            ) from error
        self.writer = SummaryWriter(str(folder / subfolder))

    def run_started(self, event: RunStarted) -> None:
        """Write the run's name."""
        self.writer.add_text("run", event.name)

    def epoch_finished(self, event: EpochFinished) -> None:
        """Write each validation figure at its update."""
        for name, value in event.figures.items():
            self.writer.add_scalar(f"validation/{name}", value, event.update)
        self.writer.flush()

    def run_finished(self, event: RunFinished) -> None:
        """Write each test figure with the ends of its interval, and close the file."""
        for name, figure in event.record.metrics["test"].items():
            for part in ("value", "low", "high"):
                value = getattr(figure, part)
                if value is not None:
                    self.writer.add_scalar(f"test/{name}/{part}", value)
        self.writer.close()

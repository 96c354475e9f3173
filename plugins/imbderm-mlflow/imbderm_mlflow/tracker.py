"""The tracker ``mlflow``."""

from __future__ import annotations

import time
import weakref
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from imbalance_derm.experiment.events import EpochFinished, RunFinished, RunStarted, StageFinished
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.record import Record
from imbalance_derm.tracking.contract import Tracker
from imbderm_mlflow.charts import charts
from imbderm_mlflow.names import LONGEST_TAG, batches, flatten, legal, shortened
from imbderm_mlflow.store import connect, end, end_if_possible, reopen, without_password

RUN_FILE = "mlflow_run_id"
"""File in the run's folder, so that a resumed run goes on in MLflow, too."""
REPORT = "report.html"
FILES = (REPORT, "record.json", "spec.toml", "predictions.csv", "audit.json")
WEIGHTS = "weights.safetensors"
SYNTHETIC = "synthetic"
SAMPLES = 8
"""Synthetic images of a class that are shown."""


class MlflowTracker(Tracker):
    """Log a run to MLflow: parameters, figures with intervals, pictures, report and weights.

    Parameters
    ----------
    tracking_uri : str
        Address of the store, such as ``http://127.0.0.1:5000`` or ``sqlite:///mlflow.db``;
        empty: what MLflow was told, as by the variable ``MLFLOW_TRACKING_URI``.
    experiment : str
        Name of the MLflow experiment; it is made where there is none.
    log_model : bool
        Whether to keep the weights with the run.

    Raises
    ------
    InputError
        MLflow is not installed, or the store is not named or cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tracking_uri: Annotated[str, AfterValidator(without_password)] = "",
        experiment: Annotated[str, Field(min_length=1, max_length=500)] = "imbderm",
        log_model: bool = True,
    ) -> None:
        super().__init__(folder)
        self.client, self.experiment_id = connect(tracking_uri, experiment)
        self.log_model = log_model
        self.run_id = ""
        self._seconds: dict[str, list[float]] = defaultdict(list)

    def run_started(self, event: RunStarted) -> None:
        """Open a run, or that of the same folder again, and log the specification."""
        self._open(event.name)
        spec = {section: given for section, given in event.spec.items() if section != "trackers"}
        self._log(params=flatten(spec), tags={"seed": spec.get("seed", "")})

    def stage_finished(self, event: StageFinished) -> None:
        """Log the seconds that stages of this name have taken so far."""
        stage = event.entry.stage
        self._seconds[stage].append(event.entry.seconds)
        spent = self._seconds[stage]
        self._log([(f"seconds/{stage}", sum(spent), len(spent))])

    def epoch_finished(self, event: EpochFinished) -> None:
        """Log each validation figure at its update."""
        if "train" in self._seconds:
            return  # The run's classifier is trained: this is the twin of a paired run.
        self._log((f"validation/{name}", v, event.update) for name, v in event.figures.items())

    def run_finished(self, event: RunFinished) -> None:
        """Log figures, tags and files, and close the run."""
        if not self.run_id:
            self._open(event.record.name)
        self._unfinished.detach()
        try:
            self._log(_figures(event.record), tags=_tags(event.record))
            self._log(self._curves(event.record))
            self._log_files(event.folder)
        except Exception:
            # What failed is the logging, not the run.
            end_if_possible(self.client, self.run_id, "FINISHED")
            raise
        end(self.client, self.run_id, "FINISHED")

    def _open(self, name: str) -> None:
        file = self.folder / RUN_FILE
        self.run_id = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
        if not self.run_id or not reopen(self.client, self.run_id):
            self.run_id = self.client.create_run(self.experiment_id, run_name=name).info.run_id
            write_text(file, self.run_id + "\n")
        # No event tells of a run that failed: its tracker is let go before it has finished.
        self._unfinished = weakref.finalize(
            self, end_if_possible, self.client, self.run_id, "FAILED"
        )
        self._unfinished.atexit = False

    def _log(
        self,
        metrics: Iterable[tuple[str, float, int]] = (),
        *,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        figures = [Metric(legal(name), value, now, step) for name, value, step in metrics]
        texts = [Param(name, text) for name, text in (params or {}).items()]
        marks = [
            RunTag(legal(name), shortened(str(value), LONGEST_TAG))
            for name, value in (tags or {}).items()
            if value != ""
        ]
        for part in batches(figures, 1000):
            self.client.log_batch(self.run_id, metrics=part)
        for part in batches(texts, 100):
            self.client.log_batch(self.run_id, params=part)
        for part in batches(marks, 100):
            self.client.log_batch(self.run_id, tags=part)

    def _curves(self, record: Record) -> Iterable[tuple[str, float, int]]:
        """Return the training loss, and what validation figures were not told while it ran.

        None are told of a training that was found in the cache.
        """
        logged: dict[str, set[int]] = {}
        for point in record.curves.get("classifier", []):
            step = int(point["update"])
            yield "train/loss", point["loss"], step
            for name, value in point.get("validation", {}).items():
                metric = f"validation/{name}"
                if metric not in logged:
                    history = self.client.get_metric_history(self.run_id, legal(metric))
                    logged[metric] = {known.step for known in history}
                if step not in logged[metric]:
                    yield metric, value, step

    def _log_files(self, folder: Path) -> None:
        for file in (*(folder / name for name in FILES), *sorted(folder.glob("*.png"))):
            if file.is_file():
                self.client.log_artifact(self.run_id, str(file))
        if (folder / REPORT).is_file():
            html = (folder / REPORT).read_text(encoding="utf-8")
            for name, chart in charts(html).items():
                self.client.log_text(self.run_id, chart, f"charts/{name}")
        for of_class in sorted(path for path in (folder / SYNTHETIC).glob("*") if path.is_dir()):
            for image in islice(sorted(of_class.glob("*.png")), SAMPLES):
                self.client.log_artifact(self.run_id, str(image), f"synthetic/{of_class.name}")
        if self.log_model and (folder / WEIGHTS).is_file():
            self.client.log_artifact(self.run_id, str(folder / WEIGHTS), "model")


def _figures(record: Record) -> Iterable[tuple[str, float, int]]:
    for name, figure in record.metrics["test"].items():
        yield f"test/{name}", figure.value, 0
        if figure.low is not None:
            yield f"test/{name}.low", figure.low, 0
        if figure.high is not None:
            yield f"test/{name}.high", figure.high, 0
    yield "seconds/total", record.seconds, 0


def _tags(record: Record) -> dict[str, Any]:
    """Return what runs are looked up by."""
    data, environment = record.data, record.environment
    return {
        "command": record.command,
        "data": data.get("name", ""),
        "data.fingerprint": data.get("fingerprint", ""),
        "data.test_set": data.get("test_set", ""),
        "data.positive": data.get("positive", ""),
        "leaky": data.get("leaky", ""),
        "notice": data.get("notice", ""),
        "device": environment.get("device", ""),
        "version.python": environment.get("python", ""),
        **{f"version.{name}": v for name, v in environment.get("versions", {}).items()},
        **{
            f"part.{section}": f"{part['name']} ({part['distribution']} {part['version']})"
            for section, part in record.components.items()
        },
    }

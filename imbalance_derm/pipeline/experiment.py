"""The same run from Python."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs

from imbalance_derm.experiment.events import Listener
from imbalance_derm.experiment.record import RECORD_FILE, Record
from imbalance_derm.experiment.settings import merge, parse_setting, resolve
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.pipeline.naming import new_run_folder, read_run_spec

CACHE_VARIABLE = "IMBDERM_CACHE"


def cache_folder() -> Path:
    """Return the root of the stage cache: ``IMBDERM_CACHE``, else the user's cache folder."""
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given) if given else Path(platformdirs.user_cache_dir("imbderm"))


def _silent(event: object) -> None:
    pass


class Experiment:
    """One run, composed of parts by name.

    Parameters
    ----------
    data : str
        A data set's name, a folder of class folders, or a csv file.
    data_root : str, optional
        The folder that holds the data sets' folders.
    recipe : str, optional
        A recipe's name, or a file that ends in ``.toml``; everything else wins over it.
    synth, sampler, mixer, backbone, head, loss, optimizer, posthoc : str, optional
        Parts by name, ``NAME`` or ``NAME/VALUE``.
    stages : sequence of str
        Stages of the training schedule by name, in order; ``joint`` by default.
    trackers : sequence of str
        Who is told of the run's events.
    preset : {"smoke", "demo", "paper"}, optional
        ``demo`` by default.
    settings : dict or sequence of str
        Sections as in a TOML file, or ``"SECTION.KEY=VALUE"`` texts as for ``--set``.
    seed : int, optional

    Attributes
    ----------
    spec : Spec
        Fully resolved.

    Raises
    ------
    InputError
        An unknown part or parameter, or a value out of range.

    Examples
    --------
    >>> experiment = Experiment(data="phantom", synth="cyclegan", loss="focal")
    >>> experiment.spec.loss.parameters["gamma"]
    2.0
    """

    def __init__(
        self,
        data: str | None = None,
        *,
        data_root: str | None = None,
        recipe: str | None = None,
        synth: str | None = None,
        sampler: str | None = None,
        mixer: str | None = None,
        backbone: str | None = None,
        head: str | None = None,
        loss: str | None = None,
        optimizer: str | None = None,
        posthoc: str | None = None,
        stages: tuple[str, ...] = (),
        trackers: tuple[str, ...] = (),
        preset: str | None = None,
        settings: dict[str, Any] | tuple[str, ...] | list[str] = (),
        seed: int | None = None,
    ) -> None:
        tree: dict[str, Any] = {}
        texts = [settings] if isinstance(settings, dict) else map(parse_setting, settings)
        for table in texts:
            tree = merge(tree, table)
        parts = {
            "data": data,
            "synth": synth,
            "sampler": sampler,
            "mixer": mixer,
            "backbone": backbone,
            "head": head,
            "loss": loss,
            "optimizer": optimizer,
            "posthoc": posthoc,
        }
        for section, name in parts.items():
            if isinstance(tree.get(section), str):
                tree[section] = {"name": tree[section]}
            if name is not None:
                tree = merge(tree, {section: {"name": name}})
        if data_root is not None:
            tree = merge(tree, {"data": {"root": data_root}})
        if seed is not None:
            tree["seed"] = seed
        if recipe is not None:
            tree["recipe"] = recipe
        if stages:
            tree["stages"] = list(stages)
        if trackers:
            tree["trackers"] = list(trackers)
        self.spec: Spec = resolve(tree, preset)

    def run(
        self,
        out: str | Path = "runs",
        *,
        cache: str | Path | None = None,
        listen: Listener = _silent,
        warn: Callable[[str], None] = _silent,
        command: str = "",
    ) -> Record:
        """Carry out the run in a new folder below `out` and return its record.

        Parameters
        ----------
        out : path
            Parent of the run's folder.
        cache : path, optional
            Root of the stage cache; by default :func:`cache_folder`.
        listen, warn : callable
            Told of every event, and of every warning.
        command : str
            What the record says made it; by default a Python call.

        Raises
        ------
        InputError, RunError
            In one line.
        """
        folder = new_run_folder(Path(out), self.spec)
        call = command or f"Experiment(...).run(), see {folder.name}/spec.toml"
        return carry_out(self.spec, folder, cache, listen, warn, call)


def resume(
    folder: Path,
    *,
    cache: str | Path | None = None,
    listen: Listener = _silent,
    warn: Callable[[str], None] = _silent,
    command: str = "",
) -> Record:
    """Go on with the run in `folder`, from its last checkpoint; a finished one is only read.

    Raises
    ------
    InputError
        `folder` is no run folder.
    """
    spec = read_run_spec(folder)
    if (folder / RECORD_FILE).is_file():
        return Record.from_json((folder / RECORD_FILE).read_text(encoding="utf-8"), str(folder))
    return carry_out(spec, folder, cache, listen, warn, command)


def carry_out(
    spec: Spec,
    folder: Path,
    cache: str | Path | None,
    listen: Listener,
    warn: Callable[[str], None],
    command: str,
) -> Record:
    """Carry out `spec` in `folder`; PyTorch is imported here and not before."""
    from imbalance_derm.pipeline.run import run

    root = Path(cache) if cache is not None else cache_folder()
    return run(spec, folder, root, command, listen, warn)

"""Options that several commands share: everything that a specification is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from imbalance_derm.cli.completion import components
from imbalance_derm.cli.verbosity import Verbosity, set_verbosity

PRESETS = ("smoke", "demo", "paper")
_Command = TypeVar("_Command", bound=Callable[..., Any])

_PARTS = {
    "synth": ("synthesizer", "What makes synthetic images.  [default: none]"),
    "loss": ("loss", "What is minimised.  [default: ce]"),
    "head": ("head", "What turns features into classes.  [default: single_task]"),
    "backbone": (
        "backbone",
        "What turns images into features.  [default: efficientnet_lite0]",
    ),
    "sampler": ("sampler", "Which images make a batch.  [default: shuffle]"),
    "mixer": ("mixer", "How the images of a batch are mixed.  [default: none]"),
    "optimizer": ("optimizer", "What takes the steps.  [default: torch/AdamW]"),
    "posthoc": ("posthoc", "What is done to logits, fitted on validation.  [default: none]"),
}


def verbosity_options(command: _Command) -> _Command:
    """Add ``--quiet`` and ``--verbose``; both may also stand before the command's name."""

    def note(context: click.Context, option: click.Parameter, given: bool) -> None:
        if given:
            set_verbosity(context, Verbosity(option.opts[0]))

    texts = {
        "--verbose": "Show each stage's key, and what libraries warn of and log.",
        "--quiet": "Show the result and errors, nothing else.",
    }
    for name, text in texts.items():
        command = click.option(name, is_flag=True, expose_value=False, callback=note, help=text)(
            command
        )
    return command


def part_options(*sections: str) -> Callable[[_Command], _Command]:
    """Add an option for each section that names a part, in this order."""

    def decorate(command: _Command) -> _Command:
        for section in reversed(sections):
            kind, text = _PARTS[section]
            option = click.option(
                f"--{section}", metavar="NAME", shell_complete=components(kind), help=text
            )
            command = option(command)
        return command

    return decorate


def data_options(command: _Command) -> _Command:
    """Add what says which images are used."""
    command = click.option(
        "--data-root",
        metavar="DIR",
        type=click.Path(),
        envvar="IMBDERM_DATA",
        help="Folder that holds the data sets' folders.",
    )(command)
    return click.option(
        "--data",
        metavar="NAME|PATH",
        shell_complete=components("dataset"),
        help="Data set, folder of class folders, or csv file.  [default: phantom]",
    )(command)


def setting_options(command: _Command) -> _Command:
    """Add what sets everything else: preset, single settings, a file, the seed."""
    command = click.option(
        "--seed", type=click.IntRange(0, 2**31 - 1), help="Of training and synthesis."
    )(command)
    command = click.option(
        "--skip-bad-images",
        is_flag=True,
        help="Skip and count unusable files instead of stopping.",
    )(command)
    command = click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE.toml",
        help="Sections as in a run's spec.toml; options win over it.",
    )(command)
    command = click.option(
        "--set",
        "settings",
        metavar="KEY=VALUE",
        multiple=True,
        help="Any parameter of any part, such as synth.epochs=20; repeatable.",
    )(command)
    return click.option(
        "--preset",
        type=click.Choice(PRESETS),
        help="Size of everything that is not set.  [default: demo]",
    )(command)


def experiment_of(
    data: str | None,
    data_root: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    config: Path | None,
    skip_bad_images: bool,
    seed: int | None,
    paired: bool = False,
    **parts: Any,
) -> Any:
    """Return the :class:`~imbalance_derm.Experiment` that these options describe."""
    from imbalance_derm.experiment.settings import merge, parse_setting, read_config
    from imbalance_derm.pipeline.experiment import Experiment

    tree = read_config(config) if config else {}
    for text in settings:
        tree = merge(tree, parse_setting(text))
    if skip_bad_images:
        tree = merge(tree, {"data": {"skip_bad_images": True}})
    if paired:
        tree = merge(tree, {"evaluation": {"paired": True}})
    return Experiment(data, data_root=data_root, preset=preset, settings=tree, seed=seed, **parts)

"""``imbderm synth``: make and judge synthetic data before any classifier is trained."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from imbalance_derm.cli.options import (
    data_options,
    experiment_of,
    part_options,
    setting_options,
    verbosity_options,
)

if TYPE_CHECKING:
    from imbalance_derm.pipeline.synthetic_data import Preparation

_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group()
def synth() -> None:
    """Fit, sample, look at and audit a synthesizer, without a classifier.

    All four commands find what an earlier one, or a run, has computed.

    \b
    Examples:
      imbderm synth preview --synth cyclegan
      imbderm synth sample --synth diffusion --set synth.quota=200 --out made/
      imbderm synth audit --synth smote --data photos/ --seeds 3
    """  # noqa: D301 (click wants a backspace)


def _options(command: _Command) -> _Command:
    parts = part_options("synth", "backbone")
    for add in (verbosity_options, setting_options, parts, data_options):
        command = add(command)
    return command


def _out(default: str, text: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=Path(default),
        show_default=True,
        help=text,
    )


@synth.command()
@_options
def fit(**options: Any) -> None:
    """Fit the synthesizer on the training images."""
    from imbalance_derm.cli.progress import live

    with live() as (listen, warn):
        from imbalance_derm.pipeline.synthetic_data import fit_only

        preparation = _prepare(options, listen)
        stage = fit_only(preparation)
        for warning in stage.facts.get("warnings", ()):
            warn(warning)
    from imbalance_derm.cli.synth_outcome import show_fit

    show_fit(preparation, stage)


@synth.command()
@_options
@_out("synthetic", "Folder for CLASS/*.png and manifest.csv.")
def sample(out: Path, **options: Any) -> None:
    """Write synthetic images in class folders, with a manifest.

    The manifest has a row per image: class, method, source images, seed, hash of the model.
    """
    from imbalance_derm.cli.progress import live

    with live() as (listen, warn):
        from imbalance_derm.pipeline.synthetic_data import export

        preparation = _prepare(options, listen)
        synthetic = export(preparation, out)
        for warning in synthetic.warnings:
            warn(warning)
    from imbalance_derm.cli.synth_outcome import show_made

    show_made(preparation, synthetic, out)


@synth.command()
@_options
@_out("preview.png", "The picture.")
def preview(out: Path, **options: Any) -> None:
    """Draw a few images of each class, real and synthetic."""
    from imbalance_derm.cli.progress import live

    with live() as (listen, warn):
        from imbalance_derm.pipeline.synthetic_data import preview as draw

        synthetic = draw(_prepare(options, listen), out)
        for warning in synthetic.warnings:
            warn(warning)
    from imbalance_derm.cli.outcome import show_path

    show_path("Picture", out)


@synth.command()
@_options
@click.option(
    "--seeds",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Also train classifiers with so many seeds, against 'none' and 'augment'.",
)
@_out("audit", "Folder for audit.json and audit.html.")
def audit(out: Path, seeds: int, **options: Any) -> None:
    """Gather the evidence: fidelity, memorisation, class, shortcut, benefit.

    All but the benefit is computed on training images. With --seeds N the test set is opened
    once for each of the 3 N classifiers.
    """
    from imbalance_derm.cli.progress import live

    with live() as (listen, warn):
        from imbalance_derm.pipeline.audit import audit as examine

        preparation = _prepare(options, listen)
        command = shlex.join(["imbderm", *sys.argv[1:]])
        found = examine(preparation, out, seeds, command)
        for warning in found.warnings:
            warn(warning)
    from imbalance_derm.cli.synth_outcome import show_audit

    show_audit(found)


def _prepare(options: dict[str, Any], listen: Callable[..., None]) -> Preparation:
    from imbalance_derm.pipeline.experiment import cache_folder
    from imbalance_derm.pipeline.synthetic_data import prepare

    return prepare(experiment_of(**options).spec, cache_folder(), listen)

"""``imbderm run``: compose parts into a run."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from imbalance_derm.cli.completion import components, recipe_names
from imbalance_derm.cli.options import (
    data_options,
    experiment_of,
    part_options,
    setting_options,
    verbosity_options,
)


@click.command()
@data_options
@click.option(
    "--recipe",
    metavar="NAME|FILE.toml",
    shell_complete=recipe_names,
    help="A composition under a name; other options win over it.",
)
@part_options("synth", "loss", "head", "backbone", "sampler", "mixer", "optimizer", "posthoc")
@click.option(
    "--stage",
    "stages",
    metavar="NAME",
    multiple=True,
    shell_complete=components("stage"),
    help="Stages of the training, in order; repeatable.  [default: joint]",
)
@click.option(
    "--tracker",
    "trackers",
    metavar="NAME",
    multiple=True,
    shell_complete=components("tracker"),
    help="Who is told of events; repeatable.",
)
@click.option(
    "--paired",
    is_flag=True,
    help="Train the head's single-task twin, too, and give the paired differences.",
)
@setting_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Parent of the run's folder.",
)
@click.option(
    "--resume",
    "resumed",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with an interrupted run.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record and nothing else.")
@verbosity_options
def run(out: Path, resumed: Path | None, as_json: bool, **options: Any) -> None:
    """Train and judge one combination of parts; write record and report.

    Names of parts: imbderm plugins list. Their parameters: imbderm plugins info KIND NAME.

    \b
    Examples:
      imbderm run --synth cyclegan --loss focal
      imbderm run --data photos/ --loss logit_adjustment --set train.epochs=20
    """  # noqa: D301 (click wants a backspace)
    from imbalance_derm.cli.progress import live

    command = shlex.join(["imbderm", *sys.argv[1:]])
    with live() as (listen, warn):
        # PyTorch is imported below, under the running display.
        from imbalance_derm.errors import InputError
        from imbalance_derm.pipeline.experiment import resume

        if resumed is not None:
            options.pop("data_root")  # it may come from the environment
            if any(value not in (None, (), False) for value in options.values()):
                raise InputError("--resume goes on with the run as it was specified; give it alone")
            record = resume(resumed, listen=listen, warn=warn, command=command)
            folder = resumed
        else:
            record = experiment_of(**options).run(out, listen=listen, warn=warn, command=command)
            folder = out / record.name
    if as_json:
        click.echo(record.to_json())
    else:
        from imbalance_derm.cli.outcome import show

        show(record, folder)

"""``imbderm run``: compose parts into a run."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from imbalance_derm.cli.completion import components

PRESETS = ("smoke", "demo", "paper")


@click.command()
@click.option(
    "--data",
    metavar="NAME|PATH",
    shell_complete=components("dataset"),
    help="Data set, folder of class folders, or csv file.  [default: phantom]",
)
@click.option(
    "--data-root",
    metavar="DIR",
    type=click.Path(),
    envvar="IMBDERM_DATA",
    help="Folder that holds the data sets' folders.",
)
@click.option(
    "--synth",
    metavar="NAME",
    shell_complete=components("synthesizer"),
    help="What makes synthetic images.  [default: none]",
)
@click.option(
    "--loss",
    metavar="NAME",
    shell_complete=components("loss"),
    help="What is minimised.  [default: ce]",
)
@click.option(
    "--head",
    metavar="NAME",
    shell_complete=components("head"),
    help="What turns features into classes.  [default: single_task]",
)
@click.option(
    "--backbone",
    metavar="NAME",
    shell_complete=components("backbone"),
    help="What turns images into features.  [default: efficientnet_lite0]",
)
@click.option(
    "--sampler",
    metavar="NAME",
    shell_complete=components("sampler"),
    help="Which images make a batch.  [default: shuffle]",
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
    "--preset",
    type=click.Choice(PRESETS),
    help="Size of everything that is not set.  [default: demo]",
)
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="Any parameter of any part, such as synth.epochs=20; repeatable.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="Sections as in a run's spec.toml; options win over it.",
)
@click.option(
    "--skip-bad-images", is_flag=True, help="Skip and count unusable files instead of stopping."
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Of training and synthesis.")
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
def run(
    data: str | None,
    data_root: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    config: Path | None,
    skip_bad_images: bool,
    seed: int | None,
    out: Path,
    resumed: Path | None,
    as_json: bool,
    **parts: Any,
) -> None:
    r"""Train and judge one combination of parts; write record and report.

    Names of parts: imbderm plugins list. Their parameters: imbderm plugins info KIND NAME.

    \b
    Examples:
      imbderm run --synth cyclegan --loss focal
      imbderm run --data photos/ --loss logit_adjustment --set train.epochs=20
    """
    from imbalance_derm.cli.progress import live

    command = shlex.join(["imbderm", *sys.argv[1:]])
    with live() as (listen, warn):
        # PyTorch is imported below, under the running display.
        from imbalance_derm.errors import InputError
        from imbalance_derm.experiment.settings import merge, parse_setting, read_config
        from imbalance_derm.pipeline.experiment import Experiment, resume

        if resumed is not None:
            if any(parts.values()) or data or preset or settings or config:
                raise InputError("--resume goes on with the run as it was specified; give it alone")
            record = resume(resumed, listen=listen, warn=warn, command=command)
            folder = resumed
        else:
            tree = read_config(config) if config else {}
            for text in settings:
                tree = merge(tree, parse_setting(text))
            if skip_bad_images:
                tree = merge(tree, {"data": {"skip_bad_images": True}})
            experiment = Experiment(
                data, data_root=data_root, preset=preset, settings=tree, seed=seed, **parts
            )
            record = experiment.run(out, listen=listen, warn=warn, command=command)
            folder = out / record.name
    if as_json:
        click.echo(record.to_json())
    else:
        from imbalance_derm.cli.outcome import show

        show(record, folder)

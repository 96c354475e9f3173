"""``imbderm verify``: every figure of a bundle recomputed from its predictions."""

from __future__ import annotations

from pathlib import Path

import click

from imbalance_derm.cli.options import verbosity_options
from imbalance_derm.cli.verbosity import is_quiet

_SHOWN = 3


@click.command()
@click.argument("file", metavar="FILE.zip", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--all", "every", is_flag=True, help="Name every difference of a row.")
@verbosity_options
def verify(file: Path, every: bool) -> None:
    """Recompute the figures of a bundle, and say row by row what differs.

    FILE.zip is from: imbderm leaderboard RUNS --bundle FILE.zip. The decision is chosen anew on
    the validation predictions; figures, intervals and confusion matrices follow from it. Exit 0
    where all agrees, 1 where anything differs.
    """
    from imbalance_derm.benchmark.verify import verify_bundle

    sound = True
    for finding in verify_bundle(file):
        faults = finding.differences
        if faults:
            sound = False
            shown = faults if every else faults[:_SHOWN]
            more = (
                f"; {len(faults) - len(shown)} more, see --all" if len(shown) < len(faults) else ""
            )
            click.echo(f"DIFFERS  {finding.row}: {'; '.join(shown)}{more}")
        elif not is_quiet():
            beyond = ", ".join(finding.beyond)
            note = f"; beyond the predictions: {beyond}" if beyond else ""
            click.echo(f"agrees   {finding.row}: {finding.figures} figures{note}")
    if not sound:
        raise click.exceptions.Exit(1)

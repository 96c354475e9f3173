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
    """Recompute a bundle, and say run by run and for the leaderboard what differs.

    FILE.zip is from: imbderm leaderboard RUNS --bundle FILE.zip. The decision is chosen anew on
    the validation predictions; figures, intervals and confusion matrices follow from it, and the
    leaderboard from these. What the bundle has no predictions for is named as not checked.

    Exit 0 where all that can be checked agrees, 1 where anything differs, 2 where FILE.zip is no
    bundle.
    """
    from imbalance_derm.benchmark.verify import verify_bundle

    sound = True
    for finding in verify_bundle(file):
        faults = finding.differences
        note = f"; not checked: {', '.join(finding.unchecked)}" if finding.unchecked else ""
        if faults:
            sound = False
            shown = faults if every else faults[:_SHOWN]
            more = (
                f"; {len(faults) - len(shown)} more, see --all" if len(shown) < len(faults) else ""
            )
            line = f"DIFFERS    {finding.row}: {'; '.join(shown)}{more}{note}"
        elif finding.figures:
            line = f"agrees     {finding.row}: {finding.figures} figures{note}"
        else:
            line = f"unchecked  {finding.row}: {', '.join(finding.unchecked)}"
        if faults or finding.unchecked or not is_quiet():
            # Names and values are the bundle's own: none may steer the terminal.
            click.echo("".join(c if c.isprintable() else "?" for c in line))
    if not sound:
        raise click.exceptions.Exit(1)

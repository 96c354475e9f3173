"""``imbderm leaderboard``: runs ranked beside what was published."""

from __future__ import annotations

from pathlib import Path

import click

_FILE_WIDTH = 200


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "md", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to write it; json and csv have full precision.",
)
@click.option(
    "--metric",
    help="What ranks the rows; by default auc for two classes, balanced_accuracy for more.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of the screen.",
)
def leaderboard(
    paths: tuple[Path, ...], form: str, metric: str | None, output: Path | None
) -> None:
    """Rank every run found below PATH... beside the published rows of its data set.

    Each row is marked: measured here; as printed in a paper; or recovered, where the confusion
    matrix behind a paper's figures could be found.
    """
    import io

    from rich.console import Console

    from imbalance_derm.benchmark.formats import to_csv, to_json, to_markdown
    from imbalance_derm.benchmark.leaderboard import leaderboard as rank
    from imbalance_derm.benchmark.terminal import to_table
    from imbalance_derm.errors import InputError
    from imbalance_derm.experiment.files import write_text

    boards = rank(list(paths), metric)
    if form == "table" and output is None:
        console = Console(highlight=False)
        for board in boards:
            console.print(to_table(board, console.width))
        return
    if form == "table":
        page = io.StringIO()
        console = Console(file=page, width=_FILE_WIDTH, highlight=False, color_system=None)
        for board in boards:
            console.print(to_table(board, _FILE_WIDTH))
        text = page.getvalue()
    else:
        text = {"md": to_markdown, "json": to_json, "csv": to_csv}[form](boards)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        write_text(output, text)
    except OSError as error:
        reason = f"cannot write {output}: {error.strerror}; choose another --output"
        raise InputError(reason) from error

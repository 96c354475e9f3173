"""``imbderm leaderboard``: runs ranked beside what was published."""

from __future__ import annotations

from pathlib import Path

import click

from imbalance_derm.cli.options import verbosity_options
from imbalance_derm.cli.verbosity import is_quiet

_FILE_WIDTH = 200


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "md", "csv", "json", "latex", "html"]),
    default="table",
    show_default=True,
    help="How to write it; json and csv have full precision; html is a site of its own.",
)
@click.option(
    "--metric",
    help="What ranks the rows; by default the suite's, else auc for two classes and "
    "balanced_accuracy for more.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write to this file instead of the screen; with html, to this folder.",
)
@click.option(
    "--bundle",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Instead of a table, write record, specification and predictions of every run, failures, "
    "suites and the leaderboard itself to this zip, for: imbderm verify",
)
@verbosity_options
def leaderboard(
    paths: tuple[Path, ...], form: str, metric: str | None, output: Path | None, bundle: Path | None
) -> None:
    """Rank every method found below PATH... beside the published rows of its data set.

    Runs that differ in their seed only are one row. Rows that cannot be told from the top are
    marked best; the row that validation chooses is marked chosen, and compared with the baseline.

    Each row says where it is from: measured here; as printed in a paper; or recovered, where the
    confusion matrix behind a paper's figures could be found.
    """
    import io

    from rich.console import Console

    from imbalance_derm.benchmark.bundle import write_bundle
    from imbalance_derm.benchmark.csv_format import to_csv
    from imbalance_derm.benchmark.json_format import to_json
    from imbalance_derm.benchmark.latex import to_latex
    from imbalance_derm.benchmark.leaderboard import leaderboard as rank
    from imbalance_derm.benchmark.markdown import to_markdown
    from imbalance_derm.benchmark.terminal import to_table
    from imbalance_derm.errors import InputError
    from imbalance_derm.experiment.files import write_text

    if bundle is not None:
        if output is not None or metric is not None or form != "table":
            raise click.UsageError("--bundle holds runs as they are: it takes no other option")
        count = write_bundle(list(paths), bundle)
        runs = "1 run" if count == 1 else f"{count:,} runs"
        text = f"{runs} in {bundle}; check with: imbderm verify {bundle}"
        click.echo(bundle.resolve() if is_quiet() else text)
        return
    if form == "html" and output is None:
        raise click.UsageError("--format html makes a folder of pages: add --output DIR")
    boards = rank(list(paths), metric)
    if form == "html" and output is not None:
        from imbalance_derm.benchmark.site import write_site

        start = write_site(boards, output).resolve()
        click.echo(start if is_quiet() else f"open {start}")
        return
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
        write = {"md": to_markdown, "csv": to_csv, "json": to_json, "latex": to_latex}[form]
        text = write(boards)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        write_text(output, text)
    except OSError as error:
        reason = f"cannot write {output}: {error.strerror}; choose another --output"
        raise InputError(reason) from error

"""Plain columns of text."""

from __future__ import annotations

from collections.abc import Sequence

import click


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print `rows` below `header`; the last column is not padded."""
    # Plain columns: importing a table library would double the time of `plugins list`.
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header) - 1)]
    for row in (header, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[-1]]).rstrip())

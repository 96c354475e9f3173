r"""Writes leaderboards as LaTeX tables for a paper; they need the package ``booktabs``."""

from __future__ import annotations

from collections.abc import Sequence

from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.rows import Row
from imbalance_derm.benchmark.side_tables import side_tables
from imbalance_derm.benchmark.words import (
    closing_lines,
    failure_text,
    seed_count,
    status_text,
    updates_text,
)
from imbalance_derm.report.summary import figure_text, interval_text, title_of

_MARKS = {
    "best": r"\ast",
    "chosen": r"\star",
    "other budget": r"\neq",
    "leaky": r"\times",
}
_SAID = {
    "best": "not distinguishable from the best, in bold",
    "chosen": "chosen on validation",
    "other budget": "another number of updates than the best",
    "leaky": "leaky: test images entered the training, so that the figures are no evidence",
}
_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
        "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "–": "--",
        "†": r"\textdagger{}", "‡": r"\textdaggerdbl{}", "×": r"$\times$", '"': r"\textquotedbl{}",
        "≠": r"$\neq$",
    }
)  # fmt: skip


def escaped(text: str) -> str:
    r"""Return text that LaTeX prints as it is.

    Examples
    --------
    >>> escaped("50 % of a_b & {c}")
    '50 \\% of a\\_b \\& \\{c\\}'
    """
    return " ".join(text.split()).translate(_SPECIAL)


def to_latex(boards: list[Board]) -> str:
    r"""Return one ``table`` for each board, and one more for each table beside it.

    The caption names the data, the budget and the marks. Findings, notes and methods without
    figures follow each table as comments, for the text around it.
    """
    head = "% Needs \\usepackage[T1]{fontenc} and \\usepackage{booktabs}.\n"
    return head + "\n".join(_table(board) for board in boards)


def _table(board: Board) -> str:
    heads = ["Method", "Status", *map(title_of, board.columns), "Seeds", "Updates"]
    rows = [_row(board, row) for row in board.rows]
    lines = _tabular(heads, rows, 2, _caption(board), board.title, _sources(board))
    for table in side_tables(board):
        cells = [[escaped(cell) for cell in row] for row in table.rows]
        heads = [head[:1].upper() + head[1:] for head in table.heads]
        caption = escaped(f"{table.title} ({board.title}).")
        lines += ["", *_tabular(heads, cells, table.left, caption, f"{board.title} {table.name}")]
    lines += [f"% {' '.join(line.split())}" for line in closing_lines(board)]
    lines += [
        f"% Without figures: {' '.join(failure_text(cell).split())}" for cell in board.failures
    ]
    return "\n".join([*lines, ""])


def _sources(board: Board) -> list[str]:
    """Return the numbered sources, and what the marks on printed figures mean."""
    marks = {figure.mark for row in board.rows for figure in row.printed.values()}
    numbered = [f"[{i}] {text}" for i, text in enumerate(board.references, start=1)]
    return [*numbered, *(note for note in board.notes if note.partition(" ")[0] in marks)]


def _tabular(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    left: int,
    caption: str,
    label: str,
    below: Sequence[str] = (),
) -> list[str]:
    name = "".join(sign if sign.isalnum() else "-" for sign in label)
    return [
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{name}}}",
        rf"\begin{{tabular}}{{{'l' * left}{'r' * (len(heads) - left)}}}",
        r"\toprule",
        " & ".join(map(escaped, heads)) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\raggedright\footnotesize {escaped(line)}" for line in below),
        r"\end{table}",
    ]


def _row(board: Board, row: Row) -> list[str]:
    marks = ",".join(_MARKS[mark] for mark in row.marks)
    method = escaped(row.method) + (f"$^{{{marks}}}$" if marks else "")
    figures = [_figure(row, name, bold=row.best and name == board.metric) for name in board.columns]
    closing = seed_count(row), escaped(updates_text(row))
    return [method, escaped(status_text(row, board)), *figures, *closing]


def _figure(row: Row, metric: str, bold: bool) -> str:
    if metric not in row.metrics:
        return ""
    figure, printed = row.metrics[metric], row.printed.get(metric)
    text = figure_text(figure, printed.digits if printed else 3)
    interval = interval_text(figure)
    value = escaped(text.removesuffix(interval).strip()) + escaped(printed.mark if printed else "")
    value = rf"\textbf{{{value}}}" if bold else value
    return f"{value} {{\\footnotesize {interval}}}" if interval else value


def _caption(board: Board) -> str:
    updates = sorted({each for row in board.rows for each in row.updates})
    counts = next((row.test_counts for row in board.rows if row.runs and row.test_counts), {})
    images = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    said = [f"{board.title}: {title_of(board.metric)} ranks"]
    said += [f"test images: {images}"] if images else []
    if updates:
        ends = dict.fromkeys((updates[0], updates[-1]))
        said.append(f"{' to '.join(f'{count:,}' for count in ends)} optimiser updates")
    said.append("means over training seeds with 95 % intervals in brackets")
    used = dict.fromkeys(mark for row in board.rows for mark in row.marks)
    marks = "".join(f" $^{{{_MARKS[mark]}}}$~{escaped(_SAID[mark])}." for mark in used)
    return escaped("; ".join(said) + ".") + marks

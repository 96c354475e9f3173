"""The LaTeX tables compile, whatever things are called."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from imbalance_derm.benchmark.latex import to_latex
from imbalance_derm.benchmark.leaderboard import leaderboard

HOSTILE = r"a_b & 50 % #1 {x} ~ ^ $y$ \input{z} <c> | \"d\""


@pytest.fixture
def text(suite, runs, make_record) -> str:
    """Three tables: a grid with marks and effects, published rows, hostile names."""
    suite.merits.update({"focal": 2.0})
    suite.grid({"synth": ["none", "smote"], "loss": ["ce", "focal"]}, [0, 1])
    for seed in (0, 1):
        suite.run(
            {"synth": "none", "loss": "ldam"},
            seed,
            lambda record: replace(record, data={**record.data, "leaky": HOSTILE}),
        )
    suite.run({"synth": "smote", "loss": "center"}, 0)
    suite.fail({"synth": "smote", "loss": "lade"}, 0, "refused", "", HOSTILE)
    hostile = make_record("x", parts={"synth": HOSTILE}, data={"name": HOSTILE})
    return to_latex(leaderboard([suite.close(), runs(make_record("a"), hostile)]))


def test_rows_have_intervals_marks_and_a_caption(text):
    assert r"smote + focal$^{\ast" in text
    assert r"\textbf{0." in text
    assert r"{\footnotesize [" in text
    assert r"none + ldam$^{\times}$" in text
    assert "800 optimiser updates" in text
    assert "leaky: test images entered the training" in text
    assert r"0.9176\textdagger{}" in text
    assert r"\footnotesize \textdagger{} The paper prints this" in text
    assert "Effect of each axis on AUC" in text


def test_every_row_has_as_many_cells_as_columns_and_braces_close(text):
    for table in re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", text, re.DOTALL):
        columns = len(re.match(r"\\begin\{tabular\}\{([lr]+)\}", table)[1])
        lines = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len(lines) > 1
        for line in lines:
            assert len(re.split(r"(?<!\\)&", line)) == columns
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    plain = re.sub(r"\\[{}]", "", code)
    assert plain.count("{") == plain.count("}")


def has_latex() -> bool:
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    found = subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False)
    return found.returncode == 0


@pytest.mark.skipif(not has_latex(), reason="no pdflatex with booktabs on this machine")
def test_it_compiles(text, tmp_path):
    source = (
        "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs}\n"
        f"\\begin{{document}}\n{text}\n\\end{{document}}\n"
    )
    (tmp_path / "t.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-2000:]
    assert (tmp_path / "t.pdf").stat().st_size > 1000

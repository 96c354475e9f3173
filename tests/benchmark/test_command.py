from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from imbalance_derm.cli.leaderboard import leaderboard
from imbalance_derm.errors import InputError


def run(*arguments: object):
    return CliRunner().invoke(leaderboard, [str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def folder(runs, make_record):
    return runs(make_record("a"))


def test_every_format_is_printed(folder):
    assert "MelaNet" in run(folder).output
    assert "\x1b" not in run(folder).output
    assert run(folder, "--format", "md").output.startswith("## isic2016")
    assert run(folder, "--format", "csv").output.startswith("data,group,method,mark,status")
    assert r"\begin{tabular}" in run(folder, "--format", "latex").output
    (board,) = json.loads(run(folder, "--format", "json").output)
    assert len(board["rows"]) == 12


@pytest.mark.parametrize("form", ["table", "md", "json", "csv", "latex"])
def test_output_goes_to_the_file_and_nowhere_else(folder, tmp_path, form):
    target = tmp_path / "board.out"
    result = run(folder, "--format", form, "--output", target)
    assert result.output == ""
    assert "MelaNet" in target.read_text(encoding="utf-8")
    assert "\x1b" not in target.read_text(encoding="utf-8")


def test_input_errors_reach_the_group(folder, tmp_path):
    assert isinstance(run(folder, "--metric", "auk").exception, InputError)
    assert "did you mean 'auc'" in str(run(folder, "--metric", "auk").exception)
    (tmp_path / "file").write_text("")
    blocked = run(folder, "--format", "md", "--output", tmp_path / "file" / "x.md")
    assert isinstance(blocked.exception, InputError)

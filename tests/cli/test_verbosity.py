"""``--quiet``, ``--verbose`` and ``NO_COLOR``: who wants less or more gets it, at any place."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from imbalance_derm.cli.options import verbosity_options
from imbalance_derm.cli.verbosity import verbosity

TINY = [
    "run", "--preset", "smoke", "--set", "data.images=96", "--set", "data.ratio=3",
    "--set", "train.updates=2", "--set", "train.threads=1",
]  # fmt: skip
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
MOVES = re.compile(r"\x1b\[(?:\d*[A-HJK]|\?25[lh])")


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def environment(cache: Path | None = None, **variables: str) -> dict[str, str]:
    unset = ("NO_COLOR", "FORCE_COLOR", "PYTHONWARNINGS", "IMBDERM_DATA")
    found = {key: value for key, value in os.environ.items() if key not in unset}
    return {**found, "TERM": "xterm", "IMBDERM_CACHE": str(cache), **variables}


def imbderm(*words: str, cache: Path | None = None, **variables: str):
    return subprocess.run(
        [sys.executable, "-m", "imbalance_derm", *words],
        capture_output=True, text=True, env=environment(cache, **variables), timeout=300,
    )  # fmt: skip


def on_a_terminal(*words: str, cache: Path, **variables: str) -> str:
    """What a person would get: both streams of the command on a terminal."""
    pty = pytest.importorskip("pty", reason="no terminals of this kind on this system")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "imbalance_derm", *words],
        stdout=theirs, stderr=theirs, env=environment(cache, **variables),
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0, shown
    return shown.decode()


@click.group()
@verbosity_options
def program() -> None:
    pass


@program.group()
def below() -> None:
    pass


@below.command()
@verbosity_options
def tell() -> None:
    click.echo(verbosity().name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["below", "tell"], "NORMAL"),
        (["--quiet", "below", "tell"], "QUIET"),
        (["below", "tell", "--quiet"], "QUIET"),
        (["--quiet", "below", "tell", "--quiet"], "QUIET"),
        (["--verbose", "below", "tell"], "VERBOSE"),
        (["below", "tell", "--verbose"], "VERBOSE"),
    ],
)
def test_both_places_mean_the_same(words, said):
    assert CliRunner().invoke(program, words).output == f"{said}\n"


@pytest.mark.parametrize(
    "words", [["--quiet", "below", "tell", "--verbose"], ["below", "tell", "--verbose", "--quiet"]]
)
def test_both_at_once_are_refused(words):
    done = CliRunner().invoke(program, words)
    assert done.exit_code == 2
    assert "exclude each other" in done.output


@pytest.mark.slow
def test_a_quiet_run_prints_the_path_of_its_folder(tmp_path, cache):
    done = imbderm(*TINY, "--quiet", "--out", str(tmp_path), cache=cache)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (record,) = tmp_path.glob("*/record.json")
    assert done.stdout == f"{record.parent}\n"


def test_a_quiet_error_is_told():
    done = imbderm("--quiet", "run", "--loss", "focl")
    assert done.returncode == 2
    assert "did you mean 'focal'" in done.stderr


@pytest.mark.slow
def test_a_verbose_run_tells_each_stage_with_its_key(tmp_path, cache):
    words = [*TINY, "--loss", "focal", "--seed", "7", "--out", str(tmp_path)]
    for found in (False, True):
        done = imbderm("--verbose", *words, "--json", cache=cache)
        assert done.returncode == 0, done.stderr
        record = json.loads(done.stdout)
        finished = [line for line in done.stderr.splitlines() if "computed in " in line]
        assert len(finished) == len(record["stages"]) > 3
        for line, stage in zip(finished, record["stages"], strict=True):
            assert line.endswith(f"[{stage['stage']}/{stage['key']}]")
            assert ("found in the cache" in line) == stage["cached"]
            assert f"computed in {stage['seconds']:.1f} s" in line
        assert all(stage["cached"] for stage in record["stages"]) == found
        assert "\x1b" not in done.stderr


NOISY = """
import logging, sys, warnings
import imbalance_derm.experiment.recipes as module
from imbalance_derm.cli.main import main

known = module.recipes

def recipes():
    warnings.warn("a call that is deprecated", stacklevel=2)
    logging.getLogger("some.library").info("library says")
    logging.getLogger("some.library").warning("library warns")
    logging.getLogger("some.library").error("library fails")
    return known()

module.recipes = recipes
sys.argv = ["imbderm", *sys.argv[1:], "recipes", "list"]
main()
"""


@pytest.mark.parametrize(
    ("python", "words", "shown"),
    [
        ([], [], ["library fails"]),
        ([], ["--quiet"], ["library fails"]),
        ([], ["--verbose"], ["a call that", "library says", "library warns", "library fails"]),
        (["-W", "default"], [], ["a call that", "library fails"]),
    ],
)
def test_libraries_are_heard_where_that_is_wanted(python, words, shown):
    done = subprocess.run(
        [sys.executable, *python, "-c", NOISY, *words],
        capture_output=True, text=True, env=environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    texts = ("a call that", "library says", "library warns", "library fails")
    assert [text for text in texts if text in done.stderr] == shown
    assert "library" not in done.stdout


@pytest.mark.slow
def test_colours_and_bars_on_a_terminal_only(tmp_path, cache):
    words = [*TINY, "--out", str(tmp_path)]
    coloured = on_a_terminal(*words, cache=cache)
    assert COLOUR.search(coloured)
    assert MOVES.search(coloured)
    plain = on_a_terminal(*words, cache=cache, NO_COLOR="1")
    assert not COLOUR.search(plain)
    assert "AUC" in plain
    dumb = on_a_terminal(*words, cache=cache, TERM="dumb")
    assert not COLOUR.search(dumb)
    assert not MOVES.search(dumb)
    quiet = on_a_terminal(*words, "--quiet", cache=cache)
    line, *rest = quiet.splitlines()
    assert Path(line, "record.json").is_file()
    assert "".join(rest) in ("", "\x1b[0m")  # some library resets the terminal as it leaves


@pytest.mark.slow
def test_no_terminal_codes_in_files(tmp_path, cache):
    done = imbderm(*TINY, "--out", str(tmp_path / "runs"), cache=cache, FORCE_COLOR="1")
    assert done.returncode == 0, done.stderr
    assert not MOVES.search(done.stderr)
    table = tmp_path / "table.txt"
    words = ["leaderboard", str(tmp_path / "runs"), "--output", str(table)]
    assert imbderm(*words, FORCE_COLOR="1").returncode == 0
    assert "none + ce" in table.read_text()
    for file in (tmp_path / "runs").rglob("*.*"):
        if file.suffix in (".json", ".toml", ".csv", ".html"):
            assert b"\x1b" not in file.read_bytes(), file
    assert "\x1b" not in table.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["run", "--help"],
        ["plugins", "list"],
        ["plugins", "info", "loss", "focal"],
        ["recipes", "show", "melanet"],
        ["data", "inspect", "phantom", "--set", "data.images=28"],
    ],
)
def test_no_terminal_codes_in_a_pipe(words):
    done = imbderm(*words)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr

"""``imbderm data fetch`` as a user meets it, at a terminal and without one."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from imbalance_derm.cli.fetch_progress import _Lines
from imbalance_derm.data.fetch.catalogue import entries

ARCHIVE = "ISBI2016_ISIC_Part3_Training_Data.zip"
CUT = 16 * 2**16
# The command itself; its catalogue is a folder of the test's.
START = """
import sys
from functools import partial
from pathlib import Path
from imbalance_derm.data.fetch import catalogue
catalogue.FOLDER = Path(sys.argv.pop(1))
from imbalance_derm.cli.main import main
main()
"""


@pytest.fixture
def words(isic2016, tmp_path) -> list[str]:
    """The start of a command line that fetches from the server of the test."""
    return [sys.executable, "-c", START, str(tmp_path / "catalogue"), "data", "fetch"]


def run(words: list[str], **more: object) -> subprocess.CompletedProcess:
    more = {"stdin": subprocess.DEVNULL, "cwd": "/", **more}
    return subprocess.run(words, capture_output=True, text=True, timeout=120, **more)


def at_terminal(words: list[str], answer: str) -> tuple[int, str]:
    """Run with a terminal for input and output; type `answer` at the question."""
    ours, theirs = pty.openpty()
    ends = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen(words, start_new_session=True, **ends) as process:
        os.close(theirs)
        seen = ""
        try:
            while True:
                seen += os.read(ours, 4096).decode()
                if answer and "accept the licence? [y/N]" in seen:
                    os.write(ours, answer.encode())
                    answer = ""
        except OSError:  # the other end is closed
            os.close(ours)
    return process.returncode, seen


def test_without_a_name_it_lists_what_there_is():
    done = run([sys.executable, "-m", "imbalance_derm", "data", "fetch"])
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["NAME", "IMAGES", "DOWNLOAD", "LICENCE", "TITLE"]
    assert [row.split()[0] for row in rows] == sorted(entries())
    assert any("10015" in row and "2.8 GB" in row and "CC BY-NC 4.0" in row for row in rows)


def test_an_unknown_name_lists_them_too(words):
    done = run([*words, "isic2061"])
    assert done.returncode == 2
    assert "isic2016  18" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line == "Error: no data set 'isic2061' to fetch; did you mean 'isic2016'?"


def test_without_a_terminal_the_licence_needs_the_flag(words, publisher, tmp_path):
    done = run([*words, "isic2016", "--to", str(tmp_path / "data")])
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert all(text in line for text in ("CC0 1.0", "https://example.org/cc0", "--accept-licence"))
    assert done.stdout == ""
    assert publisher.log == []
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_a_licence_that_is_not_accepted_brings_nothing(words, publisher, tmp_path, answer):
    code, seen = at_terminal([*words, "isic2016", "--to", str(tmp_path / "data")], answer)
    assert code == (130 if answer == "\x04" else 2)
    assert "Anything goes." in seen
    assert "https://example.org/cc0" in seen
    assert publisher.log == []
    assert not (tmp_path / "data").exists()


def test_a_licence_that_is_accepted_at_the_terminal(words, tmp_path):
    code, seen = at_terminal([*words, "isic2016", "--to", str(tmp_path / "data")], "y\n")
    assert code == 0, seen
    assert (tmp_path / "data" / "isic2016" / "fetched.json").is_file()
    assert "Traceback" not in seen


def test_fetched_once_it_is_not_fetched_again(words, publisher, tmp_path):
    root = tmp_path / "my data"
    fetch = [*words, "isic2016", "--to", str(root), "--accept-licence"]
    done = run(fetch)
    assert done.returncode == 0, done.stderr
    assert "Anything goes." in done.stderr
    assert f"Fetch {ARCHIVE} (3.0 MB) ..." in done.stderr.splitlines()
    assert "\x1b" not in done.stdout + done.stderr
    assert "no checksum for 4 of 4 files" in done.stdout
    assert done.stdout.splitlines()[-1].strip() == (
        f"imbderm data inspect isic2016 --data-root '{root}'"
    )
    publisher.log.clear()
    again = run(fetch)
    assert again.returncode == 0
    assert "there already" in again.stdout
    assert again.stderr == ""
    assert publisher.log == []


def test_quiet_prints_the_folder_only(words, tmp_path):
    root = tmp_path / "data"
    for _ in range(2):  # the second time it is there already
        done = run([*words, "isic2016", "--to", str(root), "--accept-licence", "--quiet"])
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{root / 'isic2016'}\n"


@pytest.mark.slow
def test_fetched_it_can_be_inspected(words, tmp_path):
    root = str(tmp_path / "data")
    assert run([*words, "isic2016", "--to", root, "--accept-licence"]).returncode == 0
    look = [sys.executable, "-m", "imbalance_derm", "data", "inspect", "isic2016", "--json"]
    found = json.loads(run([*look, "--data-root", root]).stdout)
    assert found["images"] == found["usable"] == 18


def test_interrupted_it_says_how_to_go_on_and_does(words, publisher, tmp_path):
    root = tmp_path / "data"
    part = root / ".isic2016.fetch" / f"{ARCHIVE}.part"
    command = [*words, "isic2016", "--to", str(root), "--accept-licence"]
    publisher.hang_after = {ARCHIVE: CUT}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        # What runs in the background inherits it as ignored.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size == CUT):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == (
        f"Error: interrupted; go on with: imbderm data fetch isic2016 --to {root} --accept-licence"
    )
    publisher.released.set()
    done = run(command)
    assert done.returncode == 0, done.stderr
    assert f"Fetch {ARCHIVE} (3.0 MB), 1.0 MB of it here already ..." in done.stderr.splitlines()
    assert publisher.asked_for(ARCHIVE)[-1].asked == f"bytes={CUT}-"


def test_plain_lines_tell_the_time_left(capsys):
    times = iter((0.0, 29.0, 30.0, 45.0, 60.0, 61.0))
    lines = _Lines(clock=lambda: next(times))
    for done in (200, 300, 400, 500, 600):
        lines("Fetch a.zip", done * 10**6, 10**9)
    lines("Fetch b.zip", 0, 0)
    assert capsys.readouterr().err.splitlines() == [
        "Fetch a.zip (1.0 GB), 200.0 MB of it here already ...",
        "  400.0 MB of 1.0 GB, 1 min 30 s left",  # 200 MB in 30 s, 600 MB to go
        "  600.0 MB of 1.0 GB, 1 min 0 s left",
        "Fetch b.zip ...",
    ]

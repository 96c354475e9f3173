"""Every command and every piece of Python of the documentation runs, page by page.

The blocks of a page run in their order, in one folder that holds ``photos/`` and ``table.csv`` (the
strange images of conftest.py) and, where there are real data, ``data``. A block that a page asks
the reader to save is saved. Two things are changed, here and nowhere else: runs and synthesizers
get ``--preset smoke``, and the cache is a folder of the test.

A block is left out only where the page says why: ``<!-- not run: reason -->`` before it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(
    r"(?:^<!-- not run:(?P<reason>.*?)-->\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.S | re.M
)
_SAVED = re.compile(r"[Ss]ave (?:it|this) as `([\w.-]+)`:\n+\Z")
_QUICK = re.compile(r"^imbderm (run|synth \w+)\b(?!.*--resume)", re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `reason` says why it is not run, `name` what it is saved as."""

    line: int
    language: str
    code: str
    reason: str | None
    name: str | None

    @property
    def runs(self) -> bool:
        return self.language in ("console", "bash", "python") and self.reason is None


def blocks(text: str) -> list[Block]:
    found = []
    for match in _BLOCK.finditer(text):
        saved = _SAVED.search(text[: match.start()])
        reason = match["reason"]
        found.append(
            Block(
                text[: match.start("language")].count("\n") + 1,
                match["language"],
                match["code"],
                None if reason is None else " ".join(reason.split()),
                saved[1] if saved else None,
            )
        )
    return found


def quick(code: str) -> str:
    """Size a block for a test: the smallest preset wherever a run or synthesizer takes one."""
    return _QUICK.sub(r"imbderm \1 --preset smoke", code)


def test_blocks_are_found_with_their_reasons_and_names():
    text = (
        "Save it as `a.toml`:\n\n```toml\nx = 1\n```\n\n<!-- not run: too\nlong -->\n```console\n"
        "imbderm run\n```\n\n```python\nprint()\n```\n<!-- not run: far -->\n\n```bash\nls\n```\n"
    )
    toml, left_out, python, bash = blocks(text)
    assert (toml.name, toml.code, toml.runs) == ("a.toml", "x = 1\n", False)
    assert (left_out.reason, left_out.runs, left_out.line) == ("too long", False, 9)
    assert (python.reason, python.runs) == (None, True)
    assert (bash.reason, bash.runs) == (None, True)  # a comment that does not touch it is none


def test_only_runs_and_synthesizers_are_made_quick():
    code = (
        "imbderm run --seed 1\nimbderm run --resume r\nimbderm synth audit\nimbderm bench a.toml\n"
    )
    assert quick(code).splitlines() == [
        "imbderm run --preset smoke --seed 1", "imbderm run --resume r",
        "imbderm synth audit --preset smoke", "imbderm bench a.toml",
    ]  # fmt: skip


def test_what_is_not_run_says_why():
    left_out = [
        f"{page.name}:{block.line} is not run: {block.reason}"
        for page in PAGES
        for block in blocks(page.read_text(encoding="utf-8"))
        if block.reason is not None
    ]
    sys.stdout.write("\n".join(left_out))  # the list, under pytest -rP
    assert left_out
    for line in left_out:
        assert len(line.partition("is not run: ")[2].split()) > 2, f"{line} (give a reason)"


def test_every_comment_that_leaves_out_touches_a_block():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        touching = [block for block in blocks(text) if block.reason is not None]
        assert text.count("<!-- not run") == len(touching), page.name


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_runs(page, tmp_path, strange_images, snippet_cache, real_data):
    for name in ("photos", "table.csv"):
        (tmp_path / name).symlink_to(strange_images / name)
    if real_data:
        (tmp_path / "data").symlink_to(real_data)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "IMBDERM_CACHE": str(snippet_cache),
        "NO_COLOR": "1",
    }
    environment.pop("IMBDERM_DATA", None)
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.name:
            (tmp_path / block.name).write_text(block.code, encoding="utf-8")
        if not block.runs or ("--data-root data" in block.code and not real_data):
            continue
        if block.language == "python":
            words = [sys.executable, "-c", block.code]
        else:
            words = ["bash", "-euo", "pipefail", "-c", quick(block.code)]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{page.name}:{block.line}\n{done.stdout}\n{done.stderr}"
    check = CHECKS.get(page.stem)
    if check:
        check(tmp_path)


def strange_images_were_used(folder: Path) -> None:
    """Every run on the reader's own images saw each of them, whichever way they were listed."""
    files = [path for path in (folder / "photos").rglob("*") if path.is_file()]
    expected = Counter(path.parent.name for path in files)
    records = [json.loads(path.read_text()) for path in folder.glob("runs/*/record.json")]
    own = [record for record in records if record["data"]["name"] in ("folder", "csv")]
    assert len(own) >= 4
    for record in own:
        assert sum(map(Counter, record["data"]["counts"].values()), Counter()) == expected
        assert record["data"]["skipped"] == 0


def the_benchmark_is_whole(folder: Path) -> None:
    """The suite of the tutorial has a record for each of its 2 x 2 cells and 2 seeds."""
    assert len(list((folder / "small" / "runs").glob("*/record.json"))) == 8
    assert (folder / "small" / "leaderboard" / "index.html").is_file()
    assert (folder / "board" / "index.html").is_file()


CHECKS = {"own-images": strange_images_were_used, "tutorial": the_benchmark_is_whole}

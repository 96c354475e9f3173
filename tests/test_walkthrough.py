"""From ``plugins new`` to a row on a leaderboard, as a stranger would go, and in what time.

Each walk has an environment of its own, which sees this one's packages: PyTorch and the others are
not installed again. The new package is installed into it by pip as it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SMOKE = ("--preset", "smoke", "--set", "train.threads=1")


class Walk:
    """Commands of one environment, in one working folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        self.bin = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        found = self.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        below = sysconfig.get_path("purelib")
        pth = Path(found.strip()) / "below.pth"
        pth.write_text(f"import site; site.addsitedir({below!r})\n", encoding="utf-8")

    def run(self, program: str, *words: str, cwd: str = ".") -> str:
        done = subprocess.run(
            [self.bin / program, *words],
            capture_output=True, text=True, cwd=self.folder / cwd, timeout=300,
            env={**os.environ, "IMBDERM_CACHE": str(self.folder / "cache"), "OMP_NUM_THREADS": "1",
                 "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )  # fmt: skip
        assert done.returncode == 0, f"{program} {words}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def imbderm(self, *words: str) -> str:
        return self.run("python", "-m", "imbalance_derm", *words)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "option"), [("loss", "--loss"), ("synthesizer", "--synth"), ("head", "--head")]
)
def test_from_a_new_plugin_to_a_row_on_a_leaderboard(kind, option, tmp_path):
    walk, name = Walk(tmp_path), f"my-{kind}"
    package = walk.imbderm("--quiet", "plugins", "new", kind, name).strip()
    assert Path(package) == tmp_path / f"imbderm-{name}"

    # Its build backend and everything that it depends on are there: nothing is downloaded.
    walk.run("python", "-m", "pip", "install", "--no-deps", "--no-build-isolation", "-e", package)
    assert "passed" in walk.run("python", "-m", "pytest", "-q", cwd=package)
    assert " 0 failed" in walk.imbderm("plugins", "check", kind, name)

    run = walk.imbderm("run", "--quiet", *SMOKE, option, name).strip()
    record = json.loads((Path(run) / "record.json").read_text(encoding="utf-8"))
    section = option.removeprefix("--")
    assert record["components"][section]["distribution"] == f"imbderm-{name}"
    assert record["components"][section]["version"] == "0.1.0"

    (board,) = json.loads(walk.imbderm("leaderboard", "runs", "--format", "json"))
    (row,) = [row for row in board["rows"] if row["status"] == "measured here"]
    assert row[section] == name
    assert row["metrics"]["auc"] == record["metrics"]["test"]["auc"]

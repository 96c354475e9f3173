"""The package of the plugin guide, installed over this environment, gives a loss by name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "plugins.md"


def files_of_the_guide() -> dict[str, str]:
    """The code blocks of the guide by the file name in their first line."""
    blocks = re.findall(r"```\w+\n# (\S+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    return dict(blocks)


@pytest.fixture(scope="module")
def layered(tmp_path_factory) -> Path:
    """A new environment that sees this one's packages, with the plugin installed in it."""
    folder = tmp_path_factory.mktemp("plugin")
    source = folder / "imbderm-tiny"
    written = files_of_the_guide()
    assert set(written) == {"pyproject.toml", "imbderm_tiny/__init__.py", "imbderm_tiny/loss.py"}
    for name, text in written.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", find], capture_output=True, text=True, check=True).stdout
    below = sysconfig.get_path("purelib")
    (Path(site.strip()) / "below.pth").write_text(f"import site; site.addsitedir({below!r})\n")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", str(source)]
    subprocess.run([python, *install], check=True)
    return python


def imbderm(python: Path, *words: str, cache: Path | None = None) -> subprocess.CompletedProcess:
    environment = {**os.environ, "IMBDERM_CACHE": str(cache)} if cache else dict(os.environ)
    return subprocess.run(
        [python, "-m", "imbalance_derm", *words], capture_output=True, text=True, env=environment
    )


def test_the_plugin_is_listed_with_its_distribution(layered):
    listed = json.loads(imbderm(layered, "plugins", "list", "--json").stdout)
    (tiny,) = [entry for entry in listed if entry["name"] == "tiny"]
    assert (tiny["distribution"], tiny["version"]) == ("imbderm-tiny", "1.2.3")
    (info,) = json.loads(imbderm(layered, "plugins", "info", "loss", "tiny", "--json").stdout)
    assert info["parameters"][0]["doc"] == "What the loss is multiplied by."


def test_its_loss_runs_by_name(layered, tmp_path):
    words = ["run", "--preset", "smoke", "--json", "--out", str(tmp_path / "runs")]
    loss = ["--loss", "tiny", "--set", "loss.factor=3"]
    done = imbderm(layered, *words, *loss, cache=tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["components"]["loss"]["distribution"] == "imbderm-tiny"
    assert record["spec"]["loss"] == {"name": "tiny", "factor": 3.0}
    bad = imbderm(layered, *words, "--loss", "tiny", "--set", "loss.factor=0")
    assert bad.returncode == 2
    assert "loss.factor=0" in bad.stderr

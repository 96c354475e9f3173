"""What the README shows works, and names only what exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from imbalance_derm.experiment.settings import merge, parse_setting, resolve
from imbalance_derm.registry.manager import installed

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("IMBDERM_CACHE", str(tmp_path / "cache"))
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert re.match(r"Figure\(value=0\.\d+, low=0\.\d+, high=", done.stdout)


def test_every_run_command_resolves():
    commands = re.findall(r"imbderm run ([^\n`#|]*)", README)
    assert len(commands) > 4
    for command in commands:
        words, tree = command.split(), {}
        while len(words) > 1:
            option, value, *words = words
            name = option.removeprefix("--")
            if name == "set":
                tree = merge(tree, parse_setting(value))
            elif name in ("synth", "loss", "head", "data"):
                known = value not in ("photos/", "table.csv")
                tree = merge(tree, {name: {"name": value}} if known else {"data": {"name": "csv"}})
        assert resolve(tree)


def test_every_part_stands_in_the_table():
    for kind, name in installed().entries:
        assert f"`{name}`" in README or f"`{name}/" in README, f"{kind} {name}"


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target

"""What the README shows works, and names only what exists."""

from __future__ import annotations

import re
from pathlib import Path

from imbalance_derm.experiment.settings import merge, parse_setting, resolve
from imbalance_derm.registry.manager import installed

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_run_command_resolves():
    commands = re.findall(r"imbderm run ([^\n`#|]*)", README)
    assert len(commands) > 3
    for command in commands:
        words, tree = command.split(), {}
        while len(words) > 1:
            option, value, *words = words
            name = option.removeprefix("--")
            if name == "set":
                tree = merge(tree, parse_setting(value))
            elif name in ("synth", "loss", "head", "data"):
                known = value != "photos/"
                tree = merge(tree, {name: {"name": value}} if known else {"data": {"name": "csv"}})
        assert resolve(tree)


def test_every_part_stands_in_the_table():
    for kind, name in installed().entries:
        assert f"`{name}`" in README or f"`{name}/" in README, f"{kind} {name}"


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target

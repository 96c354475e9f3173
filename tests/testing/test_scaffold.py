"""The package of ``plugins new``: each kind gives a part that keeps its contract."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.registry.component import KINDS
from imbalance_derm.testing.check import examine
from imbalance_derm.testing.scaffold import class_name, scaffold


@pytest.mark.parametrize("kind", KINDS)
def test_its_part_keeps_the_contract(kind, scaffolded):
    build = scaffolded(kind, f"my-{kind}")
    assert (build.component.kind, build.component.name) == (kind, f"my-{kind}")
    findings = examine(build)
    assert [finding for finding in findings if finding.status != "passed"] == []
    assert len(findings) >= 9


@pytest.mark.parametrize("kind", KINDS)
def test_its_files_are_complete_and_clean(kind, tmp_path):
    folder = scaffold(kind, "my_own-1", tmp_path / "new" / "folder")
    assert folder.name == "imbderm-my_own-1"
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["imbderm"] == {"my_own-1": "imbderm_my_own_1"}
    assert "END OF TERMS AND CONDITIONS" in (folder / "LICENSE").read_text()
    ruff = [sys.executable, "-m", "ruff"]
    for words in (["check", "--isolated", "--line-length=100"],
                  ["format", "--isolated", "--line-length=100", "--check"]):  # fmt: skip
        done = subprocess.run([*ruff, *words, str(folder)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "name", ["My-loss", "my loss", "", "-x", "x-", "a--b", "../x", "é", "x.y", "x\n"]
)
def test_a_name_that_cannot_be_one_is_refused(name, tmp_path):
    with pytest.raises(InputError, match="cannot be the name of a part"):
        scaffold("loss", name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_taken_name_an_unknown_kind_and_an_existing_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="already provided by imbalance-derm"):
        scaffold("loss", "focal", tmp_path)
    with pytest.raises(InputError, match="did you mean 'loss'"):
        scaffold("los", "mine", tmp_path)
    (tmp_path / "imbderm-mine").mkdir()
    with pytest.raises(InputError, match="is there already"):
        scaffold("loss", "mine", tmp_path)
    assert not list((tmp_path / "imbderm-mine").iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_the_class_has_a_name_of_its_own(kind):
    for name in (kind, "training", "none", "2x", "true", "class"):
        found = class_name(kind, name)
        assert found.isidentifier()
        assert found not in ("None", "True", "TrainingStage", kind.capitalize())


@pytest.mark.slow
def test_installed_it_is_found_checked_and_run(tmp_path):
    folder, target = scaffold("loss", "stranger", tmp_path), tmp_path / "site"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([sys.executable, *install, "--target", target, folder], check=True)
    environment = {
        **os.environ, "PYTHONPATH": str(target), "IMBDERM_CACHE": str(tmp_path / "cache"),
    }  # fmt: skip

    def run(*words: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, env=environment, cwd=cwd
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    listed = json.loads(run("-m", "imbalance_derm", "plugins", "list", "--json").stdout)
    assert "imbderm-stranger" in {entry["distribution"] for entry in listed}
    assert "0 failed" in run("-m", "imbalance_derm", "plugins", "check", "stranger").stdout
    tests = run("-m", "pytest", "-q", cwd=folder).stdout
    assert "passed" in tests
    assert "warning" not in tests
    words = ["run", "--preset", "smoke", "--set", "data.images=96", "--set", "train.updates=2"]
    ran = run("-m", "imbalance_derm", *words, "--loss", "stranger", "--json", "--out", "runs")
    assert json.loads(ran.stdout)["components"]["loss"]["distribution"] == "imbderm-stranger"

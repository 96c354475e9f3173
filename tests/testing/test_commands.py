"""``imbderm plugins check | new | doctor`` as a user meets them, with sound and broken plugins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ANNOUNCED = """
from imbalance_derm import Component, hookimpl


@hookimpl
def imbderm_components():
    {body}
"""
BROKEN_LOSS = """
from imbalance_derm.losses.cross_entropy import CrossEntropy


class Scalar(CrossEntropy):
    def forward(self, logits, labels, context):
        return super().forward(logits, labels, context).mean()


class Undescribed(CrossEntropy):
    def __init__(self, *, net: "NoSuchType" = None):
        super().__init__()
"""
CHECKED = ("loss", "scalar")


def announce(*components: str) -> str:
    return ANNOUNCED.format(body=f"return [{', '.join(components)}]")


PLUGINS = {
    "a_import_error": "import no_such_module",
    "b_exits": "raise SystemExit(3)",
    "c_hook_raises": ANNOUNCED.format(body="raise RuntimeError('boom')"),
    "d_wrong_api": announce('Component("loss", "late", "x.", "d_wrong_api:x", api=99)'),
    "e_clash": announce('Component("loss", "focal", "x.", "e_clash:x")'),
    "f_missing_code": announce('Component("loss", "gone", "x.", "no_such_code:Gone")'),
    "g_no_components": ANNOUNCED.format(body="return 5"),
    "h_losses": announce(
        'Component("loss", "scalar", "x.", "h_code:Scalar")',
        'Component("loss", "undescribed", "x.", "h_code:Undescribed")',
    ),
    "i_data": announce('Component("dataset", "lost", "x.", "no_such_code:Lost")'),
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder with a distribution for each plugin, as pip would leave it."""
    site = tmp_path_factory.mktemp("site")
    (site / "h_code.py").write_text(BROKEN_LOSS)
    for name, text in PLUGINS.items():
        (site / f"{name}.py").write_text(text)
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[imbderm]\n{name} = {name}\n")
    return site


def imbderm(*words: str, site: Path | None = None, **variables: str):
    environment = {**os.environ, **variables}
    environment.pop("IMBDERM_DEBUG", None)
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    return subprocess.run(
        [sys.executable, "-m", "imbalance_derm", *words],
        capture_output=True, text=True, env=environment, timeout=300,
    )  # fmt: skip


def assert_one_line(done, code: int, text: str) -> None:
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_broken_plugins_leave_help_list_and_info_working(site):
    assert imbderm("--help", site=site).returncode == 0
    listed = imbderm("plugins", "list", "--kind", "loss", site=site)
    assert listed.returncode == 0
    assert "focal" in listed.stdout
    for name in ("a_import_error", "b_exits", "c_hook_raises", "d_wrong_api", "e_clash"):
        assert f"skipped from {name}" in listed.stderr
    assert "Traceback" not in listed.stderr
    (scalar,) = [line for line in listed.stdout.splitlines() if line.split()[:2] == [*CHECKED]]
    assert scalar.split()[2:4] == ["h_losses", "1.0"]
    verbose = imbderm("plugins", "list", "--kind", "loss", "--verbose", site=site)
    assert " h_code:Scalar " in verbose.stdout
    quiet = imbderm("--quiet", "plugins", "list", "--kind", "loss", site=site)
    assert (quiet.stdout, quiet.stderr) == (listed.stdout, "")


def test_info_tells_where_a_part_is_and_who_else_announced_its_name(site):
    shown = imbderm("plugins", "info", "loss", "focal", site=site)
    assert shown.returncode == 0
    assert "From:    imbalance-derm " in shown.stdout
    assert str(Path("losses", "focal.py")) in shown.stdout
    assert "Skipped: from e_clash: loss 'focal' is already provided by" in shown.stdout
    (info,) = json.loads(imbderm("plugins", "info", *CHECKED, "--json", site=site).stdout)
    assert (info["distribution"], info["version"]) == ("h_losses", "1.0")
    assert info["file"] == str(site / "h_code.py")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["run", "--loss", "late"], "skipped from d_wrong_api: loss 'late' speaks contract 99"),
        (["run", "--loss", "gone"], "loss 'gone' of f_missing_code cannot be imported"),
        (["run", "--loss", "undescribed"], "h_code:Undescribed cannot be described: NameError"),
        (["plugins", "info", "loss", "undescribed"], "cannot be described: NameError"),
        (["plugins", "info", "loss", "late"], "upgrade imbalance-derm"),
        (["data", "inspect", __file__], "no data set can read"),
    ],
)
def test_what_is_broken_is_refused_by_name_in_one_line(words, text, site):
    assert_one_line(imbderm(*words, site=site), 2, text)


@pytest.mark.slow
def test_broken_plugins_leave_an_unrelated_run_working(site, tmp_path):
    words = ["run", "--preset", "smoke", "--set", "data.images=96", "--set", "train.updates=2"]
    done = imbderm(
        *words, "--json", "--out", str(tmp_path / "runs"), site=site,
        IMBDERM_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["components"]["loss"]["distribution"] == "imbalance-derm"


def test_doctor_tells_every_problem_and_where_parts_are(site):
    done = imbderm("plugins", "doctor", site=site)
    assert done.returncode == 1, done.stderr
    problems = [line for line in done.stdout.splitlines() if line.startswith("PROBLEM")]
    said = {
        "a_import_error": "no_such_module",
        "b_exits": "SystemExit",
        "c_hook_raises": "boom",
        "d_wrong_api": "upgrade imbalance-derm",
        "e_clash": "already provided by imbalance-derm",
        "f_missing_code": "no_such_code",
        "g_no_components": "not iterable",
        "h_losses": "'undescribed'",
        "i_data": "dataset 'lost'",
    }
    for name, text in said.items():
        (line,) = [line for line in problems if f" {name}: " in line]
        assert text in line
    assert len(problems) == len(said)
    (scalar,) = [line for line in done.stdout.splitlines() if line.split()[:2] == [*CHECKED]]
    assert scalar.split()[2:] == ["h_losses", "1.0", str(site / "h_code.py")]
    assert "Traceback" not in done.stdout + done.stderr


def test_doctor_finds_nothing_wrong_here():
    done = imbderm("plugins", "doctor")
    assert done.returncode == 0, done.stdout
    assert "problems: 0" in done.stdout
    assert str(Path("losses", "focal.py")) in done.stdout


def test_check_prints_what_fails_why_and_the_line_of_the_contract(site):
    done = imbderm("plugins", "check", *CHECKED, site=site)
    assert done.returncode == 1
    assert "FAILED  one_value_per_example: it returns shape () for 1 examples" in done.stdout
    assert "imbalance_derm/losses/contract.py:" in done.stdout
    assert ": Return one loss value per example." in done.stdout
    undescribed = imbderm("plugins", "check", "undescribed", site=site)
    assert undescribed.returncode == 1
    assert "its parameters cannot be described: NameError" in undescribed.stdout
    assert "Traceback" not in done.stderr + undescribed.stderr


def test_check_passes_what_is_sound_and_writes_json():
    done = imbderm("plugins", "check", "focal")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("loss focal: ")
    assert " 0 failed" in done.stdout
    findings = json.loads(imbderm("plugins", "check", "sampler", "shuffle", "--json").stdout)
    assert {finding["status"] for finding in findings} == {"passed"}


def test_what_cannot_be_checked_is_told():
    done = imbderm("plugins", "check", "isic2016")
    assert done.returncode == 0
    assert "NOT CHECKED  table_is_a_lesion_table" in done.stdout
    assert "--root" in done.stdout


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["focl"], "did you mean 'focal'"),
        (["los", "focal"], "did you mean 'loss'"),
        (["loss", "focl"], "did you mean 'focal'"),
        (["none"], "imbderm plugins check mixer none"),
        (["late"], "upgrade imbalance-derm"),
        (["loss", "late"], "skipped from d_wrong_api"),
        (["gone"], "cannot be imported"),
        (["loss", "a", "b"], "got 3 words"),
    ],
)
def test_check_of_what_is_not_there_says_so_in_one_line(words, text, site):
    assert_one_line(imbderm("plugins", "check", *words, site=site), 2, text)


def test_new_writes_a_package_and_says_what_to_do_next(tmp_path):
    done = imbderm("plugins", "new", "loss", "my-loss", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f"pip install -e {tmp_path / 'imbderm-my-loss'}" in done.stdout
    again = imbderm("plugins", "new", "loss", "my-loss", "--out", str(tmp_path))
    assert_one_line(again, 2, "is there already")
    spaced = imbderm("plugins", "new", "loss", "My loss", "--out", str(tmp_path))
    assert_one_line(spaced, 2, "cannot be the name of a part")


def test_commands_and_the_plugin_of_pytest_import_nothing_heavy():
    code = (
        "import sys, imbalance_derm.cli.plugins, imbalance_derm.testing.plugin;"
        "print([m for m in ('torch', 'pydantic', 'numpy', 'pytest') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""``imbderm synth`` as a user meets it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from .test_commands import assert_one_line, imbderm

TINY = ["--preset", "smoke", "--set", "data.images=96", "--set", "data.ratio=3",
        "--set", "train.updates=2", "--set", "train.threads=1"]  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_fit_sample_and_preview_share_one_fit(tmp_path, cache):
    words = ["--synth", "cyclegan", *TINY]
    first = imbderm("synth", "fit", *words, cache=cache)
    assert first.returncode == 0, first.stderr
    assert "Fitted: 4 steps" in first.stdout
    sampled = imbderm("synth", "sample", *words, "--out", str(tmp_path / "made"), cache=cache)
    assert sampled.returncode == 0, sampled.stderr
    assert "Fit synthesizer: found in the cache" in sampled.stderr
    rows = list(csv.DictReader((tmp_path / "made" / "manifest.csv").open()))
    assert f" {len(rows)} " in sampled.stdout
    drawn = imbderm("synth", "preview", *words, "--out", str(tmp_path / "p.png"), cache=cache)
    assert drawn.returncode == 0, drawn.stderr
    assert str(tmp_path / "p.png") in drawn.stdout.replace("\n", "")


def test_an_audit_with_seeds_leaves_a_page_and_its_figures(tmp_path, cache):
    words = ["--synth", "augment", "--seeds", "2", "--set", "backbone.frozen=true", *TINY]
    done = imbderm("synth", "audit", *words, "--out", str(tmp_path / "a"), cache=cache)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "a" / "audit.json").read_text())
    assert found["audit"]["extractor"].startswith("efficientnet_lite0")
    assert set(found["benefit"]["against"]) == {"none", "augment"}
    # The audited synthesizer is 'augment' itself: against its own twin nothing differs.
    same = found["benefit"]["against"]["augment"]["figures"]["auc"]["difference"]
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)
    page = (tmp_path / "a" / "audit.html").read_text()
    assert found["audit"]["extractor"].split(" ")[0] in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_bad_input_is_told_in_one_line(tmp_path):
    assert_one_line(imbderm("synth", "fit", *TINY), 2, "'none' makes nothing", "--synth NAME")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("a")
    done = imbderm("synth", "sample", "--synth", "augment", *TINY, "--out", str(tmp_path / "mine"))
    assert_one_line(done, 2, "is no export of ours")
    done = imbderm("synth", "fit", "--synth", "cyclegn", *TINY)
    assert_one_line(done, 2, "cyclegan")
    done = imbderm("synth", "fit", "--synth", "augment", "--set", "audit.extractor=resnt", *TINY)
    assert_one_line(done, 2, "resnt")

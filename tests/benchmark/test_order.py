"""What sets one method of a suite apart, against the comparisons done one by one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from scipy.stats import norm, t
from statsmodels.stats.multitest import multipletests

from imbalance_derm.evaluation.best_set import p_value
from imbalance_derm.evaluation.over_seeds import contrasts_over_seeds

AXES = {"synth": ["none", "smote", "cyclegan", "augment"], "loss": ["ce"]}
OTHERS = ("none", "smote", "augment")


@pytest.fixture(scope="module")
def order():
    path = Path(__file__).parents[2] / "benchmarks" / "order.py"
    spec = importlib.util.spec_from_file_location("order", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_differences_are_those_of_pairs_and_what_would_have_been_seen_is_of_the_family(
    order, suite
):
    suite.merits.update({"cyclegan": 2.0, "smote": 1.9, "none": 0.2})
    folder = suite.grid(AXES, (0, 1, 2)).close()
    by_protocol, updates = order.methods_of(folder, "synth", "loss")
    assert updates == {"ce": [800]}
    methods = by_protocol["ce"]
    said = order.compared(methods, "cyclegan", "auc")
    contrasts = {other: {"cyclegan": 1.0, other: -1.0} for other in OTHERS}
    every = contrasts_over_seeds(methods, contrasts, ["auc"])
    pairs = {other: every[other]["auc"] for other in OTHERS}
    adjusted = multipletests([p_value(pair) for pair in pairs.values()], method="holm")[1]
    sees = {}
    for (other, pair), p in zip(pairs.items(), adjusted, strict=True):
        found = said["cyclegan_minus"][other]
        assert found["difference"]["value"] == pytest.approx(pair.difference.value)
        assert found["difference"]["low"] == pytest.approx(pair.difference.low)
        assert found["p_holm"] == pytest.approx(p)
        assert found["detectable"] == pytest.approx(pair.detectable)
        error = (pair.lesion_error**2 + pair.seed_error**2) ** 0.5
        known = norm() if pair.freedom is None else t(pair.freedom)
        sees[other] = (known.ppf(1 - 0.05 / (2 * 3)) + known.ppf(0.8)) * error
        assert found["detectable_in_family"] == pytest.approx(sees[other])
    told = sum(p < 0.05 for p in adjusted)
    assert 0 < told < 3
    assert said["verdict"] == (
        f"{told} of the 3 differences of cyclegan from the others can be told from zero (Holm, "
        f"5 %); true differences of {min(sees.values()):.3f} to {max(sees.values()):.3f} would "
        "have been seen with a chance of 80 % each."
    )

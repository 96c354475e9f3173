"""The effect of one axis: means of pairs, what is left out, and evidence that is shared."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.axis_effect import Cell, axis_effect
from imbalance_derm.evaluation.decision import ARGMAX
from imbalance_derm.evaluation.over_seeds import contrasts_over_seeds, paired_over_seeds
from imbalance_derm.evaluation.predictions import Predictions

LABELS = np.repeat(np.arange(40) % 2, 2)
LESIONS = np.repeat(np.arange(40), 2).astype(str)
IDS = np.arange(80).astype(str)


def cell(rng, signal, seeds=3, **settings):
    said = []
    for _ in range(seeds):
        p = norm.cdf(signal * LABELS + np.repeat(rng.normal(size=40), 2) + rng.normal(size=80))
        said.append(Predictions(IDS, LESIONS, LABELS, np.stack([1 - p, p], 1), ("a", "b")))
    return Cell(settings, (said, [ARGMAX] * seeds))


def grid(seed=0):
    rng = np.random.default_rng(seed)
    return [
        cell(rng, signal, loss=loss, head=head)
        for loss, gain in (("ce", 0.5), ("focal", 1.5), ("ldam", 1.0))
        for head, signal in (("linear", gain), ("cosine", gain + 0.3))
    ]


def at(cells, **settings):
    return next(each.method for each in cells if each.settings == settings)


def test_the_effect_is_the_mean_of_the_pairs():
    cells = grid()
    found = axis_effect(cells, "loss", "focal", "ce", "auc", resamples=300, seed=2)
    assert list(found.by_pair) == ["head=linear", "head=cosine"]
    assert found.unpaired == ()
    values = []
    for head in ("linear", "cosine"):
        ours, theirs = (at(cells, loss=loss, head=head) for loss in ("focal", "ce"))
        direct = paired_over_seeds(*ours, *theirs, ["auc"], 300, 2)["auc"]
        assert found.by_pair[f"head={head}"] == direct
        values.append(direct.difference.value)
    mean = found.mean.difference
    assert mean.value == pytest.approx(np.mean(values))
    assert mean.low < mean.value < mean.high


def test_one_pair_is_the_paired_comparison():
    cells = [each for each in grid() if each.settings["head"] == "linear"]
    found = axis_effect(cells, "loss", "ldam", "ce", "brier", resamples=200)
    ours, theirs = (at(cells, loss=loss, head="linear") for loss in ("ldam", "ce"))
    assert found.mean == paired_over_seeds(*ours, *theirs, ["brier"], 200)["brier"]
    assert list(found.by_pair) == ["head=linear"]


def test_the_values_swapped_mirror_the_interval():
    cells = grid()
    ours = axis_effect(cells, "loss", "focal", "ce", "auc", resamples=300).mean.difference
    theirs = axis_effect(cells, "loss", "ce", "focal", "auc", resamples=300).mean.difference
    assert (ours.value, ours.low, ours.high) == pytest.approx(
        (-theirs.value, -theirs.high, -theirs.low)
    )


def test_the_same_pair_again_is_no_more_evidence():
    """Cells share their lesions and seeds; as independent ones they would halve the variance."""
    cells = [each for each in grid() if each.settings["head"] == "linear"]
    again = [Cell({**each.settings, "head": "twin"}, each.method) for each in cells]
    once = axis_effect(cells, "loss", "focal", "ce", "auc", resamples=200).mean
    twice = axis_effect([*cells, *again], "loss", "focal", "ce", "auc", resamples=200).mean
    assert twice.lesion_error == pytest.approx(once.lesion_error)
    assert twice.seed_error == pytest.approx(once.seed_error)
    assert twice.difference.low == pytest.approx(once.difference.low)


def test_cells_without_partner_are_named_and_left_out():
    cells = grid()
    missing = [c for c in cells if c.settings != {"loss": "ce", "head": "cosine"}]
    found = axis_effect(missing, "loss", "focal", "ce", "auc", resamples=200)
    assert found.unpaired == ("head=cosine",)
    assert list(found.by_pair) == ["head=linear"]
    assert found.mean == found.by_pair["head=linear"]


def test_contrasts_are_the_sums_that_they_name():
    methods = {str(i): each.method for i, each in enumerate(grid()[:3])}
    contrasts = {name: {name: 1.0} for name in methods} | {"c": {"0": 0.5, "1": 0.5, "2": -1.0}}
    found = contrasts_over_seeds(methods, contrasts, ["auc", "brier"], resamples=100)
    for metric in ("auc", "brier"):
        a, b, c = (found[name][metric].difference.value for name in methods)
        assert found["c"][metric].difference.value == pytest.approx((a + b) / 2 - c)


def test_what_is_no_grid_is_refused():
    cells = grid()

    def ask(given, axis="loss", value="focal", against="ce"):
        return axis_effect(given, axis, value, against, "auc", resamples=100)

    with pytest.raises(InputError, match="unknown axis 'mixer'; the grid has loss, head"):
        ask(cells, axis="mixer")
    with pytest.raises(InputError, match="cannot be compared with itself"):
        ask(cells, against="focal")
    with pytest.raises(InputError, match="no cell with loss=focal has a partner with loss=mse"):
        ask(cells, against="mse")
    with pytest.raises(InputError, match="two cells have loss=ce, head=linear"):
        ask([*cells, cells[0]])
    with pytest.raises(InputError, match="have the same axes, not loss, head and loss"):
        ask([*cells, Cell({"loss": "focal"}, cells[0].method)])

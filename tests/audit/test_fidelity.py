"""Fidelity of a class beside its floor: equal numbers, no sample beside its own lesion."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from imbalance_derm.audit import fidelity, inputs
from imbalance_derm.audit.fidelity import Fidelity, measure_fidelity
from imbalance_derm.audit.inputs import Made, Real, trace


def _measure(real: Real, made: Made, seed: int = 0) -> Fidelity:
    return measure_fidelity(real, made, trace(real, made), 0, seed)


def test_samples_of_the_same_distribution_lie_within_the_floor(make_real, make_made) -> None:
    rng = np.random.default_rng(0)
    found = _measure(make_real(rng.normal(size=(160, 5))), make_made(rng.normal(size=(160, 5))))
    for name, both in found.compared.items():
        assert both.floor.low <= both.made.mean <= both.floor.high, name
    assert found.kid.low < 0 < found.kid.high
    assert found.half == found.matched == 80


def test_kid_and_frechet_of_all_images_equal_torchmetrics(make_real, make_made) -> None:
    rng = np.random.default_rng(8)
    real, made = make_real(rng.normal(size=(50, 5))), make_made(rng.normal(size=(50, 5)) + 1)
    found = _measure(real, made)
    x, y = (torch.tensor(side.features, dtype=torch.float64) for side in (real, made))
    assert found.kid.value == pytest.approx(float(poly_mmd(x, y)), rel=1e-9)
    expected = _compute_fid(x.mean(0), torch.cov(x.T), y.mean(0), torch.cov(y.T))
    assert found.frechet == pytest.approx(float(expected), rel=1e-8)


@pytest.mark.parametrize(
    ("change", "worse"), [("shifted", "precision"), ("narrow", "recall"), ("narrow", "coverage")]
)
def test_wrong_distributions_leave_the_floor(make_real, make_made, change: str, worse: str) -> None:
    rng = np.random.default_rng(1)
    made = rng.normal(size=(160, 5))
    made = made + 2.5 if change == "shifted" else made * 0.05
    found = _measure(make_real(rng.normal(size=(160, 5))), make_made(made))
    assert found.compared[worse].made.high < found.compared[worse].floor.low
    assert found.kid.low > 0
    if change == "shifted":
        assert found.compared["frechet"].made.low > found.compared["frechet"].floor.high


def test_floor_is_that_of_halves_recomputed_by_hand(make_real, make_made) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    real, made = make_real(x), make_made(y)
    lesions = trace(real, made).lesions
    halves = list(fidelity._halves(lesions, np.zeros((40, 40), bool), (0, 0)))
    assert len(halves) == fidelity.SPLITS
    x, y = real.features.astype(float), made.features.astype(float)
    precision = []
    for a, b, _ in halves:
        radius = np.sort(cdist(x[a], x[a]), axis=1)[:, 5]
        precision.append((cdist(x[a], x[b]) < radius[:, None]).any(axis=0).mean())
    floor = _measure(real, made).compared["precision"].floor
    assert (floor.mean, floor.low, floor.high) == pytest.approx(
        (np.mean(precision), min(precision), max(precision))
    )


def test_halves_share_no_lesion_and_no_sample_of_it() -> None:
    rng = np.random.default_rng(3)
    lesions = rng.integers(25, size=90)
    related = rng.random((90, 60)) < 0
    made_of = rng.integers(25, size=60)
    related |= lesions[:, None] == made_of
    halves = list(fidelity._halves(lesions, related, (0, 0)))
    assert len(halves) == fidelity.SPLITS
    for a, b, chosen in halves:
        assert not set(lesions[a]) & set(lesions[b])
        assert not set(lesions[a]) & set(made_of[chosen])
        assert len(b) == len(chosen)
        assert 20 <= len(a) <= 45


def test_exact_duplicates_are_no_better_than_real_images(make_real, make_made) -> None:
    # They lie at distance 0 from their sources; beside other lesions they are plain real images.
    x = np.random.default_rng(4).normal(size=(120, 4))
    found = _measure(make_real(x), make_made(x, sources=[(row,) for row in range(120)]))
    assert found.kid.value == pytest.approx(0, abs=1e-9)
    for name, both in found.compared.items():
        assert both.made.mean == pytest.approx(both.floor.mean, abs=0.02), name


def test_frechet_is_refused_with_its_reason(make_real, make_made) -> None:
    rng = np.random.default_rng(5)
    found = _measure(make_real(rng.normal(size=(30, 30))), make_made(rng.normal(size=(50, 30))))
    assert found.frechet is None
    assert "30 images on the smaller side and 30 features" in found.missing["frechet"]
    assert "frechet" not in found.compared
    found = _measure(make_real(rng.normal(size=(40, 30))), make_made(rng.normal(size=(50, 30))))
    assert found.frechet is not None
    assert "halves" in found.missing["frechet_floor"]


@pytest.mark.parametrize("count", [0, 1, 8])
def test_small_classes_say_why_figures_are_missing(make_real, make_made, count: int) -> None:
    rng = np.random.default_rng(6)
    labels = np.repeat([0, 1], [count, 20])
    real = make_real(rng.normal(size=(count + 20, 3)), labels)
    found = _measure(real, make_made(rng.normal(size=(30, 3))))
    assert found.compared == {}
    assert f"{count} real images" in found.missing["compared"]
    assert (found.kid is None) == (count < 2)
    assert ("kid" in found.missing) == (count < 2)


def test_large_classes_are_capped(make_real, make_made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs.draw, "__defaults__", (20,))
    rng = np.random.default_rng(7)
    real, made = make_real(rng.normal(size=(50, 3))), make_made(rng.normal(size=(19, 3)))
    found = _measure(real, made)
    assert (found.real, found.made) == (20, 19)
    assert _measure(real, made) == found
    assert _measure(real, made, seed=1) != found

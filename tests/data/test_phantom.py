"""The phantom: deterministic, imbalanced as asked, its classes different but overlapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import label as components
from scipy.stats import norm, spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score

from imbalance_derm.data.checks import check_table
from imbalance_derm.data.phantom.lesion import draw_traits
from imbalance_derm.data.phantom.profiles import (
    SITES,
    class_list,
    class_mean,
    site_probabilities,
)
from imbalance_derm.data.phantom.render import lesion_mask, render
from imbalance_derm.data.phantom.shot import Shot
from imbalance_derm.data.sources.phantom import Phantom
from imbalance_derm.data.splits import partition
from imbalance_derm.registry.parameters import create

SHOT = Shot(3, 7, 5, 0, "malignant", "back", 2.6, 64)


def test_same_reference_same_pixels_in_any_order() -> None:
    dataset = Phantom(images=24, resolution=32)
    sources = dataset.table(None)["source"].tolist()
    forward = [dataset.read(source) for source in sources]
    backward = [dataset.read(source) for source in reversed(sources)][::-1]
    np.testing.assert_array_equal(forward, backward)
    assert len({image.tobytes() for image in forward}) == len(sources)
    assert forward[0].shape == (32, 32, 3)
    assert forward[0].dtype == np.uint8


def test_seed_decides() -> None:
    tables = [Phantom(images=40, seed=seed).table(None) for seed in (1, 1, 2)]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert tables[0]["source"].tolist() != tables[2]["source"].tolist()
    assert (render(SHOT) != render(replace(SHOT, seed=4))).any()


def test_digest_follows_the_reference() -> None:
    dataset = Phantom(images=24)
    sources = dataset.table(None)["source"]
    assert len({dataset.digest(source) for source in sources}) == len(sources)
    assert dataset.digest(sources[0]) == Phantom(images=99).digest(sources[0])


def test_counts_follow_the_ratio() -> None:
    two = Phantom(images=1100, ratio=10).table(None)["label"].value_counts().to_dict()
    assert two == {"benign": 1000, "malignant": 100}
    seven = Phantom(images=3000, ratio=50, classes=7).table(None)["label"].value_counts()
    assert seven.index.tolist() == list(class_list(7))
    assert seven.sum() == 3000
    assert seven.iloc[0] / seven.iloc[-1] == pytest.approx(50, rel=0.05)
    steps = seven.to_numpy()[:-1] / seven.to_numpy()[1:]
    np.testing.assert_allclose(steps, 50 ** (1 / 6), rtol=0.05)


def test_lesions_patients_and_missing_sites() -> None:
    table = Phantom(images=3000, ratio=6).table(None)
    assert table["image"].is_unique
    assert table.groupby("lesion")[["label", "patient", "source"]].nunique()["label"].max() == 1
    assert table.groupby("lesion")["patient"].nunique().max() == 1
    assert table.groupby("lesion").size().max() > 1
    assert table.groupby("patient")["lesion"].nunique().max() > 1
    lesions = table.drop_duplicates("lesion")
    share = lesions["site"].isna().mean()
    error = 4 * np.sqrt(0.1 * 0.9 / len(lesions))
    assert share == pytest.approx(0.1, abs=error)
    assert Phantom(images=60, missing_sites=0.0).table(None)["site"].notna().all()
    assert Phantom(images=60, missing_sites=1.0).table(None)["site"].isna().all()


def test_site_goes_with_the_class() -> None:
    table = Phantom(images=6000, ratio=1, missing_sites=0.0).table(None)
    lesions = table.drop_duplicates("lesion")
    rng = np.random.default_rng(0)
    found = mutual_info_score(lesions["label"], lesions["site"])
    chance = [
        mutual_info_score(rng.permutation(lesions["label"]), lesions["site"]) for _ in range(50)
    ]
    assert found > 3 * max(chance)
    for name in class_list(7):
        assert site_probabilities(name).sum() == pytest.approx(1)
        assert site_probabilities(name).min() > 0


def test_site_shows_on_the_skin() -> None:
    def skin(site: str) -> np.ndarray:
        shots = (replace(SHOT, lesion=i, patient=i, site=site) for i in range(25))
        return np.stack([render(shot)[~lesion_mask(shot)].mean(axis=0) for shot in shots])

    # The same patients and lesions: only what the site adds differs. Faces are redder.
    face, abdomen = skin("face"), skin("abdomen")
    redness = (face[:, 0] - face[:, 1]) - (abdomen[:, 0] - abdomen[:, 1])
    assert redness.mean() > 4
    assert len(SITES) > 3


def test_views_of_a_lesion_are_alike_but_not_equal() -> None:
    def lesion_colour(shot: Shot) -> np.ndarray:
        return render(shot)[lesion_mask(shot)].mean(axis=0)

    lesions = [replace(SHOT, lesion=i, patient=i, label="benign") for i in range(24)]
    within = [np.abs(lesion_colour(s) - lesion_colour(replace(s, view=1))).mean() for s in lesions]
    between = [np.abs(lesion_colour(a) - lesion_colour(b)).mean() for a, b in pairwise(lesions)]
    assert np.mean(within) < 0.7 * np.mean(between)
    assert all((render(s) != render(replace(s, view=1))).mean() > 0.5 for s in lesions)


def test_mask_covers_the_darker_part() -> None:
    darker, shares = 0, []
    for i in range(30):
        shot = replace(SHOT, lesion=i, label="benign")
        mask, grey = lesion_mask(shot), render(shot).mean(axis=2)
        assert mask.shape == (64, 64)
        assert mask.dtype == bool
        shares.append(mask.mean())
        middle = np.hypot(*np.meshgrid(*[np.linspace(-1, 1, 64)] * 2)) < 0.95
        darker += grey[mask].mean() < grey[middle & ~mask].mean() - 8
        # One lesion: nearly all of the mask hangs together.
        parts, count = components(mask)
        assert np.bincount(parts.ravel())[1:].max() > 0.95 * mask.sum() or count == 1
    assert darker >= 28
    assert 0.03 < min(shares) < max(shares) < 0.8


def asymmetry(mask: np.ndarray) -> float:
    """Share of a mask that has no counterpart when folded over its own principal axes."""
    y, x = np.nonzero(mask)
    points = np.stack([x - x.mean(), y - y.mean()])
    axes = np.linalg.eigh(np.cov(points))[1]
    along = axes.T @ points
    cells = {tuple(cell) for cell in np.round(along.T / 2).astype(int)}
    return min(
        sum((sx * a, sy * b) not in cells for a, b in cells) / len(cells)
        for sx, sy in ((1, -1), (-1, 1))
    )


def compactness(mask: np.ndarray) -> float:
    """Squared perimeter to area: least for a disc."""
    edge = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    return edge**2 / mask.sum()


@pytest.mark.parametrize("measure", [asymmetry, compactness, np.mean])
def test_masks_of_the_classes_differ_but_overlap(
    measure: Callable[[np.ndarray], float],
) -> None:
    def values(label: str, start: int) -> np.ndarray:
        shots = (replace(SHOT, lesion=start + i, label=label) for i in range(120))
        return np.array([measure(lesion_mask(shot)) for shot in shots])

    benign, malignant = values("benign", 0), values("malignant", 1000)
    auc = roc_auc_score([0] * 120 + [1] * 120, np.concatenate([benign, malignant]))
    assert 0.58 < auc < 0.9


@pytest.mark.parametrize(
    ("criterion", "measure"),
    [("asymmetry", asymmetry), ("border", compactness), ("diameter", np.mean)],
)
def test_criterion_shows_on_the_mask(
    criterion: str, measure: Callable[[np.ndarray], float]
) -> None:
    shots = [replace(SHOT, lesion=i) for i in range(150)]
    drawn = [draw_traits(s.lesion_random(), s.label, s.separation).criteria for s in shots]
    measured = [measure(lesion_mask(shot)) for shot in shots]
    rho = {name: spearmanr([c[name] for c in drawn], measured).statistic for name in drawn[0]}
    assert max(rho, key=lambda name: rho[name]) == criterion
    assert rho[criterion] > 0.35


def test_best_possible_auc_is_the_one_that_the_docs_state() -> None:
    separation = 2.6
    names = ("benign", "malignant")
    assert np.linalg.norm(class_mean("malignant", separation)) == pytest.approx(separation)
    rng = np.random.default_rng(0)
    criteria = {
        name: np.array(
            [list(draw_traits(rng, name, separation).criteria.values()) for _ in range(3000)]
        )
        for name in names
    }
    x = np.concatenate([criteria[name] for name in names])
    z = np.log(x / (1 - x))  # undoes the squashing up to scale: normal again
    y = np.repeat([0, 1], 3000)
    order = rng.permutation(6000)
    half = order[:3000], order[3000:]
    model = LogisticRegression(C=1e6, max_iter=1000).fit(z[half[0]], y[half[0]])
    auc = roc_auc_score(y[half[1]], model.decision_function(z[half[1]]))
    assert auc == pytest.approx(norm.cdf(separation / np.sqrt(2)), abs=0.01)


def test_every_class_lies_at_the_same_distance_from_the_first() -> None:
    first = class_mean("nevus", 2.0)
    for name in class_list(7)[1:]:
        assert np.linalg.norm(class_mean(name, 2.0) - first) == pytest.approx(2.0)


@pytest.mark.parametrize("preset", ["smoke", "demo"])
def test_presets_can_be_split_and_have_parameters_of_the_data_set(preset: str) -> None:
    values = dict(Phantom.presets[preset])
    size = values.pop("image_size")
    dataset = create("dataset", "phantom", values)
    assert dataset.resolution >= size
    table = dataset.table(None)
    checked = check_table(dataset, table, skip_bad=False)
    assert len(checked.table) == dataset.images
    parts = partition(checked.table, 0.15, 0.2, 0)
    assert (parts.validation["label"] == "malignant").sum() >= 5
    assert dataset.positive == "malignant"
    assert "not clinical evidence" in dataset.notice

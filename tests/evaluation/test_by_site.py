"""Figures by body site against scikit-learn on the images of the site."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.by_site import evaluate_by_site
from imbalance_derm.evaluation.decision import ARGMAX, Decision
from imbalance_derm.evaluation.intervals import wilson
from imbalance_derm.evaluation.predictions import Predictions

NAMES = ("back", "ear", "face", "leg")
AT = Decision("threshold", 0.35, "youden", "validation")


def sites_of(said: Predictions, seed: int = 0) -> np.ndarray:
    """Draw one site per lesion: never the second, and some missing."""
    _, lesion_of = np.unique(said.lesion_ids, return_inverse=True)
    drawn = np.random.default_rng(seed).choice([-1, 0, 2, 3], size=lesion_of.max() + 1)
    return drawn[lesion_of]


def test_figures_of_two_classes_equal_sklearn(make_predictions) -> None:
    said = make_predictions(0, counts=(90, 45), photographs=2)
    sites = sites_of(said)
    found = evaluate_by_site(said, sites, NAMES, AT, resamples=50)
    assert [each.site for each in found] == ["back", "face", "leg"]
    for each in found:
        at = sites == NAMES.index(each.site)
        labels, score = said.labels[at], said.probabilities[at, 1]
        decided = (score >= 0.35).astype(int)
        assert each.images == at.sum() == 2 * each.lesions
        assert each.auc.value == pytest.approx(sk.roc_auc_score(labels, score))
        expected = sk.balanced_accuracy_score(labels, decided)
        assert each.balanced_accuracy.value == pytest.approx(expected)
        recalls = sk.recall_score(labels, decided, average=None)
        values = [each.sensitivity[name].value for name in ("a", "b")]
        assert values == pytest.approx(recalls.tolist())


def test_figures_of_more_classes_equal_sklearn(make_predictions) -> None:
    said = make_predictions(1, counts=(80, 50, 30))
    sites = sites_of(said)
    for each in evaluate_by_site(said, sites, NAMES, ARGMAX, resamples=50):
        at = sites == NAMES.index(each.site)
        labels, p = said.labels[at], said.probabilities[at]
        macro = sk.roc_auc_score(np.eye(3)[labels], p, average="macro")
        assert each.auc.value == pytest.approx(macro)
        recalls = sk.recall_score(labels, p.argmax(axis=1), average=None)
        assert [f.value for f in each.sensitivity.values()] == pytest.approx(recalls.tolist())
        assert each.balanced_accuracy.value == pytest.approx(recalls.mean())


def test_intervals_draw_the_lesions_of_the_site(make_predictions) -> None:
    said = make_predictions(2, counts=(60, 40), photographs=2)
    sites = sites_of(said)
    found = evaluate_by_site(said, sites, NAMES, AT, resamples=80, seed=4)[0]
    at = sites == 0
    labels, score = said.labels[at], said.probabilities[at, 1]
    names, lesion_of = np.unique(said.lesion_ids[at], return_inverse=True)
    rng = np.random.default_rng(4)
    draws: dict[str, list[float]] = {"auc": [], "balanced_accuracy": [], "b": []}
    for _ in range(80):
        drawn = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        weight, decided = drawn[lesion_of], score >= 0.35
        draws["auc"].append(sk.roc_auc_score(labels, score, sample_weight=weight))
        recalls = sk.recall_score(labels, decided, average=None, sample_weight=weight)
        draws["balanced_accuracy"].append(recalls.mean())
        draws["b"].append(recalls[1])
    figures = (found.auc, found.balanced_accuracy, found.sensitivity["b"])
    for figure, values in zip(figures, draws.values(), strict=True):
        expected = np.quantile(values, [0.025, 0.975])
        assert (figure.low, figure.high) == pytest.approx(tuple(expected))


def test_perfect_sensitivity_at_a_small_site_has_an_open_interval(make_predictions) -> None:
    said = make_predictions(3, counts=(20, 6))
    everything = replace(AT, threshold=0.0)
    found = evaluate_by_site(said, np.zeros(26, int), ("back",), everything, resamples=50)[0]
    figure = found.sensitivity["b"]
    assert (figure.value, figure.low, figure.high) == pytest.approx((1.0, *wilson(6, 6)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("counts", [(30, 20), (30, 20, 10)])
def test_a_site_that_lacks_a_class_has_no_figure_over_all(make_predictions, counts) -> None:
    said = make_predictions(4, counts=counts)
    sites = np.where(said.labels == 0, 1, 0)
    sites[np.flatnonzero(said.labels == 0)[0]] = 2  # one image of one class
    ears, faces = evaluate_by_site(said, sites, NAMES, ARGMAX, resamples=50)[1:]
    for each, images in ((ears, 29), (faces, 1)):
        assert each.images == each.lesions == images
        assert list(each.sensitivity) == ["a"]
        assert each.sensitivity["a"].low is not None
        for figure in (each.auc, each.balanced_accuracy):
            assert np.isnan(figure.value)
            assert (figure.low, figure.high) == (None, None)


def test_images_of_missing_site_count_nowhere(make_predictions) -> None:
    said = make_predictions(5)
    assert evaluate_by_site(said, np.full(85, -1), NAMES, AT) == []
    sites = sites_of(said)
    found = evaluate_by_site(said, sites, NAMES, AT, resamples=50)
    assert sum(each.images for each in found) == (sites >= 0).sum() < 85


@pytest.mark.parametrize("sites", [np.zeros(84, int), np.full(85, 4), np.full(85, -2)])
def test_wrong_sites_are_told(make_predictions, sites: np.ndarray) -> None:
    with pytest.raises(InputError, match="85 images and 4 site names"):
        evaluate_by_site(make_predictions(6), sites, NAMES, AT)

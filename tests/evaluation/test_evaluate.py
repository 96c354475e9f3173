"""The evaluation as a whole against scikit-learn, and which interval stands where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from isic_challenge_scoring.classification import ClassificationMetric, ClassificationScore
from sklearn import metrics as sk

from imbalance_derm.errors import InputError, RunError
from imbalance_derm.evaluation.comparison import paired_difference
from imbalance_derm.evaluation.decision import ARGMAX, Decision, decide
from imbalance_derm.evaluation.evaluate import evaluate, monitor
from imbalance_derm.evaluation.intervals import wilson

PLAIN = {
    "auc", "average_precision", "accuracy", "balanced_accuracy", "sensitivity", "specificity",
    "ppv", "npv", "f1", "mcc", "sensitivity_at_95_specificity", "specificity_at_95_sensitivity",
    "brier", "ece",
}  # fmt: skip
AT = Decision("threshold", 0.4, "youden", "validation")


def test_binary_figures_are_those_of_the_positive_class(make_predictions) -> None:
    said = make_predictions(1)
    found = evaluate(said, AT, resamples=200)
    labels, score = said.labels, said.probabilities[:, 1]
    decided = (score >= 0.4).astype(int)
    assert set(found.figures) == PLAIN
    assert found.confusion == sk.confusion_matrix(labels, decided).tolist()
    expected = {
        "auc": sk.roc_auc_score(labels, score),
        "average_precision": sk.average_precision_score(labels, score),
        "accuracy": sk.accuracy_score(labels, decided),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, decided),
        "sensitivity": sk.recall_score(labels, decided),
        "specificity": sk.recall_score(labels, decided, pos_label=0),
        "ppv": sk.precision_score(labels, decided),
        "npv": sk.precision_score(labels, decided, pos_label=0),
        "f1": sk.f1_score(labels, decided),
        "mcc": sk.matthews_corrcoef(labels, decided),
        "brier": sk.brier_score_loss(labels, score),
    }
    for name, value in expected.items():
        assert found.figures[name].value == pytest.approx(value), name


@pytest.mark.parametrize("decimals", [None, 1])
def test_multiclass_figures_are_macro_averages(make_predictions, decimals: int | None) -> None:
    said = make_predictions(2, counts=(40, 25, 15, 12), decimals=decimals)
    found = evaluate(said, ARGMAX, resamples=100)
    labels, p = said.labels, said.probabilities
    decided = p.argmax(axis=1)
    one_hot = np.eye(4)[labels]
    expected = {
        "auc": sk.roc_auc_score(one_hot, p, average="macro"),
        "average_precision": sk.average_precision_score(one_hot, p, average="macro"),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, decided),
        "sensitivity": sk.recall_score(labels, decided, average="macro"),
        "ppv": sk.precision_score(labels, decided, average="macro"),
        "f1": sk.f1_score(labels, decided, average="macro"),
        "mcc": sk.matthews_corrcoef(labels, decided),
        "auc/c": sk.roc_auc_score(labels == 2, p[:, 2]),
        "average_precision/c": sk.average_precision_score(labels == 2, p[:, 2]),
        "sensitivity/c": sk.recall_score(labels == 2, decided == 2),
        "specificity/c": sk.recall_score(labels != 2, decided != 2),
        "ppv/c": sk.precision_score(labels == 2, decided == 2),
        "npv/c": sk.precision_score(labels != 2, decided != 2),
        "f1/c": sk.f1_score(labels == 2, decided == 2),
    }
    for name, value in expected.items():
        assert found.figures[name].value == pytest.approx(value), name
    assert set(found.figures) >= PLAIN
    for name in ("specificity", "npv", "sensitivity_at_95_specificity"):
        mean = np.mean([found.figures[f"{name}/{label}"].value for label in said.classes])
        assert found.figures[name].value == pytest.approx(mean)


def test_equal_to_the_isic_challenge_scorer(make_predictions) -> None:
    """Task 3 of 2018 (balanced accuracy, AUC) and part 3 of 2016 (average precision)."""
    said = make_predictions(3, counts=(60, 30, 20, 12, 10, 9, 8), signal=2.0)
    names = list(said.classes)
    truth = pd.DataFrame(np.eye(7)[said.labels], index=said.image_ids, columns=names)
    predicted = pd.DataFrame(said.probabilities, index=said.image_ids, columns=names)
    weights = pd.DataFrame(1.0, index=said.image_ids, columns=["score_weight", "validation_weight"])
    score = ClassificationScore(truth, predicted, weights, ClassificationMetric.BALANCED_ACCURACY)
    figures = evaluate(said, ARGMAX, resamples=100).figures
    assert figures["balanced_accuracy"].value == pytest.approx(score.overall)
    assert figures["auc"].value == pytest.approx(score.macro_average["auc"])
    assert figures["average_precision"].value == pytest.approx(score.macro_average["ap"])
    for name in names:
        assert figures[f"auc/{name}"].value == pytest.approx(score.per_category.at[name, "auc"])
    # The scorer's per-class decisions are at 0.5; in two classes that is a threshold of ours.
    binary = make_predictions(4)
    two = list(binary.classes)
    truth = pd.DataFrame(np.eye(2)[binary.labels], index=binary.image_ids, columns=two)
    predicted = pd.DataFrame(binary.probabilities, index=binary.image_ids, columns=two)
    weights = pd.DataFrame(1.0, index=binary.image_ids, columns=weights.columns)
    score = ClassificationScore(truth, predicted, weights, ClassificationMetric.AVERAGE_PRECISION)
    figures = evaluate(binary, replace(AT, threshold=0.5), resamples=100).figures
    theirs = {"ap": "average_precision"} | {
        name: name for name in ("accuracy", "sensitivity", "specificity", "ppv", "npv", "auc")
    }
    for their_name, name in theirs.items():
        expected = score.per_category.at[two[1], their_name]
        assert figures[name].value == pytest.approx(expected), name


@pytest.mark.parametrize("counts", [(60, 25), (40, 30, 20)])
@pytest.mark.parametrize("photographs", [1, 3])
def test_every_figure_has_an_interval(make_predictions, counts, photographs: int) -> None:
    said = make_predictions(6, counts=counts, photographs=photographs)
    for name, figure in evaluate(said, ARGMAX, resamples=300).figures.items():
        assert figure.low is not None, name
        assert figure.low < figure.high, name
        if name != "ece":  # draws of it lie above its value, as its docstring says
            assert figure.low <= figure.value <= figure.high, name


def test_proportions_have_wilsons_interval_where_images_are_lesions(make_predictions) -> None:
    said = make_predictions(7)
    found = evaluate(said, AT, resamples=100)
    (tn, fp), (fn, tp) = found.confusion
    counts = {
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
        "accuracy": (tp + tn, 85),
    }
    for name, (k, n) in counts.items():
        figure = found.figures[name]
        assert figure.value == pytest.approx(k / n)
        assert (figure.low, figure.high) == pytest.approx(wilson(k, n))


def test_photographs_of_one_lesion_do_not_narrow_an_interval(make_predictions) -> None:
    once = make_predictions(8)
    rows = np.repeat(np.arange(85), 6)
    copies = replace(
        once,
        image_ids=np.array([f"copy{i}" for i in range(len(rows))]),
        lesion_ids=once.lesion_ids[rows],
        labels=once.labels[rows],
        probabilities=once.probabilities[rows],
    )
    one, six = (evaluate(said, AT, resamples=1000).figures for said in (once, copies))
    for name in ("auc", "balanced_accuracy", "mcc", "brier"):
        assert (six[name].low, six[name].high) == pytest.approx((one[name].low, one[name].high))
    width = [f["sensitivity"].high - f["sensitivity"].low for f in (one, six)]
    assert width[1] == pytest.approx(width[0], rel=0.15)


def test_perfect_proportion_of_photographed_lesions_still_has_an_open_interval(
    make_predictions,
) -> None:
    said = make_predictions(9, counts=(30, 10), photographs=2)
    everything = replace(AT, threshold=0.0)
    figures = evaluate(said, everything, resamples=200).figures
    sensitivity, specificity = figures["sensitivity"], figures["specificity"]
    assert (sensitivity.value, sensitivity.low, sensitivity.high) == pytest.approx(
        (1.0, *wilson(10, 10))
    )
    assert (specificity.value, specificity.low, specificity.high) == pytest.approx(
        (0.0, *wilson(0, 30))
    )


def test_what_has_no_figure_or_no_interval_says_so(make_predictions) -> None:
    said = make_predictions(10, counts=(30, 20, 1))
    probabilities = said.probabilities.copy()
    probabilities[:, 2] = 0.0  # class c has one lesion and is never decided
    figures = evaluate(replace(said, probabilities=probabilities), ARGMAX, resamples=400).figures
    assert np.isnan(figures["ppv/c"].value)
    assert (figures["ppv/c"].low, figures["ppv/c"].high) == (None, None)
    assert (figures["auc/c"].low, figures["auc/c"].high) == (None, None)
    assert figures["auc/a"].low is not None


def test_same_seed_same_figures(make_predictions) -> None:
    said = make_predictions(11)
    first, again, other = (evaluate(said, AT, resamples=200, seed=s).figures for s in (0, 0, 1))
    assert first == again
    assert first["auc"].low != other["auc"].low


def test_nothing_to_evaluate_is_told(make_predictions) -> None:
    said = make_predictions(12)
    empty = replace(said, labels=said.labels[:0], probabilities=said.probabilities[:0])
    with pytest.raises(RunError, match="no image"):
        evaluate(empty, AT)


@pytest.mark.parametrize("counts", [(60, 25), (40, 30, 20)])
def test_monitor_equals_sklearn(make_predictions, counts: tuple[int, ...]) -> None:
    said = make_predictions(13, counts=counts)
    labels, p = said.labels, said.probabilities
    score = p[:, 1] if len(counts) == 2 else p
    truth = labels if len(counts) == 2 else np.eye(len(counts))[labels]
    assert monitor(said, "loss") == pytest.approx(sk.log_loss(labels, p))
    assert monitor(said, "auc") == pytest.approx(sk.roc_auc_score(truth, score))
    assert monitor(said, "average_precision") == pytest.approx(
        sk.average_precision_score(truth, score)
    )
    assert monitor(said, "balanced_accuracy") == pytest.approx(
        sk.balanced_accuracy_score(labels, p.argmax(axis=1))
    )


@pytest.mark.parametrize("name", ["auc", "average_precision", "balanced_accuracy", "loss"])
def test_monitor_of_a_diverged_model_is_nan(make_predictions, name) -> None:
    said = make_predictions(14)
    probabilities = said.probabilities.copy()
    probabilities[3] = np.nan
    assert np.isnan(monitor(replace(said, probabilities=probabilities), name))


def test_paired_difference_is_narrower_than_its_parts(make_predictions) -> None:
    said = make_predictions(15, counts=(120, 60))
    shift = 0.02 * np.random.default_rng(0).normal(size=180)
    other = replace(said, probabilities=said.probabilities + np.stack([-shift, shift], axis=1))
    difference = paired_difference(said, ARGMAX, other, AT, resamples=150)
    first, second = evaluate(said, ARGMAX, resamples=150), evaluate(other, AT, resamples=150)
    for name, figure in difference.items():
        value = first.figures[name].value - second.figures[name].value
        assert figure.value == pytest.approx(value), name
    width = difference["auc"].high - difference["auc"].low
    assert width < 0.5 * (first.figures["auc"].high - first.figures["auc"].low)
    # The pairing itself: the difference of every draw, by the same seed.
    labels, lesions = said.labels, said.lesion_ids
    names, lesion_of = np.unique(lesions, return_inverse=True)
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(150):
        weight = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        given = {"sample_weight": weight[lesion_of]}
        draws.append(
            sk.roc_auc_score(labels, said.probabilities[:, 1], **given)
            - sk.roc_auc_score(labels, other.probabilities[:, 1], **given)
        )
    expected = np.quantile(draws, [0.025, 0.975])
    assert (difference["auc"].low, difference["auc"].high) == pytest.approx(tuple(expected))


def test_a_model_does_not_differ_from_itself(make_predictions) -> None:
    said = make_predictions(16, counts=(40, 30, 20))
    for figure in paired_difference(said, ARGMAX, said, ARGMAX, resamples=100).values():
        assert (figure.value, figure.low, figure.high) == (0.0, 0.0, 0.0)


def test_only_the_same_images_can_be_paired(make_predictions) -> None:
    said = make_predictions(17)
    other = replace(said, image_ids=said.image_ids[::-1])
    with pytest.raises(InputError, match="differ in image ids"):
        paired_difference(said, AT, other, AT)


def test_decisions_enter_where_they_should(make_predictions) -> None:
    """A threshold moves decisions and nothing that is read off the scores."""
    said = make_predictions(18)
    low, high = (evaluate(said, replace(AT, threshold=t), resamples=100) for t in (0.2, 0.8))
    assert decide(said, replace(AT, threshold=0.2)).sum() > 0
    same = {name for name in PLAIN if low.figures[name].value == high.figures[name].value}
    assert same == {
        "auc", "average_precision", "sensitivity_at_95_specificity",
        "specificity_at_95_sensitivity", "brier", "ece",
    }  # fmt: skip

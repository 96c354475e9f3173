"""The decision rule against an exhaustive search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imbalance_derm.errors import InputError, RunError
from imbalance_derm.evaluation.decision import ARGMAX, Decision, choose_decision, decide
from imbalance_derm.evaluation.predictions import Predictions


def _binary(labels: list[int], scores: list[float]) -> Predictions:
    ids = np.array([str(i) for i in range(len(labels))])
    p = np.array(scores)
    probabilities = np.stack([1 - p, p], axis=1)
    return Predictions(ids, ids, np.array(labels), probabilities, ("benign", "malignant"))


@pytest.mark.parametrize("decimals", [1, 2, None])
@pytest.mark.parametrize("seed", range(10))
def test_threshold_is_the_best_of_all(make_predictions, seed: int, decimals: int | None) -> None:
    validation = make_predictions(seed, counts=(35, 12), decimals=decimals)
    decision = choose_decision(validation)
    scores, positive = validation.probabilities[:, 1], validation.labels == 1

    def merit(threshold: float) -> float:
        decided = scores >= threshold
        return (decided[positive].mean() + (~decided[~positive]).mean()) / 2

    candidates = [-1.0, *scores, 2.0]
    best = max(merit(threshold) for threshold in candidates)
    assert merit(decision.threshold) == pytest.approx(best)
    # Midway between two neighbouring scores, and no lower threshold is as good.
    below, above = scores[scores < decision.threshold], scores[scores >= decision.threshold]
    assert decision.threshold == pytest.approx((below.max() + above.min()) / 2)
    assert all(merit(threshold) < best - 1e-12 for threshold in [-1.0, *below])


def test_of_equally_good_thresholds_the_lowest_misses_fewest_positives() -> None:
    # Thresholds 0.35 and 0.65 both reach a balanced accuracy of 0.75.
    validation = _binary([0, 1, 0, 1], [0.2, 0.5, 0.6, 0.7])
    assert choose_decision(validation).threshold == pytest.approx(0.35)


def test_neighbouring_floats_are_still_separated() -> None:
    low = 0.5
    high = float(np.nextafter(low, 1))
    validation = _binary([0, 0, 1, 1], [0.1, low, high, 0.9])
    assert decide(validation, choose_decision(validation)).tolist() == [0, 0, 1, 1]


def test_decision_on_other_images_uses_the_threshold_as_it_is() -> None:
    decision = Decision("threshold", 0.3, "youden", "validation")
    test = _binary([0, 0, 0], [0.29, 0.3, 0.31])
    assert decide(test, decision).tolist() == [0, 1, 1]


def test_more_classes_take_the_most_likely(make_predictions) -> None:
    validation = make_predictions(0, counts=(10, 10, 10))
    decision = choose_decision(validation)
    assert decision == ARGMAX
    assert decision.threshold is None
    expected = [max(range(3), key=row.__getitem__) for row in validation.probabilities.tolist()]
    assert decide(validation, decision).tolist() == expected


def test_argmax_can_be_asked_for(make_predictions) -> None:
    validation = make_predictions(0)
    assert choose_decision(validation, "argmax") == ARGMAX


@pytest.mark.parametrize("target", [0.1, 0.5, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("decimals", [1, 2, None])
@pytest.mark.parametrize("seed", range(5))
def test_highest_threshold_that_reaches_the_sensitivity(
    make_predictions, seed: int, decimals: int | None, target: float
) -> None:
    validation = make_predictions(seed, counts=(35, 13), decimals=decimals)
    decision = choose_decision(validation, "sensitivity", target)
    assert (decision.rule, decision.criterion) == ("threshold", "sensitivity")
    assert decision.chosen_on == "validation"
    scores, positive = validation.probabilities[:, 1], validation.labels == 1

    def sensitivity(threshold: float) -> float:
        return (scores >= threshold)[positive].mean()

    # Deciding differs only at the scores themselves; the highest that reaches the target.
    reaching = [threshold for threshold in scores if sensitivity(threshold) >= target]
    np.testing.assert_array_equal(decide(validation, decision) == 1, scores >= max(reaching))
    below = [score for score in scores if score < max(reaching)]
    expected = (max(reaching) + max(below, default=0.0)) / 2
    assert decision.threshold == pytest.approx(expected)


def test_sensitivity_of_a_whole_number_of_positives_is_reached_in_spite_of_rounding() -> None:
    """0.28 of 25 is 7, though 0.28 * 25 > 7 in floating point."""
    assert 0.28 * 25 > 7
    scores = [0.05, *np.linspace(0.1, 0.9, 25)]
    decision = choose_decision(_binary([0] + [1] * 25, scores), "sensitivity", 0.28)
    assert int((np.array(scores[1:]) >= decision.threshold).sum()) == 7


def test_sensitivity_of_more_classes_is_the_most_likely(make_predictions) -> None:
    validation = make_predictions(0, counts=(10, 10, 10))
    assert choose_decision(validation, "sensitivity") == ARGMAX


def test_sensitivity_without_a_positive_is_refused() -> None:
    with pytest.raises(InputError, match="no image of class 'malignant'"):
        choose_decision(_binary([0, 0], [0.1, 0.2]), "sensitivity")


@pytest.mark.parametrize(("label", "missing"), [(0, "malignant"), (1, "benign")])
def test_missing_class_is_named(label: int, missing: str) -> None:
    with pytest.raises(InputError, match=f"no image of class '{missing}'"):
        choose_decision(_binary([label] * 3, [0.1, 0.2, 0.3]))


def test_diverged_model_is_told() -> None:
    validation = _binary([0, 1], [0.2, 0.8])
    broken = replace(validation, probabilities=np.full((2, 2), np.nan))
    with pytest.raises(RunError, match=r"2 of 2 images.*not finite"):
        choose_decision(broken)

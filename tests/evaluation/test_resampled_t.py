"""The corrected resampled t-test: a hand computation, the plain test, and its error rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.resampled_t import resampled_t
from imbalance_derm.experiment.record import Figure


def splits(draws: int, train: int, test: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    ids = np.arange(train + test).astype(str)
    orders = [rng.permutation(ids) for _ in range(draws)]
    return [order[:train] for order in orders], [order[train:] for order in orders]


def test_equal_to_a_computation_by_hand():
    """Mean 0.02, variance 0.0002 / 3; (1 / 4 + 10 / 90) of it is 0.0000240741."""
    found = resampled_t([0.01, 0.02, 0.02, 0.03], *splits(4, 90, 10))
    error = 0.00490653  # sqrt(13 / 36 * 0.0002 / 3)
    assert found.difference.value == pytest.approx(0.02)
    assert found.statistic == pytest.approx(0.02 / error, rel=1e-5)
    assert found.freedom == 3
    # Student's t with 3 degrees of freedom: 3.182 is its tabled 97.5 % point.
    assert found.difference.low == pytest.approx(0.02 - 3.182 * error, rel=2e-3)
    assert found.difference.high == pytest.approx(0.02 + 3.182 * error, rel=2e-3)


@pytest.mark.parametrize(("draws", "train", "test"), [(2, 20, 5), (10, 90, 10), (30, 50, 50)])
def test_the_plain_test_where_the_correction_is_taken_out(draws, train, test):
    values = np.random.default_rng(draws).normal(0.3, 1.0, draws)
    found = resampled_t(values, *splits(draws, train, test))
    plain = ttest_1samp(values, 0.0)
    factor = np.sqrt((1 / draws + test / train) * draws)
    assert found.statistic * factor == pytest.approx(plain.statistic)
    assert 2 * t.sf(abs(found.statistic * factor), found.freedom) == pytest.approx(plain.pvalue)
    assert found.p_value == pytest.approx(2 * t.sf(abs(found.statistic), draws - 1))
    assert (found.p_value < 0.05) == (found.difference.low > 0 or found.difference.high < 0)
    interval = plain.confidence_interval()
    width = found.difference.high - found.difference.low
    assert width == pytest.approx(factor * (interval.high - interval.low))


def test_sizes_that_vary_give_their_mean_share():
    training, test = [list("abcd"), list("abce"), list("abcdef")], [["e"], ["d"], list("ghi")]
    found = resampled_t([0.1, 0.2, 0.6], training, test)
    share = (1 / 4 + 1 / 4 + 3 / 6) / 3
    error = np.sqrt((1 / 3 + share) * np.var([0.1, 0.2, 0.6], ddof=1))
    assert found.statistic == pytest.approx(0.3 / error)


def test_rejects_as_rarely_as_it_says_where_the_plain_test_does_not():
    """Two equal methods, as the correction assumes them: a difference is that of the test images
    drawn, and hardly depends on which others were trained on.
    """
    rng, trials, draws, train, test = np.random.default_rng(3), 500, 15, 80, 20
    training, tested = splits(draws, train, test)
    places = [np.array(part, dtype=int) for part in tested]
    rejected = plain = 0
    for _ in range(trials):
        of_image = rng.normal(size=train + test)
        differences = [of_image[part].mean() for part in places]
        rejected += resampled_t(differences, training, tested).p_value < 0.05
        plain += ttest_1samp(differences, 0.0).pvalue < 0.05
    assert abs(rejected / trials - 0.05) < 4 * np.sqrt(0.05 * 0.95 / trials)
    assert plain / trials > 0.2


def test_differences_without_spread():
    parts = splits(3, 8, 2)
    assert resampled_t([0.0] * 3, *parts).p_value == 1.0
    found = resampled_t([-0.1] * 3, *parts)
    assert (found.p_value, found.statistic) == (0.0, -np.inf)
    assert found.difference == Figure(found.difference.value, *[found.difference.value] * 2)


def test_several_seeds_on_one_split_are_refused():
    training, test = splits(1, 8, 2)
    with pytest.raises(InputError, match="same training set"):
        resampled_t([0.1, 0.2], [training[0], training[0][::-1]], test * 2)


def test_what_is_no_split_is_refused():
    training, test = splits(2, 8, 2)
    with pytest.raises(InputError, match="3 differences cannot be tested with 2 training"):
        resampled_t([0.1, 0.2, 0.3], training, test)
    with pytest.raises(InputError, match="two splits or more"):
        resampled_t([0.1], training[:1], test[:1])
    with pytest.raises(InputError, match="not finite"):
        resampled_t([0.1, np.nan], training, test)
    with pytest.raises(InputError, match="split 1 has an empty"):
        resampled_t([0.1, 0.2], training, [test[0], []])
    with pytest.raises(InputError, match="tests on 1 lesions that it trains on"):
        resampled_t([0.1, 0.2], training, [[*test[0], training[0][0]], test[1]])

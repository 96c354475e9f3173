"""The corrected resampled t-test: a hand computation, the plain test, and its error rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.resampled_t import resampled_t
from imbalance_derm.experiment.record import Figure


def test_equal_to_a_computation_by_hand():
    """Mean 0.02, variance 0.0002 / 3; (1 / 4 + 10 / 90) of it is 0.0000240741."""
    found = resampled_t([0.01, 0.02, 0.02, 0.03], [90] * 4, [10] * 4)
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
    found = resampled_t(values, [train] * draws, [test] * draws)
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
    found = resampled_t([0.1, 0.2, 0.6], [4, 4, 6], [1, 1, 3])
    share = (1 / 4 + 1 / 4 + 3 / 6) / 3
    error = np.sqrt((1 / 3 + share) * np.var([0.1, 0.2, 0.6], ddof=1))
    assert found.statistic == pytest.approx(0.3 / error)


def test_rejects_as_rarely_as_it_says_where_the_plain_test_does_not():
    """Two equal methods, as the correction assumes them: a difference is that of the test images
    drawn, and hardly depends on which others were trained on.
    """
    rng, trials, draws, train, test = np.random.default_rng(3), 500, 15, 80, 20
    places = [rng.permutation(train + test)[:test] for _ in range(draws)]
    sizes = [train] * draws, [test] * draws
    rejected = plain = 0
    for _ in range(trials):
        of_image = rng.normal(size=train + test)
        differences = [of_image[part].mean() for part in places]
        rejected += resampled_t(differences, *sizes).p_value < 0.05
        plain += ttest_1samp(differences, 0.0).pvalue < 0.05
    assert abs(rejected / trials - 0.05) < 4 * np.sqrt(0.05 * 0.95 / trials)
    assert plain / trials > 0.2


def test_what_is_called_detectable_is_detected_four_times_in_five():
    """At the variance that the correction assumes, and a true difference of that size."""
    rng, draws, train, test = np.random.default_rng(5), 12, 80, 20
    share = test / train / (1 + test / train)  # of the variance, common to all splits
    trials, found, sizes = 2000, 0, ([train] * draws, [test] * draws)
    # The error, and with it what is detectable, is known up to its own spread: take the true one.
    truth = np.sqrt(1 / draws + test / train) * np.sqrt(1 - share)
    reach = t.ppf(0.975, draws - 1) + t.ppf(0.8, draws - 1)
    for _ in range(trials):
        common = rng.normal(scale=np.sqrt(share))
        own = rng.normal(scale=np.sqrt(1 - share), size=draws)
        found += resampled_t(reach * truth + common + own, *sizes).p_value < 0.05
    assert found / trials == pytest.approx(0.8, abs=0.03)
    again = resampled_t(rng.normal(size=draws), *sizes)
    margin = again.difference.high - again.difference.value
    assert again.detectable == pytest.approx(margin * reach / t.ppf(0.975, draws - 1))


def test_differences_without_spread():
    sizes = [8] * 3, [2] * 3
    assert resampled_t([0.0] * 3, *sizes).p_value == 1.0
    found = resampled_t([-0.1] * 3, *sizes)
    assert (found.p_value, found.statistic) == (0.0, -np.inf)
    assert found.difference == Figure(found.difference.value, *[found.difference.value] * 2)


def test_what_is_no_split_is_refused():
    with pytest.raises(InputError, match="3 differences cannot be tested with 2 training"):
        resampled_t([0.1, 0.2, 0.3], [8, 8], [2, 2])
    with pytest.raises(InputError, match="two splits or more"):
        resampled_t([0.1], [8], [2])
    with pytest.raises(InputError, match="not finite"):
        resampled_t([0.1, np.nan], [8, 8], [2, 2])
    with pytest.raises(InputError, match="split 1 has an empty"):
        resampled_t([0.1, 0.2], [8, 8], [2, 0])

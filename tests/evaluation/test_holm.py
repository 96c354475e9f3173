"""Holm's adjustment against statsmodels, its definition and the error rate that it promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.holm import holm


@pytest.mark.parametrize("m", [1, 2, 7, 40])
@pytest.mark.parametrize("decimals", [6, 1])
def test_equal_to_statsmodels(m, decimals):
    p = np.round(np.random.default_rng(m).random(m) ** 3, decimals)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)


def test_rejects_what_the_step_down_procedure_rejects():
    """The procedure as it is told: from the smallest, stop at the first that is not small."""
    rng, rejections = np.random.default_rng(0), 0
    for _ in range(200):
        p = rng.random(6) ** 4
        rejected = set()
        for step, which in enumerate(np.argsort(p)):
            if p[which] > 0.05 / (6 - step):
                break
            rejected.add(int(which))
        assert set(np.flatnonzero(holm(p) <= 0.05)) == rejected
        rejections += 0 < len(rejected) < 6
    assert rejections > 50


def test_one_test_and_none_are_left_as_they_are():
    assert holm([0.03]).tolist() == [0.03]
    assert holm([]).tolist() == []


def test_any_error_is_as_rare_as_promised_where_all_tests_are_correlated():
    rng, trials = np.random.default_rng(1), 2000
    z = rng.normal(size=(trials, 8)) - rng.normal(size=(trials, 1))
    p = 2 * norm.sf(np.abs(z) / np.sqrt(2))
    errors = np.mean([holm(row).min() < 0.05 for row in p])
    assert errors < 0.05 + 4 * np.sqrt(0.05 * 0.95 / trials)
    assert np.mean(p.min(axis=1) < 0.05) > 0.1


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan])
def test_what_is_no_p_value_is_refused(wrong):
    with pytest.raises(InputError, match="is no p-value"):
        holm([0.1, wrong])

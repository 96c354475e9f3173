"""Ranks over data sets: Demsar's worked example and tables, scipy, and groups by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import f, friedmanchisquare

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.critical_difference import critical_difference

DEMSAR = {
    "C4.5": "763 599 954 628 882 936 661 583 775 1000 940 619 972 957",
    "C4.5+m": "768 591 971 661 888 931 668 583 838 1000 962 666 981 978",
    "C4.5+cf": "771 590 968 654 886 916 609 563 866 1000 965 614 975.01 946",
    "C4.5+m+cf": "798 569 967 657 898 931 685 625 875 1000 962 669 975 970",
}
"""AUC in thousandths on 14 data sets, Demsar 2006, table 6. Of the two printed as 0.975 he ranks
the first higher: they were ranked before they were rounded."""


def example() -> dict[str, list[float]]:
    return {name: [float(x) / 1000 for x in line.split()] for name, line in DEMSAR.items()}


def test_demsars_worked_example():
    """Section 3.2.2: ranks, chi-square 9.28, F 3.69, critical difference 1.25."""
    found = critical_difference(example())
    ranks = {"C4.5": 3.143, "C4.5+m": 2.0, "C4.5+cf": 2.893, "C4.5+m+cf": 1.964}
    assert found.average_ranks == pytest.approx(ranks, abs=5e-4)
    assert list(found.average_ranks) == sorted(ranks, key=lambda name: ranks[name])
    assert found.critical_difference == pytest.approx(1.25, abs=5e-3)
    # His statistics are those without the correction for ties.
    squares = sum(rank**2 for rank in found.average_ranks.values())
    plain = 12 * 14 / (4 * 5) * (squares - 4 * 5**2 / 4)
    assert plain == pytest.approx(9.28, abs=5e-3)
    assert 13 * plain / (14 * 3 - plain) == pytest.approx(3.69, abs=5e-3)
    assert found.friedman > plain
    assert found.friedman_p < 0.05
    assert found.groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"),)


@pytest.mark.parametrize(
    ("k", "q"),
    [
        (3, 2.343),
        (4, 2.569),
        (5, 2.728),
        (6, 2.850),
        (7, 2.949),
        (8, 3.031),
        (9, 3.102),
        (10, 3.164),
    ],
)
def test_demsars_table_of_critical_values(k, q):
    """Table 5a, level 0.05."""
    scores = dict(enumerate(np.random.default_rng(k).random((k, 6)).tolist()))
    found = critical_difference({str(name): values for name, values in scores.items()})
    assert found.critical_difference / np.sqrt(k * (k + 1) / (6 * 6)) == pytest.approx(q, abs=1e-3)


@pytest.mark.parametrize("decimals", [6, 1])
def test_equal_to_scipy(decimals):
    table = np.round(
        np.random.default_rng(1).random((4, 9)) + 0.2 * np.arange(4)[:, None], decimals
    )
    found = critical_difference(dict(zip("abcd", table.tolist(), strict=True)))
    expected = friedmanchisquare(*table)
    assert (found.friedman, found.friedman_p) == pytest.approx(tuple(expected))
    ratio = 8 * expected.statistic / (9 * 3 - expected.statistic)
    assert found.iman_davenport == pytest.approx(ratio)
    assert found.iman_davenport_p == pytest.approx(f.sf(ratio, 3, 24))


def test_errors_are_ranked_the_other_way():
    scores = example()
    upside_down = {name: [-x for x in values] for name, values in scores.items()}
    assert critical_difference(upside_down, lower_is_better=True) == critical_difference(scores)


def test_groups_overlap_and_none_lies_within_another():
    """Ranks 1, 2, 3, 4, 5 on every data set: of 12 data sets the difference is 1.76."""
    scores = {name: [-place] * 12 for place, name in enumerate("abcde")}
    found = critical_difference(scores)
    assert found.critical_difference == pytest.approx(1.761, abs=1e-3)
    assert found.groups == (("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"))
    assert (found.iman_davenport, found.iman_davenport_p) == (np.inf, 0.0)
    many = {name: [-place] * 60 for place, name in enumerate("abcde")}
    assert critical_difference(many).groups == ()


def test_methods_that_tie_everywhere_do_not_differ():
    found = critical_difference({name: [0.5] * 5 for name in "abc"})
    assert (found.friedman, found.friedman_p, found.iman_davenport_p) == (0.0, 1.0, 1.0)
    assert found.groups == (("a", "b", "c"),)


def test_too_little_is_refused():
    with pytest.raises(InputError, match="ranks over 4 data sets are no evidence, it takes 5"):
        critical_difference({name: [0.1, 0.2, 0.3, 0.4] for name in "abc"})
    with pytest.raises(InputError, match="2 methods cannot be ranked"):
        critical_difference({name: [0.1] * 6 for name in "ab"})
    with pytest.raises(InputError, match="different numbers"):
        critical_difference({"a": [0.1] * 6, "b": [0.1] * 5, "c": [0.1] * 6})
    with pytest.raises(InputError, match="not finite"):
        critical_difference({"a": [0.1] * 6, "b": [np.nan] * 6, "c": [0.1] * 6})

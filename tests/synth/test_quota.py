from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalance_derm.errors import InputError
from imbalance_derm.synth.quota import majority_class, resolve_quota

COUNTS = np.array([100, 40, 10])
CLASSES = ("nv", "mel", "df")


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("balance", {1: 60, 2: 90}),
        ("per_source", {1: 100, 2: 100}),
        ("x5", {0: 500, 1: 200, 2: 50}),
        ("x10", {0: 1000, 1: 400, 2: 100}),
        ("0.5", {1: 10, 2: 40}),
        (0.5, {1: 10, 2: 40}),
        (1.0, {1: 60, 2: 90}),
        ("200", {1: 200, 2: 200}),
        (200, {1: 200, 2: 200}),
        (1, {1: 1, 2: 1}),
        ({"mel": "x2", "df": 300}, {1: 80, 2: 300}),
        ({"nv": "x1"}, {0: 100}),
        ({"df": "balance"}, {2: 90}),
    ],
)
def test_every_form(quota, expected):
    assert resolve_quota(quota, COUNTS, [0, 1, 2], CLASSES) == expected


def test_paper_a_makes_727_and_not_the_554_that_would_balance():
    counts = np.array([727, 173])
    classes = ("benign", "malignant")
    assert resolve_quota("per_source", counts, [1], classes) == {1: 727}
    assert resolve_quota("balance", counts, [1], classes) == {1: 554}


def test_only_targets_are_made():
    assert resolve_quota("x2", COUNTS, [2], CLASSES) == {2: 20}
    assert resolve_quota("balance", COUNTS, [], CLASSES) == {}
    with pytest.raises(InputError, match="'mel', which this synthesizer cannot make"):
        resolve_quota({"mel": 3}, COUNTS, [2], CLASSES)


@pytest.mark.parametrize(
    "quota", ["", "x0", "x", "x-1", "x1.5", "0", 0, -3, "-3", 0.0, 1.5, "50%", "balanced", "nan",
              {"mel": "many"}]
)  # fmt: skip
def test_nonsense_is_refused_with_the_valid_forms(quota):
    with pytest.raises(InputError, match=r"balance, per_source, xN .*0\.5.*200"):
        resolve_quota(quota, COUNTS, [0, 1, 2], CLASSES)


def test_a_wrong_class_name_gets_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'mel'"):
        resolve_quota({"mell": 5}, COUNTS, [0, 1, 2], CLASSES)


@given(
    st.lists(st.integers(1, 10_000), min_size=2, max_size=6),
    st.sampled_from(["balance", 0.1, 0.37, 1.0]),
)
def test_topping_up_reaches_the_share_and_never_more(counts, quota):
    counts = np.array(counts)
    names = [f"c{label}" for label in range(len(counts))]
    made = resolve_quota(quota, counts, range(len(counts)), names)
    goal = round((1.0 if quota == "balance" else quota) * counts.max())
    for label, count in enumerate(counts):
        assert count + made.get(label, 0) == max(goal, count)


def test_the_first_of_equal_classes_is_the_majority():
    assert majority_class(np.array([3, 5, 5])) == 1

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imbalance_derm.benchmark.recovery import QUANTITIES, recover
from imbalance_derm.errors import InputError

# Audited by hand: ISIC 2016 test, 304 benign and 75 malignant.
AUDIT = [(55, "84.46", 299), (51, "85.34", 297), (47, "86.09", 291), (22, "91.76", 245)]


@pytest.mark.parametrize(("missed", "printed", "true_negatives"), AUDIT)
def test_the_audited_rows_have_one_matrix(missed, printed, true_negatives):
    (found,) = recover(75, 304, missed, printed)
    assert (found.true_positives, found.false_negatives) == (75 - missed, missed)
    assert (found.true_negatives, found.false_positives) == (true_negatives, 304 - true_negatives)


@pytest.mark.parametrize("quantity", sorted(set(QUANTITIES) - {"npv"}))
def test_no_other_quantity_explains_the_papers_column(quantity):
    explained = [bool(recover(75, 304, missed, text, quantity)) for missed, text, _ in AUDIT]
    assert not all(explained)
    if quantity == "sensitivity":
        assert not any(explained)


def by_hand(tp: int, fn: int, tn: int, fp: int, quantity: str) -> float | None:
    """The textbook formulas in floating point, apart from the code under test."""
    parts = {
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "npv": (tn, tn + fn),
        "ppv": (tp, tp + fp),
        "accuracy": (tp + tn, tp + tn + fp + fn),
    }
    if quantity == "balanced_accuracy":
        if not tp + fn or not tn + fp:
            return None
        return (tp / (tp + fn) + tn / (tn + fp)) / 2
    part, whole = parts[quantity]
    return part / whole if whole else None


@settings(max_examples=150, deadline=None)
@given(
    positives=st.integers(0, 40),
    negatives=st.integers(0, 60),
    share=st.floats(0, 1),
    quantity=st.sampled_from(sorted(QUANTITIES)),
    decimals=st.integers(0, 4),
    hundredths=st.integers(0, 10_000),
)
def test_agrees_with_brute_force_over_every_matrix(
    positives, negatives, share, quantity, decimals, hundredths
):
    missed = round(share * positives)
    printed = f"{hundredths / 100:.{decimals}f}"
    half = 0.5 * 10**-decimals
    found = {
        (c.true_positives, c.false_negatives, c.true_negatives, c.false_positives)
        for c in recover(positives, negatives, missed, printed, quantity)
    }
    for tp in range(positives + 1):
        for tn in range(negatives + 1):
            cells = (tp, positives - tp, tn, negatives - tn)
            value = by_hand(*cells, quantity)
            gap = None if value is None else abs(100 * value - float(printed))
            fits = gap is not None and gap <= half and positives - tp == missed
            # At a tie floats may fall on either side; the code is exact there.
            if gap is None or abs(gap - half) > 1e-9:
                assert (cells in found) == fits


@settings(max_examples=100, deadline=None)
@given(data=st.data(), decimals=st.integers(0, 3))
def test_whatever_is_printed_is_found_again(data, decimals):
    tp, fn, tn, fp = (data.draw(st.integers(0, 80)) for _ in range(4))
    value = by_hand(tp, fn, tn, fp, "npv")
    if value is None:
        return
    found = recover(tp + fn, tn + fp, fn, f"{100 * value:.{decimals}f}")
    assert (tp, fn, tn, fp) in {
        (c.true_positives, c.false_negatives, c.true_negatives, c.false_positives) for c in found
    }


def test_fewer_decimals_leave_several_matrices_and_a_wrong_figure_none():
    assert len(recover(75, 304, 22, "92")) > 1
    assert recover(75, 304, 22, "99.99") == ()


def test_a_tie_may_have_been_rounded_either_way():
    # 5 / 8 = 62.5 %: printed without decimals as 62 (half to even) or 63 (half up).
    assert any(c.true_negatives == 5 for c in recover(3, 5, 3, "62"))
    assert any(c.true_negatives == 5 for c in recover(3, 5, 3, "63"))


def test_fractions_of_one_are_read_as_such():
    assert recover(75, 304, 22, "0.9176", unit="1") == recover(75, 304, 22, "91.76")
    assert Fraction(245, 267) == QUANTITIES["npv"](recover(75, 304, 22, "91.76")[0])


def test_nothing_predicted_negative_gives_no_npv():
    assert all(c.true_negatives > 0 for c in recover(10, 10, 0, "100.0"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"false_negatives": 76},
        {"false_negatives": -1},
        {"negatives": -1},
        {"printed": "about 90"},
        {"printed": "nan"},
        {"printed": "1e3"},
        {"quantity": "auc"},
        {"unit": "permille"},
    ],
)
def test_unusable_input_is_refused(wrong):
    sound = {"positives": 75, "negatives": 304, "false_negatives": 22, "printed": "91.76"}
    with pytest.raises(InputError):
        recover(**{**sound, **wrong})

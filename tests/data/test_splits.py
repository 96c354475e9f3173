"""No group leaks, every class everywhere, the given split stays, one seed one answer."""

from __future__ import annotations

import networkx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imbalance_derm.data.lesions import lesion_table
from imbalance_derm.data.splits import SPLITS, Partition, lesion_groups, partition
from imbalance_derm.errors import InputError


def rows(labels: list[str], **columns: list[object]) -> pd.DataFrame:
    return lesion_table(
        pd.DataFrame(
            {"image": [f"i{i:04d}" for i in range(len(labels))], "label": labels, **columns}
        )
    )


def parts_of(parts: Partition) -> dict[str, pd.DataFrame]:
    return {"train": parts.train, "validation": parts.validation, "test": parts.test}


def images(parts: Partition) -> dict[str, set[str]]:
    return {name: set(part["image"]) for name, part in parts_of(parts).items()}


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Lesions with one label each; patients with several lesions, or unknown."""
    seed = draw(st.integers(0, 2**32 - 1))
    classes = draw(st.integers(2, 5))
    rng = np.random.default_rng(seed)
    lesions = [f"c{c}" for c in range(classes) for _ in range(rng.integers(12, 60))]
    patients = rng.integers(0, 3 * len(lesions), len(lesions))
    known = rng.random(len(lesions)) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    records = [
        (label, f"L{i}", f"P{patients[i]}" if known[i] else None)
        for i, label in enumerate(lesions)
        for _ in range(rng.integers(1, 4))
    ]
    label, lesion, patient = zip(*records, strict=True)
    return rows(list(label), lesion=list(lesion), patient=list(patient))


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(0, 100))
def test_drawn_parts(table: pd.DataFrame, seed: int) -> None:
    parts = partition(table, validation=0.2, test=0.25, seed=seed)
    where = images(parts)
    assert sum(map(len, where.values())) == len(table)
    assert set.union(*where.values()) == set(table["image"])
    for column in ("lesion", "patient"):
        for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
            shared = set(parts_of(parts)[one][column]) & set(parts_of(parts)[other][column])
            assert shared - {None} == set()
    for name, part in parts_of(parts).items():
        assert set(part["label"]) == set(table["label"])
        assert (part["split"] == name).all()
        assert part["image"].is_monotonic_increasing
    shuffled = table.sample(frac=1, random_state=seed)
    assert images(partition(shuffled, 0.2, 0.25, seed)) == where


@settings(max_examples=20, deadline=None)
@given(tables())
def test_shares_are_met_class_by_class(table: pd.DataFrame) -> None:
    parts = partition(table, validation=0.2, test=0.25, seed=0)
    # Groups go whole, and one with lesions of several classes counts for all of them: what is
    # drawn for a class that is served later comes on top of one that has its share already.
    slack = 2 * table.groupby(lesion_groups(table)).size().max()
    for label, count in table["label"].value_counts().items():
        drawn = int((parts.test["label"] == label).sum())
        assert abs(drawn - 0.25 * count) <= slack
        held = int((parts.validation["label"] == label).sum())
        assert abs(held - 0.2 * (count - drawn)) <= slack


def test_other_seed_other_draw() -> None:
    table = rows(["a", "b"] * 100)
    assert images(partition(table, 0.2, 0.2, 0)) != images(partition(table, 0.2, 0.2, 1))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_groups_are_the_connected_components(
    n: int, lesions: int, patients: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    lesion = [f"L{i}" for i in rng.integers(0, lesions, n)]
    patient = [None if i == 0 else f"P{i}" for i in rng.integers(0, patients, n)]
    graph = networkx.Graph()
    for i in range(n):
        graph.add_edge(i, lesion[i])
        if patient[i] is not None:
            graph.add_edge(i, patient[i])
    expected = {
        frozenset(node for node in part if isinstance(node, int))
        for part in networkx.connected_components(graph)
    }
    groups = lesion_groups(rows(["x"] * n, lesion=lesion, patient=patient))
    assert {frozenset(np.flatnonzero(groups == g)) for g in set(groups)} == expected


def test_given_splits_stay() -> None:
    given = ["train"] * 20 + ["test"] * 6 + ["validation"] * 4
    table = rows(["a", "b"] * 15, split=given)
    where = images(partition(table, 0.5, 0.5, 0))
    assert {name: len(where[name]) for name in SPLITS} == {"train": 20, "validation": 4, "test": 6}


def test_validation_is_carved_out_of_train_only() -> None:
    table = rows(["a", "b"] * 20, split=["train"] * 30 + ["test"] * 10)
    where = images(partition(table, 0.2, 0.9, 0))
    assert where["test"] == set(table["image"][30:])
    assert len(where["validation"]) == 6


def test_row_without_split_follows_its_lesion() -> None:
    lesion = [f"L{i}" for i in range(29)] + ["L0"]
    table = rows(["a", "b"] * 15, lesion=lesion, split=["test", "test", *["train"] * 27, None])
    table.loc[29, "label"] = "a"
    assert images(partition(table, 0.2, 0.2, 0))["test"] == {"i0000", "i0001", "i0029"}


def test_lesion_on_both_sides_of_a_given_split() -> None:
    lesion = ["L", *map(str, range(18)), "L"]
    table = rows(["a", "b"] * 10, lesion=lesion, split=["train"] * 14 + ["test"] * 6)
    with pytest.raises(InputError, match=r"lesion 'L' is in both train and test .*'i0000'"):
        partition(table, 0.2, 0.2, 0)


def test_patient_on_both_sides_of_a_given_split() -> None:
    patient = ["P", *[None] * 18, "P"]
    table = rows(["a", "b"] * 10, patient=patient, split=["train"] * 14 + ["test"] * 6)
    with pytest.raises(InputError, match=r"a patient \(lesions .* in both train and test"):
        partition(table, 0.2, 0.2, 0)


@pytest.mark.parametrize(
    ("lesions", "needed"), [(1, "train, validation, test"), (2, "train, validation, test")]
)
def test_class_with_too_few_lesions(lesions: int, needed: str) -> None:
    labels = ["nv"] * 30 + ["df"] * 6
    names = [f"L{i}" for i in range(30)] + [f"df{i % lesions}" for i in range(6)]
    message = f"class 'df' has too few lesions: {lesions}, and 3 are needed, one each for {needed}"
    with pytest.raises(InputError, match=message):
        partition(rows(labels, lesion=names), 0.2, 0.2, 0)


def test_two_lesions_suffice_where_test_is_given() -> None:
    table = rows(["a", "b"] * 2 + ["a"] * 6, split=["train"] * 4 + ["test"] * 6)
    parts = partition(table, 0.1, 0.1, 0)
    assert set(parts.train["label"]) == set(parts.validation["label"]) == {"a", "b"}


@pytest.mark.parametrize("labels", [["a"] * 10, []])
def test_fewer_than_two_classes(labels: list[str]) -> None:
    with pytest.raises(InputError, match="at least two are needed"):
        partition(rows(labels), 0.2, 0.2, 0)


def test_class_that_only_the_given_test_has() -> None:
    table = rows(["a", "b"] * 10 + ["c"], split=["train"] * 16 + ["test"] * 5)
    with pytest.raises(InputError, match="class 'c' is in test but not in train"):
        partition(table, 0.2, 0.2, 0)


def test_classes_bound_together_by_patients() -> None:
    # Two patients hold all lesions of both classes but one: there is no way to draw three parts.
    patient = ["P", "P", "Q", "Q", "P", "P", "Q", "Q"]
    table = rows(["a", "b"] * 4, patient=patient)
    with pytest.raises(InputError, match="class 'a' has too few patients: 2, and 3 are needed"):
        partition(table, 0.2, 0.2, 0)

"""Training, validation and test parts that share no lesion and no patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from imbalance_derm.errors import InputError

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Partition:
    """The lesion tables of the three splits, rows in the order of the whole table."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def partition(
    table: pd.DataFrame, validation: float, test: float, seed: int, leaky: str = ""
) -> Partition:
    """Split a lesion table, keeping every lesion and every patient in one part.

    Rows whose split is given stay there. Where no row is a test row, a share is drawn; so it is
    for validation, out of what is left for training. Draws are stratified by class.

    Parameters
    ----------
    table : DataFrame
        Lesion table, every row labelled.
    validation : float, in (0, 1)
        Share of each class's training images that becomes validation, if none is given.
    test : float, in (0, 1)
        Share of each class's images that becomes test, if none is given.
    seed : int
        The same lesions and seed give the same parts, in whatever order the rows come.
    leaky : str
        :attr:`imbalance_derm.data.contract.Dataset.leaky`. Where it says so, and nowhere else,
        the test rows are validation rows, too, and none is drawn for validation.

    Raises
    ------
    InputError
        Fewer than two classes, a class with too few lesions, a lesion or patient on both sides
        of a given split, a class that only some of the given splits have, or validation rows
        given by a leaky data set.

    Examples
    --------
    >>> rows = pd.DataFrame({"image": [f"i{i}" for i in range(40)],
    ...                      "label": ["nv", "nv", "nv", "mel"] * 10})
    >>> from imbalance_derm.data.lesions import lesion_table
    >>> parts = partition(lesion_table(rows), validation=0.25, test=0.2, seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (24, 8, 8)
    """
    if table["label"].nunique() < 2:
        names = ", ".join(map(str, table["label"].unique())) or "none"
        raise InputError(f"classes found: {names}; at least two are needed")
    table = table.reset_index(drop=True)
    groups = lesion_groups(table)
    split = _given(table, groups)
    if leaky and (split == "validation").any():
        raise InputError("a leaky data set validates on its test rows and gives no others for it")
    wanted = ("test",) if leaky else ("test", "validation")
    drawn = [name for name in wanted if not (split == name).any()]
    pool = split == "train"
    _enough(table[pool], groups[pool], drawn)
    rng = np.random.default_rng(seed)
    for left, name in zip(range(len(drawn), 0, -1), drawn, strict=True):
        rows = np.flatnonzero(split == "train")
        share = test if name == "test" else validation
        out = _draw(table["label"].to_numpy()[rows], groups[rows], share, left, rng, name)
        split[rows[out]] = name
    rows_of = {name: split == name for name in SPLITS}
    if leaky:
        rows_of["validation"] = rows_of["test"]
    _all_classes(table["label"], rows_of)
    parts = [
        table[rows].reset_index(drop=True).assign(split=name) for name, rows in rows_of.items()
    ]
    return Partition(*parts)


def lesion_groups(table: pd.DataFrame) -> np.ndarray:
    """Return a number for each group of rows that no split may separate, int64 of shape (n,).

    Rows belong together where they share a lesion or a patient, directly or by a chain of
    other rows. Groups are numbered in the order of their smallest lesion id.

    Examples
    --------
    >>> lesion_groups(pd.DataFrame({"lesion": ["b", "b", "c", "a"], "patient": [None, 1, 1, 2]}))
    array([1, 1, 1, 0])
    """
    n = len(table)
    lesion = pd.factorize(table["lesion"])[0]
    patient = pd.factorize(table["patient"])[0]  # -1 where unknown
    known = np.flatnonzero(patient >= 0)
    ends = np.concatenate([n + lesion, n + lesion.max() + 1 + patient[known]])
    starts = np.concatenate([np.arange(n), known])
    nodes = int(ends.max()) + 1
    graph = coo_array((np.ones(len(ends), bool), (starts, ends)), shape=(nodes, nodes))
    component = connected_components(graph, directed=False)[1][:n]
    first = table["lesion"].groupby(component).min()
    order = pd.Series(np.arange(len(first)), index=first.sort_values().index)
    return order[component].to_numpy()


def _given(table: pd.DataFrame, groups: np.ndarray) -> np.ndarray:
    """Return the split that each row's group was given; train where it was given none."""
    fixed = {
        group: sorted(splits.dropna().unique()) for group, splits in table["split"].groupby(groups)
    }
    for group, (one, other, *_) in ((g, found) for g, found in fixed.items() if len(found) > 1):
        rows = table[(groups == group) & table["split"].notna()]
        first = rows[rows["split"] == one].iloc[0]
        second = rows[rows["split"] == other].iloc[0]
        what = (
            f"lesion '{first['lesion']}'"
            if first["lesion"] == second["lesion"]
            else f"a patient (lesions '{first['lesion']}' and '{second['lesion']}')"
        )
        raise InputError(
            f"{what} is in both {other} and {one} (images '{second['image']}' and "
            f"'{first['image']}'); give all its images one split"
        )
    names = {group: found[0] for group, found in fixed.items() if found}
    return np.array([names.get(group, "train") for group in groups], dtype=object)


def _enough(pool: pd.DataFrame, groups: np.ndarray, drawn: Sequence[str]) -> None:
    """Raise where a class has fewer groups than the parts that will be drawn from `pool`."""
    parts = ["train", *reversed(drawn)]
    counts = pd.Series(groups, index=pool.index).groupby(pool["label"]).nunique()
    for label, count in counts.sort_values().items():
        if count < len(parts):
            kind = "patients" if pool["patient"].notna().any() else "lesions"
            raise InputError(
                f"class '{label}' has too few {kind}: {count}, and {len(parts)} are needed, one "
                f"each for {', '.join(parts)}; add images, merge the class with another or drop it"
            )


def _draw(
    labels: np.ndarray,
    groups: np.ndarray,
    share: float,
    left: int,
    rng: np.random.Generator,
    name: str,
) -> np.ndarray:
    """Choose whole groups that hold about `share` of the rows of each class.

    Iterative stratification (Sechidis et al. 2011, ECML PKDD): the class with the fewest groups
    is served first. At least `left` groups of each class stay behind, for the other parts.
    """
    names, label = np.unique(labels, return_inverse=True)
    ids, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(ids), len(names)), dtype=np.int64)
    np.add.at(counts, (group, label), 1)
    behind = (counts > 0).sum(axis=0)
    target = share * counts.sum(axis=0)
    have = np.zeros(len(names))
    chosen = np.zeros(len(ids), dtype=bool)
    order = rng.permutation(len(ids))
    for c in np.argsort(behind, kind="stable"):
        for g in order:
            row = counts[g]
            if chosen[g] or not row[c]:
                continue
            nearer = abs(have[c] + row[c] - target[c]) < abs(have[c] - target[c])
            if (nearer or have[c] == 0) and (behind - (row > 0) >= left)[row > 0].all():
                chosen[g] = True
                have += row
                behind -= row > 0
        if have[c] == 0:
            raise InputError(
                f"class '{names[c]}' cannot be given to {name}: its patients are needed for other "
                "classes; add images, merge the class with another or drop it"
            )
    return chosen[group]


def _all_classes(labels: pd.Series, rows_of: dict[str, np.ndarray]) -> None:
    seen = {name: set(labels[rows]) for name, rows in rows_of.items()}
    for name in SPLITS:
        others = [o for o in SPLITS if seen[o] - seen[name]]
        # A given test set need not have every class; it must have none that is never trained.
        if name != "test" and others:
            label = sorted(seen[others[0]] - seen[name])[0]
            raise InputError(
                f"class '{label}' is in {others[0]} but not in {name}; add images of it there, "
                "or drop it"
            )

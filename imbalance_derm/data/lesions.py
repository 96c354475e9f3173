"""The two shapes in which lesions travel: a table of what exists, and arrays of what is used."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

COLUMNS = ("image", "label", "site", "lesion", "patient", "split", "source", "provenance")
MISSING_SITE = -1


def lesion_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `rows` with exactly the columns of a lesion table, missing ones filled with None.

    Parameters
    ----------
    rows : DataFrame, one row per image
        ``image`` (unique id, str) and ``label`` (class name, str) are required. ``site``,
        ``lesion`` and ``patient`` are str or None; a missing lesion is the image itself.
        ``split`` is ``"train"``, ``"validation"``, ``"test"`` or None (to be drawn);
        ``source`` is a file path or any reference that the data set can read;
        ``provenance`` is ``"real"`` or how the image was made.

    Examples
    --------
    >>> table = lesion_table(pd.DataFrame({"image": ["a"], "label": ["nv"], "source": ["a.jpg"]}))
    >>> table.loc[0, "lesion"], table.loc[0, "provenance"]
    ('a', 'real')
    """
    table = rows.reindex(columns=list(COLUMNS)).astype(object)
    table = table.where(table.notna(), None).reset_index(drop=True)
    table["lesion"] = table["lesion"].where(table["lesion"].notna(), table["image"])
    table["provenance"] = table["provenance"].where(table["provenance"].notna(), "real")
    return table


@dataclass(frozen=True, eq=False)
class LesionSet:
    """Images (or embeddings) of one split with their labels, aligned row by row.

    Attributes
    ----------
    samples : ndarray
        Images, uint8 of shape (n, size, size, 3), RGB, a read-only memory map; or
        embeddings, float32 of shape (n, d).
    labels : ndarray of int64, shape (n,)
        Index into `classes`.
    sites : ndarray of int64, shape (n,)
        Index into `site_names`, or -1 where the body site is missing.
    image_ids, lesion_ids : ndarray of str, shape (n,)
        Photographs of one lesion share its lesion id.
    classes, site_names : tuple of str
        Sorted; in a binary problem the positive class is the last.
    masks : ndarray of bool, shape (n, size, size), or None
        Where the lesion is; only there where a synthesizer asked for it. An all-False mask
        means that the image has none.
    """

    samples: np.ndarray
    labels: np.ndarray
    sites: np.ndarray
    image_ids: np.ndarray
    lesion_ids: np.ndarray
    classes: tuple[str, ...]
    site_names: tuple[str, ...]
    masks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def class_counts(self) -> np.ndarray:
        """Number of rows of each class, int64 of shape (classes,)."""
        return np.bincount(self.labels, minlength=len(self.classes))

    def with_samples(self, samples: np.ndarray) -> LesionSet:
        """Return the same lesions with other samples, such as their embeddings."""
        return replace(self, samples=samples)

"""What the file-based data sets share: image files, csv tables, and how their faults are told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import suggest

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"})
_UNKNOWN_SITES = frozenset({"", "unknown", "nan", "na", "n/a", "none"})


def is_image(path: Path) -> bool:
    """Tell whether `path` is a visible file with an image suffix."""
    return (
        path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def image_files(folder: Path) -> list[Path]:
    """List the image files anywhere below `folder`, sorted; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if is_image(path)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def visible_folders(folder: Path) -> list[Path]:
    """List the sub-folders of `folder`, sorted; hidden ones are left out."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


def require_folder(path: Path, hint: str) -> Path:
    """Return `path`.

    Raises
    ------
    InputError
        It is no folder; the text ends with `hint`.
    """
    if not path.is_dir():
        raise InputError(f"no folder {path}; {hint}")
    return path


def read_csv(
    path: Path, columns: Iterable[str] = (), names: list[str] | None = None
) -> pd.DataFrame:
    """Read a csv file as text, cells stripped of spaces, empty cells as ``""``.

    Parameters
    ----------
    path : Path
        Separated by comma, semicolon or tab, UTF-8 with or without byte order mark.
    columns : iterable of str
        Columns that must be there.
    names : list of str, optional
        Names of the columns of a file that has no header line.

    Raises
    ------
    InputError
        No such file, not a csv, or a missing column; the nearest column is named.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline()
        frame = pd.read_csv(
            path,
            sep=max(",;\t", key=first.count),
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            skipinitialspace=True,
            index_col=False,
            header=None if names else "infer",
            names=names,
        )
    except FileNotFoundError as error:
        raise InputError(f"no file {path}; check the path") from error
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise InputError(f"{path} cannot be read as a csv file: {error}") from error
    frame.columns = frame.columns.str.strip()
    for column in columns:
        if column not in frame:
            raise InputError(f"{path} has no column '{column}'{suggest(column, frame.columns)}")
    if frame.empty:
        raise InputError(f"{path} has no rows; it needs one for each image")
    return frame.fillna("").apply(lambda cells: cells.str.strip())


def known(cells: pd.Series) -> pd.Series:
    """Return `cells` with empty ones as None."""
    return cells.astype(object).where(cells != "", None)


def known_site(cells: pd.Series) -> pd.Series:
    """Return `cells` with empty and unknown body sites as None."""
    return cells.astype(object).where(~cells.str.lower().isin(_UNKNOWN_SITES), None)


def unlabelled(folders: Iterable[Path], listed: Iterable[str], split: str | None) -> pd.DataFrame:
    """Return a row without label for each image file in `folders` whose name is not `listed`."""
    named = set(listed)
    stray = [p for folder in folders for p in image_files(folder) if p.stem not in named]
    return pd.DataFrame(
        {"image": [p.stem for p in stray], "source": [str(p) for p in stray], "split": split},
        dtype=object,
    )


def usable(rows: pd.DataFrame) -> int:
    """Count the rows that have a label and whose file is there."""
    return sum(Path(source).is_file() for source in rows.loc[rows["label"].notna(), "source"])


def share(title: str, parts: Iterable[tuple[str, int, int]]) -> str:
    """Say how much of an official data set is there; empty where all of it is.

    Examples
    --------
    >>> share("ISIC 2016", [("training", 806, 900), ("test", 379, 379)])
    'ISIC 2016: 806 of the official 900 training and 379 of the official 379 test images'
    """
    parts = list(parts)
    if all(there == official for _, there, official in parts):
        return ""
    texts = [f"{there} of the official {official} {name}" for name, there, official in parts]
    return f"{title}: {' and '.join(texts)} images"

"""The user's own images listed in a csv file whose columns are mapped by option."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.lesions import lesion_table
from imbalance_derm.data.sources.files import IMAGE_SUFFIXES, known, known_site, read_csv
from imbalance_derm.data.sources.split_names import SPLIT_NAMES, split_name
from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import suggest


class Csv(Dataset):
    """One row per image; further columns tell lesion, patient, body site and split.

    An image is named with or without suffix, relative to `image_root`.

    Parameters
    ----------
    image_column, label_column : str
        Columns with the image file and the class.
    site_column, lesion_column, patient_column, split_column : str
        Columns with the body site, the lesion's id, the patient's id and the split (train,
        validation, test or empty, to be drawn); an empty name means there is no such column.
    image_root : str
        Folder of the images, relative to the csv file's own folder.
    positive : str
        In a binary problem the class to find; the rarer one where this is empty.

    Examples
    --------
    >>> Csv(image_column="file", label_column="diagnosis").label_column
    'diagnosis'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"image_size": 48},
        "demo": {"image_size": 128},
    }

    def __init__(
        self,
        *,
        image_column: str = "image",
        label_column: str = "label",
        site_column: str = "",
        lesion_column: str = "",
        patient_column: str = "",
        split_column: str = "",
        image_root: str = "",
        positive: str = "",
    ) -> None:
        self.image_column = image_column
        self.label_column = label_column
        self.site_column = site_column
        self.lesion_column = lesion_column
        self.patient_column = patient_column
        self.split_column = split_column
        self.image_root = image_root
        self.positive = positive

    @classmethod
    def accepts(cls, path: Path) -> bool:
        """Tell whether `path` is a csv file."""
        return path.is_file() and path.suffix.lower() == ".csv"

    def _columns(self) -> dict[str, str]:
        """Return the column that each parameter names, where it names one."""
        return {
            parameter: column
            for parameter, column in vars(self).items()
            if parameter.endswith("_column") and column
        }

    def table(self, root: Path | None) -> pd.DataFrame:
        """Return the lesion table of the csv file `root`; an empty class is a missing label."""
        if root is None:
            raise InputError("the csv data set needs a csv file: --data PATH")
        path = Path(root)
        optional = {
            "lesion": self.lesion_column,
            "patient": self.patient_column,
            "site": self.site_column,
            "split": self.split_column,
        }
        rows = read_csv(path)
        for parameter, column in self._columns().items():
            if column not in rows:
                raise InputError(
                    f"{path} has no column '{column}'{suggest(column, rows.columns)}; name the "
                    f"right one with: --set data.{parameter}=COLUMN"
                )
        for line in rows.index[rows[self.image_column] == ""]:
            raise InputError(f"{path}, row {line + 1}: column '{self.image_column}' is empty")
        find = _Finder(path.parent / self.image_root)
        table = pd.DataFrame(
            {
                "image": rows[self.image_column],
                "label": known(rows[self.label_column]),
                "source": [find(name) for name in rows[self.image_column]],
            }
        )
        for name, column in optional.items():
            if column:
                table[name] = known_site(rows[column]) if name == "site" else known(rows[column])
        if self.split_column:
            table["split"] = [_split(path, line, word) for line, word in table["split"].items()]
        return lesion_table(table)


def _split(path: Path, line: object, word: str | None) -> str | None:
    if word is None:
        return None
    split = split_name(word)
    if split is None:
        raise InputError(
            f"{path}, row {int(str(line)) + 1}: split '{word}' is unknown"
            f"{suggest(word, SPLIT_NAMES)}"
        )
    return split


class _Finder:
    """Finds an image by its name in the csv; one look at each folder, however many rows."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names = cache(self._names)

    def __call__(self, name: str) -> str:
        path = self.root / name.replace("\\", "/")
        found = self.names(path.parent).get(_same(path.name), [path])
        if len(found) > 1:
            both = " and ".join(p.name for p in found[:2])
            raise InputError(f"image '{name}' could be {both} in {path.parent}; add the suffix")
        return str(found[0])

    def _names(self, folder: Path) -> dict[str, list[Path]]:
        names: dict[str, list[Path]] = {}
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith("."):
                names.setdefault(_same(path.stem), []).append(path)
        for path in [path for paths in names.values() for path in paths]:
            names[_same(path.name)] = [path]
        return names


def _same(name: str) -> str:
    """One spelling for a name that file systems write with composed or decomposed accents."""
    return unicodedata.normalize("NFC", name)

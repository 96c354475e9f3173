"""HAM10000 for training with the ISIC 2018 task 3 test set, in the publishers' layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from PIL import Image

from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.lesions import lesion_table
from imbalance_derm.data.sources.files import (
    known,
    known_site,
    read_csv,
    require_folder,
    share,
    unlabelled,
    usable,
)
from imbalance_derm.errors import InputError

_HINT = "--data-root is the folder that holds ham10000 and isic2018_test"
_PARTS = ("HAM10000_images_part_1", "HAM10000_images_part_2")
_MASKS = "HAM10000_segmentations_lesion_tschandl"
_CLASSES = ("AKIEC", "BCC", "BKL", "DF", "MEL", "NV", "VASC")
_OFFICIAL_TRAINING, _OFFICIAL_TEST = 10015, 1512


class Ham10000(Dataset):
    """Seven diagnoses on dermoscopy, with lesion ids and body sites.

    Parameters
    ----------
    test_set : {"isic2018", "drawn"}
        Test on the official ISIC 2018 task 3 test set, which has no body site, or on lesions
        of HAM10000 itself that are drawn from it and held out.

    References
    ----------
    Tschandl, Rosendahl and Kittler 2018, "The HAM10000 dataset", Scientific Data 5:180161.

    Examples
    --------
    >>> Ham10000(test_set="drawn").positive
    ''
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"image_size": 48},
        "demo": {"image_size": 128},
    }

    def __init__(self, *, test_set: Literal["isic2018", "drawn"] = "isic2018") -> None:
        self.test_set = test_set

    def table(self, root: Path | None) -> pd.DataFrame:
        """Return the lesion table from ``root/ham10000``; sets :attr:`notice`."""
        if root is None:
            raise InputError(f"ham10000 needs --data-root; {_HINT}")
        fixed = self.test_set == "isic2018"
        folder = require_folder(Path(root) / "ham10000", _HINT)
        train = _ham10000(folder, "train" if fixed else None)
        counts = [("training", usable(train), _OFFICIAL_TRAINING)]
        parts = [train]
        if fixed:
            parts.append(_isic2018(require_folder(Path(root) / "isic2018_test", _HINT)))
            counts.append(("test", usable(parts[1]), _OFFICIAL_TEST))
        self.notice = share("HAM10000 and ISIC 2018" if fixed else "HAM10000", counts)
        return lesion_table(pd.concat(parts))

    def mask(self, source: str) -> np.ndarray | None:
        """Return Tschandl's lesion mask (2020), bool of shape (450, 600); None without one."""
        path = Path(source).parents[1] / _MASKS / f"{Path(source).stem}_segmentation.png"
        if not path.is_file():
            return None
        with Image.open(path) as mask:
            return np.asarray(mask.convert("L")) > 127


def _ham10000(folder: Path, split: str | None) -> pd.DataFrame:
    images = [require_folder(folder / part, _HINT) for part in _PARTS]
    columns = ["lesion_id", "image_id", "dx", "localization"]
    rows = read_csv(folder / "HAM10000_metadata.csv", columns)
    where = {path.stem: str(path) for part in images for path in part.glob("*.jpg")}
    missing = str(images[0])
    table = pd.DataFrame(
        {
            "image": rows["image_id"],
            "label": known(rows["dx"].str.lower()),
            "site": known_site(rows["localization"]),
            "lesion": known(rows["lesion_id"]),
            "split": split,
            "source": [where.get(i, f"{missing}/{i}.jpg") for i in rows["image_id"]],
        }
    )
    return pd.concat([table, unlabelled(images, rows["image_id"], split)])


def _isic2018(folder: Path) -> pd.DataFrame:
    images = require_folder(folder / "ISIC2018_Task3_Test_Input", _HINT)
    path = folder / "ISIC2018_Task3_Test_GroundTruth.csv"
    rows = read_csv(path, ["image", *_CLASSES])
    try:
        marks = rows[list(_CLASSES)].replace("", "0").astype(float).to_numpy()
    except ValueError as error:
        raise InputError(f"{path}: {error}; every class column holds 0.0 or 1.0") from error
    for line in np.flatnonzero((marks > 0).sum(axis=1) > 1):
        raise InputError(f"{path}, line {line + 2}: image '{rows['image'][line]}' has two classes")
    names = np.array([name.lower() for name in _CLASSES], dtype=object)
    table = pd.DataFrame(
        {
            "image": rows["image"],
            "label": np.where(marks.any(axis=1), names[marks.argmax(axis=1)], None),
            "split": "test",
            "source": [str(images / f"{image}.jpg") for image in rows["image"]],
        }
    )
    return pd.concat([table, unlabelled([images], rows["image"], "test")])

"""ISIC 2016 challenge, part 3: melanoma or benign, in the publisher's layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import pandas as pd

from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.lesions import lesion_table
from imbalance_derm.data.sources.files import read_csv, require_folder, share, unlabelled, usable
from imbalance_derm.errors import InputError

_HINT = "--data-root is the folder that holds isic2016"
_LABELS = {"benign": "benign", "malignant": "malignant", "0.0": "benign", "1.0": "malignant"}
_TRAINING, _TEST = 900, 379
_LEAKY = (
    "The test images are the validation images, too, as in Zunair and Ben Hamza 2020: they chose "
    "what they judge, so no figure here says how the method does on new images."
)


class Isic2016(Dataset):
    """Melanoma or benign on dermoscopy, with the official training and test sets.

    The publisher gives neither lesion nor patient nor body site.

    Parameters
    ----------
    validate_on : {"drawn", "test"}
        Validate on a drawn share of the training images, or, as paper A did, on the test images
        themselves and train on all others: only to reproduce what was published. Every record
        says so.

    References
    ----------
    Gutman et al. 2016, "Skin Lesion Analysis toward Melanoma Detection", arXiv 1605.01397.

    Examples
    --------
    >>> Isic2016().positive
    'malignant'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"image_size": 48},
        "demo": {"image_size": 128},
        "paper": {"image_size": 256},
    }
    positive = "malignant"

    def __init__(self, *, validate_on: Literal["drawn", "test"] = "drawn") -> None:
        self.leaky = _LEAKY if validate_on == "test" else ""

    def table(self, root: Path | None) -> pd.DataFrame:
        """Return the lesion table from ``root/isic2016``; sets :attr:`notice`."""
        if root is None:
            raise InputError(f"isic2016 needs --data-root; {_HINT}")
        folder = require_folder(Path(root) / "isic2016", _HINT)
        train = _part(folder, "Training", "train")
        test = _part(folder, "Test", "test")
        counts = [("training", usable(train), _TRAINING), ("test", usable(test), _TEST)]
        self.notice = share("ISIC 2016 part 3", counts)
        return lesion_table(pd.concat([train, test]))


def _part(folder: Path, name: str, split: str) -> pd.DataFrame:
    stem = f"ISBI2016_ISIC_Part3_{name}"
    images = require_folder(folder / f"{stem}_Data", _HINT)
    path = folder / f"{stem}_GroundTruth.csv"
    rows = read_csv(path, names=["image", "label"])
    labels = rows["label"].map(_LABELS)
    for line in rows.index[labels.isna() & (rows["label"] != "")]:
        raise InputError(
            f"{path}, line {line + 1}: label '{rows['label'][line]}' is none of "
            f"{', '.join(_LABELS)}"
        )
    rows["label"] = labels.astype(object)
    rows["source"] = [str(images / f"{image}.jpg") for image in rows["image"]]
    rows["split"] = split
    return pd.concat([rows, unlabelled([images], rows["image"], split)])

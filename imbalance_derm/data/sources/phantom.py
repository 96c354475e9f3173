"""Procedural dermoscopy images as a data set: no download, no patient."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from imbalance_derm.data import phantom
from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.phantom.plan import plan
from imbalance_derm.data.phantom.render import lesion_mask, render
from imbalance_derm.data.phantom.shot import Shot


class Phantom(Dataset):
    """Painted lesions whose classes differ in the ABCD criteria, but overlap.

    Some lesions have several photographs and some patients several lesions. The body site goes
    with the class, the skin and its hair. No split is given: all three are drawn.

    Parameters
    ----------
    images : int
        Number of photographs.
    ratio : float
        Imbalance: images of the most common class to those of the rarest. Counts fall
        geometrically between them.
    classes : int
        Two are called benign and malignant.
    separation : float
        Distance between the first class and each other in standard deviations of the criteria.
        The best possible AUC by the criteria is Phi(separation / sqrt(2)): 0.97 for 2.6; a
        network that saw a few thousand images reaches about 0.86 to 0.9.
    missing_sites : float
        Share of the lesions without a body site.
    resolution : int
        Side of the painted images in pixels.
    seed : int
        Other seeds give other lesions.

    Examples
    --------
    >>> Phantom(images=70, ratio=6.0).table(None)["label"].value_counts().to_dict()
    {'benign': 60, 'malignant': 10}
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"image_size": 32, "resolution": 32, "images": 240, "ratio": 4.0},
        "demo": {"image_size": 64, "resolution": 64, "images": 2000},
        "paper": {"image_size": 256, "resolution": 256},
    }
    needs_root: ClassVar[bool] = False
    notice = "Phantom images are drawn by a program: not clinical evidence."

    def __init__(
        self,
        *,
        images: Annotated[int, Field(ge=20, le=1_000_000)] = 4000,
        ratio: Annotated[float, Field(ge=1.0, le=1000.0)] = 6.0,
        classes: Annotated[int, Field(ge=2, le=7)] = 2,
        separation: Annotated[float, Field(gt=0.0, le=6.0)] = 2.6,
        missing_sites: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1,
        resolution: Annotated[int, Field(ge=16, le=1024)] = 128,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.images = images
        self.ratio = ratio
        self.classes = classes
        self.separation = separation
        self.missing_sites = missing_sites
        self.resolution = resolution
        self.seed = seed
        self.positive = "malignant" if classes == 2 else ""

    def table(self, root: Path | None) -> pd.DataFrame:
        """Return the lesion table; `root` is not looked at."""
        return plan(
            images=self.images,
            ratio=self.ratio,
            classes=self.classes,
            separation=self.separation,
            missing_sites=self.missing_sites,
            seed=self.seed,
            resolution=self.resolution,
        )

    def digest(self, source: str) -> str:
        """Return a hash of the reference and of the code that paints it."""
        return hashlib.sha256(f"{_generator()}:{source}".encode()).hexdigest()

    def read(self, source: str, at_least: int = 0) -> np.ndarray:
        """Paint the photograph, uint8 of shape (resolution, resolution, 3)."""
        return render(Shot.parse(source))

    def mask(self, source: str) -> np.ndarray:
        """Return the lesion mask, bool of shape (resolution, resolution)."""
        return lesion_mask(Shot.parse(source))


@cache
def _generator() -> str:
    """Hash of the generator's source files: a changed brush is another data set."""
    files = sorted(Path(str(phantom.__file__)).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()

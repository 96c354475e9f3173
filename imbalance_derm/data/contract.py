"""What a data set is: a table of lesions, and a way to read one image of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from PIL import Image

from imbalance_derm.data.pixels import read_rgb
from imbalance_derm.experiment.fingerprint import file_digest


class Dataset(ABC):
    """One data set in its publisher's own layout.

    The constructor's keyword-only arguments are the parameters.

    Attributes
    ----------
    presets : dict of str to dict
        By preset name, values for the ``[data]`` section (pipeline settings such as
        ``image_size`` included).
    needs_root : bool
        Whether :meth:`table` needs the folder given by ``--data-root`` or ``--data PATH``.
    notice : str
        One line that every report prints beside a figure from this data set; may be empty,
        and may be set by :meth:`table`, which sees how much of the data set is there.
    positive : str
        In a binary problem the class to find; it is then put last. Empty elsewhere.
    leaky : str
        Empty but where the test images are handed out as validation images, too, to reproduce
        figures that were published so: then one line that says it, for every record and report.
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    needs_root: ClassVar[bool] = True
    notice: str = ""
    positive: str = ""
    leaky: str = ""

    @classmethod
    def accepts(cls, path: Path) -> bool:
        """Whether ``--data PATH`` means this data set."""
        return False

    @abstractmethod
    def table(self, root: Path | None) -> pd.DataFrame:
        """Return the lesion table (see :func:`imbalance_derm.data.lesions.lesion_table`).

        No pixel is read here.

        Raises
        ------
        InputError
            A file of the layout is missing or malformed; the text names it.
        """

    def digest(self, source: str) -> str:
        """Return a hash that determines the pixels behind `source`."""
        return file_digest(Path(source))

    def read(self, source: str, at_least: int = 0) -> Image.Image | np.ndarray:
        """Return the whole image behind `source`, RGB and upright.

        Parameters
        ----------
        source : str
            From the table's column ``source``.
        at_least : int
            Where positive, a reduced image will do whose shorter side has that many pixels.
        """
        return read_rgb(source, at_least)

    def mask(self, source: str) -> Image.Image | np.ndarray | None:
        """Return the binary lesion mask of an image, or None where there is none."""
        return None

"""Lesion images as parts of a page: plain, or under a heat map."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
from PIL import Image

from imbalance_derm.report.style import data_uri

_LARGEST = 256
_QUALITY = 90


def photograph(image: np.ndarray) -> str:
    """Return an image as a JPEG data URI, at most 256 pixels wide or high.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
    """
    picture = Image.fromarray(np.ascontiguousarray(image))
    picture.thumbnail((_LARGEST, _LARGEST))
    buffer = io.BytesIO()
    # Chroma is kept whole: subsampling it would smear what a generator did to colour.
    picture.save(buffer, format="JPEG", quality=_QUALITY, subsampling=0)
    return data_uri("image/jpeg", buffer.getvalue())


def overlay(image: np.ndarray, heat: np.ndarray) -> str:
    """Return an image under its heat map: the more heat, the less of the image is covered up.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
    heat : ndarray of float, shape (s, s)
        In [0, 1], any side; enlarged bilinearly.
    """
    height, width = image.shape[:2]
    field = Image.fromarray(np.clip(heat, 0, 1).astype(np.float32))
    strength = np.asarray(field.resize((width, height), Image.Resampling.BILINEAR))
    colour = mpl.colormaps["inferno"](strength)[..., :3] * 255
    share = 0.65 * strength[..., None]
    return photograph((image * (1 - share) + colour * share).round().astype(np.uint8))

"""From an image file of any common kind to upright, 8-bit RGB, and to the working square."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

_GREY_16 = ("I;16", "I;16L", "I;16B", "I;16N", "I")


def read_rgb(path: str | Path, at_least: int = 0) -> Image.Image:
    """Read the first frame of an image file as upright 8-bit RGB.

    The EXIF orientation is applied. Transparent parts become white. 16-bit grey is scaled by
    its full range (65535 is white), never by the image's own extremes, which would change the
    contrast from image to image.

    Parameters
    ----------
    path : str or Path
    at_least : int
        Where positive, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, as long as both
        sides keep this many pixels.

    Raises
    ------
    OSError, ValueError
        No such file, not an image, truncated, or of a pixel type without a defined white.
    """
    with Image.open(path) as image:
        if at_least:
            image.draft(image.mode, (at_least, at_least))
        image.load()
        return _to_rgb(ImageOps.exif_transpose(image))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _GREY_16:
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise ValueError("32-bit pixels; save the image with 8 or 16 bits")
        return Image.fromarray(((grey + 128) // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("floating-point pixels; save the image with 8 or 16 bits")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def square(image: Image.Image | np.ndarray, size: int) -> np.ndarray:
    """Cut the centre square and resample it, antialiased (Lanczos).

    Parameters
    ----------
    image : Image or ndarray
        RGB; an array is uint8 of shape (h, w, 3).
    size : int
        Side of the result in pixels.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)

    Examples
    --------
    >>> square(np.zeros((30, 40, 3), np.uint8), 16).shape
    (16, 16, 3)
    """
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    if image.mode != "RGB":
        raise ValueError(f"expected an RGB image, got mode {image.mode}")
    if image.size == (size, size):
        return np.asarray(image)
    # Three times the goal before the filter: the difference is below one grey level.
    box = _centre(*image.size)
    resized = image.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return np.asarray(resized)


def square_mask(mask: Image.Image | np.ndarray, size: int) -> np.ndarray:
    """Cut the same square out of a lesion mask; a pixel is lesion where most of it was.

    Parameters
    ----------
    mask : Image or ndarray of bool, shape (h, w)
        Any resolution of the same picture.
    size : int

    Returns
    -------
    ndarray of bool, shape (size, size)

    Examples
    --------
    >>> square_mask(np.ones((30, 40), bool), 16).all()
    np.True_
    """
    grey = Image.fromarray(np.asarray(mask).astype(bool).astype(np.uint8) * 255)
    box = _centre(*grey.size)
    return np.asarray(grey.resize((size, size), Image.Resampling.BOX, box=box)) > 127


def _centre(width: int, height: int) -> tuple[float, float, float, float]:
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side

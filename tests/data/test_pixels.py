"""Every common kind of image file against plain Pillow or plain arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imbalance_derm.data.pixels import read_rgb, square

Pixels = Callable[..., np.ndarray]


def test_jpeg_as_pillow_reads_it(tmp_path: Path, pixels: Pixels) -> None:
    Image.fromarray(pixels(0)).save(tmp_path / "a.jpg")
    np.testing.assert_array_equal(
        np.asarray(read_rgb(tmp_path / "a.jpg")), np.asarray(Image.open(tmp_path / "a.jpg"))
    )


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_lossless_formats(tmp_path: Path, pixels: Pixels, suffix: str) -> None:
    Image.fromarray(pixels(0)).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(np.asarray(read_rgb(tmp_path / f"a.{suffix}")), pixels(0))


def test_grey_becomes_three_equal_channels(tmp_path: Path, pixels: Pixels) -> None:
    grey = pixels(0)[..., 0]
    Image.fromarray(grey).save(tmp_path / "a.png")
    np.testing.assert_array_equal(np.asarray(read_rgb(tmp_path / "a.png")), np.dstack([grey] * 3))


def test_16_bit_grey_is_scaled_by_its_full_range(tmp_path: Path) -> None:
    deep = np.arange(24 * 32, dtype=np.uint16).reshape(24, 32) * 80
    Image.fromarray(deep).save(tmp_path / "a.png")
    expected = np.round(deep / 65535 * 255)
    for channel in np.moveaxis(np.asarray(read_rgb(tmp_path / "a.png")), -1, 0):
        np.testing.assert_array_equal(channel, expected)


def test_transparent_parts_become_white(tmp_path: Path, pixels: Pixels) -> None:
    alpha = np.linspace(0, 255, 24 * 32).astype(np.uint8).reshape(24, 32)
    Image.fromarray(np.dstack([pixels(0), alpha])).save(tmp_path / "a.png")
    share = alpha[..., None] / 255
    expected = share * pixels(0) + (1 - share) * 255
    np.testing.assert_allclose(np.asarray(read_rgb(tmp_path / "a.png")), expected, atol=1)


def test_palette(tmp_path: Path) -> None:
    colours = np.array([[200, 10, 30], [0, 90, 255]], np.uint8)
    index = np.indices((8, 8)).sum(0) % 2
    image = Image.fromarray(index.astype(np.uint8), "P")
    image.putpalette(colours.tobytes())
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(np.asarray(read_rgb(tmp_path / "a.png")), colours[index])


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (6, lambda a: np.rot90(a, -1)),
        (8, lambda a: np.rot90(a)),
    ],
)
def test_exif_orientation(
    tmp_path: Path, pixels: Pixels, orientation: int, upright: Callable[[np.ndarray], np.ndarray]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels(0)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(read_rgb(tmp_path / "a.png")), upright(pixels(0)))


@pytest.mark.parametrize(("height", "width"), [(150, 200), (200, 150), (151, 200), (100, 100)])
@pytest.mark.parametrize("size", [64, 100, 160])
def test_square_is_crop_then_lanczos(pixels: Pixels, height: int, width: int, size: int) -> None:
    image = Image.fromarray(pixels(3, height, width))
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    crop = image.crop((left, top, left + side, top + side))
    expected = np.asarray(crop.resize((size, size), Image.Resampling.LANCZOS), dtype=float)
    result = square(image, size)
    assert result.shape == (size, size, 3)
    assert result.dtype == np.uint8
    # Where the margin is odd the exact centre lies half a pixel from the plain crop; and the
    # filter sees beyond the crop where the picture goes on.
    odd = (height - side) % 2 or (width - side) % 2
    difference = np.abs(result - expected)
    assert difference.mean() < (3 if odd else 0.6)
    assert odd or difference[4:-4, 4:-4].max() <= 2


def test_square_keeps_the_exact_centre() -> None:
    picture = np.zeros((41, 80, 3), np.uint8)
    picture[18:23, 38:42] = 255
    dot = square(picture, 41)[..., 0].astype(float)
    rows, columns = np.indices(dot.shape)
    assert (dot * rows).sum() / dot.sum() == pytest.approx(20, abs=0.05)
    assert (dot * columns).sum() / dot.sum() == pytest.approx(20, abs=0.05)


def test_antialiased_fine_stripes_turn_grey() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(square(stripes, 64).astype(float) - 127.5).max() < 4


def test_reduced_decoding_of_a_large_jpeg_changes_little(tmp_path: Path, pixels: Pixels) -> None:
    Image.fromarray(pixels(5, 1200, 1600)).save(tmp_path / "a.jpg", quality=95)
    reduced = read_rgb(tmp_path / "a.jpg", at_least=128)
    assert reduced.size == (200, 150)
    full = square(read_rgb(tmp_path / "a.jpg"), 64).astype(float)
    difference = np.abs(square(reduced, 64) - full)
    assert difference.mean() < 1
    assert difference.max() < 8


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((8, 8), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match="8 or 16 bits"):
        read_rgb(tmp_path / "a.tif")

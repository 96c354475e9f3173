"""Equal and nearly equal images."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from imbalance_derm.data.duplicates import equal_groups, near_duplicates, thumbnail

Pixels = Callable[..., np.ndarray]


def recompressed(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def centre(image: Image.Image) -> Image.Image:
    left = (image.width - image.height) // 2
    return image.crop((left, 0, left + image.height, image.height))


COPIES = {
    "compressed": lambda image: recompressed(image, 30),
    "smaller": lambda image: image.resize((64, 48)),
    "larger": lambda image: image.resize((500, 375)),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "centre square": centre,
    "one hair": lambda image: Image.fromarray(hair(np.array(image))),
}


def hair(pixels: np.ndarray) -> np.ndarray:
    pixels[:, 80] = 0
    return pixels


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES.keys())
def test_a_changed_copy_is_found_and_nothing_else(pixels: Pixels, change: Callable) -> None:
    originals = [Image.fromarray(pixels(seed, 120, 160)) for seed in range(8)]
    thumbnails = np.stack([thumbnail(image) for image in [*originals, change(originals[3])]])
    (pair,) = near_duplicates(thumbnails)
    assert pair[:2] == (3, 8)
    grey = thumbnails[[3, 8]].reshape(2, -1)
    assert pair.similarity == pytest.approx(np.corrcoef(grey)[0, 1], abs=1e-12)


def test_pairs_equal_those_of_a_comparison_of_all_with_all(pixels: Pixels) -> None:
    rng = np.random.default_rng(0)
    some = [thumbnail(pixels(seed)) for seed in range(300)]
    noisy = [np.clip(t + rng.normal(0, s, t.shape), 0, 255) for s, t in enumerate(some)]
    thumbnails = np.stack([*some, *noisy]).astype(np.uint8)
    correlation = np.corrcoef(thumbnails.reshape(len(thumbnails), -1))
    expected = np.argwhere(np.triu(correlation >= 0.98, 1)).tolist()
    assert len(expected) > 3
    seen = []
    found = near_duplicates(thumbnails, progress=lambda done, total: seen.append((done, total)))
    assert [list(pair[:2]) for pair in found] == expected
    assert seen == [(256, 600), (512, 600), (600, 600)]


def test_pictures_without_contrast_are_no_duplicates() -> None:
    flat = np.zeros((3, 32, 32), np.uint8)
    flat[1] += 255
    flat[2, 0, 0] = 3
    assert near_duplicates(flat) == []


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare(count: int) -> None:
    assert near_duplicates(np.zeros((count, 32, 32), np.uint8)) == []


def test_groups() -> None:
    assert equal_groups([3, 1, None, 3, 1, 3, None, 2]) == [[0, 3, 5], [1, 4]]

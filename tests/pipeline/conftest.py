"""A tiny data set and a cache of its own for every test that runs the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

TINY = (
    "data.images=96",
    "data.ratio=3",
    "data.image_size=32",
    "train.updates=4",
    "train.batch_size=8",
    "train.validations=2",
    "train.threads=1",
    "evaluation.resamples=100",
)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory) -> Path:
    """A stage cache that tests may share where they do not count stages."""
    return tmp_path_factory.mktemp("cache")

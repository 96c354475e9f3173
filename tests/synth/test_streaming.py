"""Sampling streams to disk: what is held in memory does not grow with the count."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from imbalance_derm.registry.parameters import create
from imbalance_derm.synth.samples import read_samples, write_samples

STATUS = Path("/proc/self/status")


def anonymous_bytes() -> int:
    found = re.search(r"RssAnon:\s+(\d+) kB", STATUS.read_text())
    return int(found[1]) * 1024 if found else 0


@pytest.mark.skipif(not STATUS.is_file(), reason="anonymous memory is read from Linux's /proc")
def test_twenty_thousand_images_take_no_more_memory_than_two_thousand(lesions, context, tmp_path):
    data, size = lesions((30, 20), size=64), 64 * 64 * 3
    synth = create("synthesizer", "duplicate")
    synth.fit(data, context)

    def peak(count: int) -> int:
        held: list[int] = []

        def watched():
            for number, chunk in enumerate(synth.sample(data, 1, count, 0, context)):
                if number % 10 == 0:
                    held.append(anonymous_bytes())
                yield chunk

        assert write_samples(watched(), tmp_path / str(count)) == count
        return max(held)

    few, many = peak(2_000), peak(20_000)
    # All of them at once would be 246 MB.
    assert many - few < 0.1 * 20_000 * size
    samples, labels, _ = read_samples(tmp_path / "20000")
    assert isinstance(samples, np.memmap)
    assert samples.shape == (20_000, 64, 64, 3)
    assert set(labels) == {1}

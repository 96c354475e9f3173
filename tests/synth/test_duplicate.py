from __future__ import annotations

from collections import Counter

import numpy as np

from imbalance_derm.synth.duplicate import Duplicate


def test_every_sample_is_its_source_and_sources_are_used_equally_often(lesions, context):
    data = lesions((20, 6))
    row_of = {image: row for row, image in enumerate(data.image_ids)}
    used: Counter[str] = Counter()
    for chunk in Duplicate().sample(data, 1, 6 * 12 + 4, 0, context):
        for sample, origin in zip(chunk.samples, chunk.provenance, strict=True):
            (source,) = origin.sources
            np.testing.assert_array_equal(sample, data.samples[row_of[source]])
            used[source] += 1
    assert set(used) == set(data.image_ids[data.labels == 1])
    assert sorted(used.values()) == [12, 12, 13, 13, 13, 13]


def test_each_source_is_used_once_before_any_is_used_again(lesions, context):
    data = lesions((20, 6))
    (chunk,) = Duplicate().sample(data, 1, 12, 3, context)
    sources = [origin.sources for origin in chunk.provenance]
    assert len(set(sources[:6])) == len(set(sources[6:])) == 6

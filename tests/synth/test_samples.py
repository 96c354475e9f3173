from __future__ import annotations

import numpy as np

from imbalance_derm.synth.contract import Chunk, Provenance
from imbalance_derm.synth.samples import read_samples, write_samples


def _chunk(samples, label, name):
    return Chunk(samples, label, [Provenance("m", (name, f"{name}b"), 4, "ab")] * len(samples))


def test_what_is_written_is_read_back(tmp_path):
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8) for n in (64, 64, 7)]
    chunks = [_chunk(part, label, f"i{label}") for label, part in enumerate(parts)]
    seen = []
    assert write_samples(iter(chunks), tmp_path / "new", seen.append) == 135
    samples, labels, manifest = read_samples(tmp_path / "new")
    assert seen == [64, 128, 135]
    assert isinstance(samples, np.memmap)
    np.testing.assert_array_equal(samples, np.concatenate(parts))
    np.testing.assert_array_equal(labels, [0] * 64 + [1] * 64 + [2] * 7)
    assert list(manifest["index"]) == list(range(135))
    assert manifest.loc[134, ["label", "method", "sources", "seed", "model"]].tolist() == [
        2, "m", "i2;i2b", 4, "ab",
    ]  # fmt: skip


def test_the_array_is_a_plain_npy_file_of_any_length(tmp_path):
    rows = np.arange(3 * 2_000, dtype=np.float32).reshape(-1, 3)
    write_samples((_chunk(rows[i : i + 1], 0, "x") for i in range(len(rows))), tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "samples.npy"), rows)


def test_nothing_made_reads_back_as_nothing(tmp_path):
    assert write_samples([], tmp_path) == 0
    samples, labels, manifest = read_samples(tmp_path)
    assert len(samples) == len(labels) == len(manifest) == 0


def test_a_chunk_that_is_a_view_is_written_in_its_own_order(tmp_path):
    rows = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    write_samples([_chunk(rows[:, ::-1], 0, "x")], tmp_path)
    np.testing.assert_array_equal(read_samples(tmp_path)[0], rows[:, ::-1])


def test_a_body_site_is_missing_unless_the_chunk_says_otherwise(tmp_path):
    rows = np.zeros((2, 2, 2, 3), np.uint8)
    silent, telling = _chunk(rows, 0, "x"), _chunk(rows, 1, "y")
    telling = Chunk(telling.samples, telling.label, telling.provenance, ("face", ""))
    write_samples([silent, telling], tmp_path)
    assert read_samples(tmp_path)[2]["site"].tolist() == ["", "", "face", ""]

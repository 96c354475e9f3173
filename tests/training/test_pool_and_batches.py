"""What is fed: rows of real and synthetic samples, scaled alike, altered without bias."""

from __future__ import annotations

import numpy as np
import torch

from imbalance_derm.data.lesions import MISSING_SITE, LesionSet
from imbalance_derm.training.augmentation import AUGMENTATIONS, dihedral, photo
from imbalance_derm.training.checkpoints import FileCheckpoint, load_state, save_state
from imbalance_derm.training.inputs import to_inputs
from imbalance_derm.training.pool import Pool


def real(n: int = 6) -> LesionSet:
    images = np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    ids = np.array(list("abcdef")[:n])
    labels = np.array([0, 0, 0, 0, 1, 2])[:n]
    sites = np.array([0, 1, 1, -1, 0, -1])[:n]
    return LesionSet(images, labels, sites, ids, ids, ("x", "y", "z"), ("back", "face"))


def test_gather_joins_real_and_synthetic_in_the_order_asked():
    synthetic = (
        np.full((3, 4, 4, 3), 200, np.uint8) + np.arange(3, dtype=np.uint8)[:, None, None, None]
    )
    pool = Pool.of(real(), synthetic, np.array([1, 2, 2]))
    rows = np.array([8, 0, 6, 5, 7])
    assert pool.gather(rows)[:, 0, 0, 0].tolist() == [202, 0, 200, 5, 201]
    assert pool.labels[rows].tolist() == [2, 0, 1, 2, 2]
    assert pool.sites[6:].tolist() == [MISSING_SITE] * 3
    told = Pool.of(real(), synthetic, np.array([1, 2, 2]), np.array([0, -1, 1]))
    assert told.sites[6:].tolist() == [0, MISSING_SITE, 1]


def test_counts_tell_real_from_fed():
    pool = Pool.of(real(), np.zeros((3, 4, 4, 3), np.uint8), np.array([1, 2, 2]))
    counts = pool.counts(np.array([0, 6, 7, 8, 8]), torch.device("cpu"))
    assert counts.classes.real.tolist() == [4, 1, 1]
    assert counts.classes.fed.tolist() == [1, 1, 3]
    assert counts.sites.real.tolist() == [2, 2]
    assert counts.sites.fed.tolist() == [1, 0]


def test_scaling_is_fixed_and_not_per_image():
    dim = to_inputs(np.full((1, 2, 2, 3), 51, np.uint8), torch.device("cpu"))
    torch.testing.assert_close(dim, torch.full((1, 3, 2, 2), 0.2))
    embedding = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    assert torch.equal(to_inputs(embedding, torch.device("cpu")), torch.from_numpy(embedding))


def test_dihedral_gives_each_of_the_eight_symmetries_equally_often():
    torch.manual_seed(0)
    image = torch.arange(9.0).view(1, 1, 3, 3)
    made = dihedral(image.expand(4000, 1, 3, 3))
    kinds, counts = made.flatten(1).unique(dim=0, return_counts=True)
    expected = {
        tuple(t.flatten().tolist())
        for k in range(4)
        for t in (image[0, 0].rot90(k), image[0, 0].rot90(k).T)
    }
    assert {tuple(row.tolist()) for row in kinds} == expected
    assert len(expected) == 8
    assert ((counts - 500).abs() < 100).all()


def test_photo_stays_in_range_and_keeps_grey_nearly_grey():
    torch.manual_seed(0)
    grey = torch.full((64, 3, 8, 8), 0.5)
    made = photo(grey)
    assert made.min() >= 0
    assert made.max() <= 1
    channel = made.mean(dim=(2, 3))
    assert (channel.amax(1) - channel.amin(1)).max() < 0.5 * 0.1 * 1.1 + 1e-6


def test_every_augmentation_keeps_the_shape():
    images = torch.rand(3, 3, 8, 8)
    for name, augment in AUGMENTATIONS.items():
        assert augment(images).shape == images.shape, name


def test_state_survives_the_file_with_its_types(tmp_path):
    shared = torch.arange(6.0)
    state = {
        "a": {0: {"x": shared[:3]}, 1: {"x": shared[3:]}},
        "view": shared.view(2, 3).T,
        "list": [1, 2.5, None, True, "text", [torch.tensor(3)]],
        "empty": {},
        "bf16": torch.ones(2, dtype=torch.bfloat16),
    }
    save_state(tmp_path / "s.safetensors", state)
    loaded = load_state(tmp_path / "s.safetensors")
    assert loaded["list"][:5] == [1, 2.5, None, True, "text"]
    assert list(loaded["a"]) == [0, 1]
    assert torch.equal(loaded["a"][1]["x"], torch.tensor([3.0, 4.0, 5.0]))
    assert torch.equal(loaded["view"], state["view"])
    assert loaded["bf16"].dtype == torch.bfloat16
    assert loaded["empty"] == {}


def test_checkpoint_is_due_by_time(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("imbalance_derm.training.checkpoints.time.monotonic", lambda: now[0])
    checkpoint = FileCheckpoint(tmp_path, every=10.0)
    assert checkpoint.load() is None
    now[0] = 9.0
    assert not checkpoint.due()
    now[0] = 10.0
    assert checkpoint.due()
    checkpoint.save({"step": 3})
    assert not checkpoint.due()
    assert checkpoint.load() == {"step": 3}

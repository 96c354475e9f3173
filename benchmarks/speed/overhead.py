"""What the toolkit costs: its training loop against a bare PyTorch loop, pair by pair.

Same model, images, batch size, optimiser and updates, in one process, in turns. The bare loop is
what one writes in a notebook: images in memory as uint8, a random permutation, no checkpoints,
no progress, no validation.

    python benchmarks/speed/overhead.py [--pairs 7] [--size 128] [--updates 16]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.experiment.environment import environment
from imbalance_derm.experiment.events import StageProgress
from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.models.contract import Model, Task
from imbalance_derm.registry.parameters import create
from imbalance_derm.training.checkpoints import FileCheckpoint
from imbalance_derm.training.context import TrainingContext
from imbalance_derm.training.device import make_accelerator
from imbalance_derm.training.loop import train_classifier
from imbalance_derm.training.pool import Pool

BATCH = 32


def lesions(size: int, folder: Path) -> LesionSet:
    rng = np.random.default_rng(0)
    np.save(folder / "images.npy", rng.integers(0, 256, (512, size, size, 3), dtype=np.uint8))
    images = np.load(folder / "images.npy", mmap_mode="r")
    ids = np.arange(512).astype(str)
    labels = rng.integers(0, 7, 512)
    return LesionSet(images, labels, np.full(512, -1), ids, ids, tuple("abcdefg"), ())


def build() -> Model:
    torch.manual_seed(0)
    backbone = create("backbone", "efficientnet_lite0")
    return Model(backbone, create("head", "single_task", None, Task(1280, tuple("abcdefg"))))


def toolkit(data: LesionSet, updates: int, accelerator, folder: Path) -> float:
    """Seconds of the toolkit's loop, with its checkpoints, events and augmentation."""
    model = build()
    settings = TrainSection(updates=updates, batch_size=BATCH, validations=1, warmup=0.0)
    seen: list[StageProgress] = []
    context = TrainingContext(
        accelerator,
        seed=0,
        checkpoint=FileCheckpoint(folder, settings.checkpoint_seconds),
        progress=lambda done, total, figures: seen.append(
            StageProgress("train", done, total, figures)
        ),
    )
    start = time.perf_counter()
    train_classifier(
        model, Pool.of(data), create("loss", "ce"), create("sampler", "shuffle"),
        create("mixer", "none"), settings, lambda model: 0.0, context,
    )  # fmt: skip
    return time.perf_counter() - start


def bare(data: LesionSet, updates: int) -> float:
    """Seconds of a loop as in a notebook: flips, cross-entropy, AdamW, channels-last."""
    model = build().to(memory_format=torch.channels_last)
    images, labels = torch.from_numpy(np.array(data.samples)), torch.from_numpy(data.labels)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.02)
    model.train()
    start, done = time.perf_counter(), 0
    while done < updates:
        for rows in torch.randperm(len(labels)).split(BATCH):
            batch = images[rows].permute(0, 3, 1, 2).float() / 255
            for dims in ((2,), (3,)):
                if torch.rand(()) < 0.5:
                    batch = batch.flip(dims)
            if torch.rand(()) < 0.5:
                batch = batch.transpose(2, 3)
            loss = functional.cross_entropy(model(batch)[0].logits, labels[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            done += 1
            if done == updates:
                break
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--updates", type=int, default=16)
    arguments = parser.parse_args()
    accelerator = make_accelerator(TrainSection(device="cpu"))
    with tempfile.TemporaryDirectory() as folder:
        data = lesions(arguments.size, Path(folder))
        toolkit(data, 2, accelerator, Path(folder)), bare(data, 2)
        ratios = []
        for pair in range(arguments.pairs):
            runs = [
                lambda: toolkit(data, arguments.updates, accelerator, Path(folder)),
                lambda: bare(data, arguments.updates),
            ]
            if pair % 2:  # alternate the order, so that a drift of the machine cancels
                other, ours = runs[1](), runs[0]()
            else:
                ours, other = runs[0](), runs[1]()
            ratios.append(ours / other)
    result = {
        "toolkit_over_bare": {
            "median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)
        },
        "pairs": arguments.pairs,
        "updates": arguments.updates,
        "image_size": arguments.size,
        "environment": environment("cpu", torch.get_num_threads(), "no"),
    }  # fmt: skip
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

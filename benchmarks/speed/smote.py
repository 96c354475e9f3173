"""Embedding SMOTE for 10,000 cached embeddings: the toolkit's against a bare imbalanced-learn.

As many embeddings and classes as 10,000 images of HAM10000 have, every class topped up to the
largest. The toolkit streams typed chunks with the parents of each point; the bare call is
``SMOTE().fit_resample`` on the same arrays, in turns in one process. Both make the same points.

    python benchmarks/speed/smote.py [--pairs 7] [--threads 1] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from imblearn.over_sampling import SMOTE
from threadpoolctl import threadpool_limits

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.experiment.environment import environment
from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.registry.parameters import create
from imbalance_derm.synth.quota import resolve_quota
from imbalance_derm.training.context import TrainingContext
from imbalance_derm.training.device import make_accelerator

CLASSES = {"akiec": 327, "bcc": 514, "bkl": 1099, "df": 115, "mel": 1113, "nv": 6690, "vasc": 142}
FEATURES = 1280


def embeddings() -> LesionSet:
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(len(CLASSES)), list(CLASSES.values())))
    samples = rng.standard_normal((len(labels), FEATURES), dtype=np.float32)
    ids = np.array([f"ISIC_{row:07d}" for row in range(len(labels))])
    sites = np.full(len(labels), -1)
    return LesionSet(samples, labels, sites, ids, ids, tuple(CLASSES), ())


def toolkit(data: LesionSet, context: TrainingContext) -> tuple[float, float, int]:
    """Seconds, sum of all values, and number of points."""
    start = time.perf_counter()
    synth = create("synthesizer", "smote")
    counts = resolve_quota("balance", data.class_counts, synth.targets(data), data.classes)
    synth.fit(data, context)
    total, made, parents = 0.0, 0, 0
    seconds = time.perf_counter() - start
    for label, count in counts.items():
        chunks = synth.sample(data, label, count, 0, context)
        while True:
            start = time.perf_counter()
            chunk = next(chunks, None)
            seconds += time.perf_counter() - start
            if chunk is None:
                break
            total += float(chunk.samples.sum(dtype=np.float64))
            made += len(chunk.samples)
            parents += sum(len(origin.sources) for origin in chunk.provenance)
    assert parents == 2 * made
    return seconds, total, made


def bare(data: LesionSet) -> tuple[float, float, int]:
    """The same of one call of imbalanced-learn."""
    start = time.perf_counter()
    points = SMOTE(random_state=0).fit_resample(data.samples, data.labels)[0][len(data) :]
    return time.perf_counter() - start, float(points.sum(dtype=np.float64)), len(points)


def measure(pairs: int, threads: int) -> dict[str, object]:
    data, context = embeddings(), TrainingContext(make_accelerator(TrainSection(device="cpu")))
    ours, theirs = [], []
    with threadpool_limits(threads):
        toolkit(data, context), bare(data)
        for pair in range(pairs):
            if pair % 2:  # alternate the order, so that a drift of the machine cancels
                other, own = bare(data), toolkit(data, context)
            else:
                own, other = toolkit(data, context), bare(data)
            assert own[2] == other[2]
            assert abs(own[1] - other[1]) < 1e-3
            ours.append(own[0])
            theirs.append(other[0])
    return {
        "images": len(data),
        "features": FEATURES,
        "points_made": own[2],
        "toolkit_seconds": _summary(ours),
        "imbalanced_learn_seconds": _summary(theirs),
        "toolkit_over_imbalanced_learn": _summary(
            [own / other for own, other in zip(ours, theirs, strict=True)]
        ),
        "pairs": pairs,
        "environment": environment("cpu", threads, "no"),
    }


def _summary(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    text = json.dumps(measure(arguments.pairs, arguments.threads), indent=2)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

"""How often the intervals of a leaderboard hold the truth, and how often it marks falsely.

    python benchmarks/coverage.py [--most SETS] [--out FILE.json]

Simulated data sets of two classes, each lesion with one to three photographs, each method with
its own training seeds. Scores are normal, so the expected AUC and balanced accuracy over seeds
and lesions are known. Counted over the data sets:

- how often the 95 % intervals of mean_over_seeds and paired_over_seeds hold them;
- how often best_set marks a method as distinguishable where all are one method with other seeds,
  and how often an unadjusted comparison with the top would.

Every share comes with its own 95 % (Wilson) interval, the Monte-Carlo error of the simulation. A
data set depends on its number alone: more sets repeat the first ones.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from imbalance_derm.evaluation.best_set import best_set
from imbalance_derm.evaluation.decision import Decision
from imbalance_derm.evaluation.intervals import wilson
from imbalance_derm.evaluation.over_seeds import Method, mean_over_seeds, paired_over_seeds
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.environment import environment
from imbalance_derm.experiment.files import write_text

METRICS = ("auc", "balanced_accuracy")
POSITIVES = 0.25
"""Share of lesions that are malignant."""
EVEN = Decision("threshold", 0.5, "youden", "validation")


@dataclass(frozen=True)
class Design:
    """Training seeds of each method, equal methods that are ranked, data sets to simulate."""

    seeds: int
    methods: int
    sets: int


DESIGNS = (Design(5, 5, 2000), Design(3, 5, 2000), Design(3, 40, 400))
LESIONS = 120
METRIC = "balanced_accuracy"
"""It ranks the equal methods."""
RESAMPLES = 500


@dataclass(frozen=True)
class World:
    """What scores are made of: standard deviations, but for the merits.

    A score is ``(merit + between z_seed) (label - 1 / 2)`` plus a part of the lesion and one of
    the image that all models share, and parts of the lesion and of the image for each seed.
    """

    merit: float = 1.6
    better: float = 2.0
    between: float = 0.25
    lesion: float = 0.6
    image: float = 0.4
    own_lesion: float = 0.5
    own_image: float = 0.4

    def truth(self, merit: float) -> dict[str, float]:
        """Return the expected figures of a method over seeds, lesions and photographs."""
        noise = self.lesion**2 + self.image**2 + self.own_lesion**2 + self.own_image**2
        return {
            "auc": float(norm.cdf(merit / np.sqrt(2 * noise + self.between**2))),
            "balanced_accuracy": float(norm.cdf(merit / 2 / np.sqrt(noise + self.between**2 / 4))),
        }


@dataclass(frozen=True)
class TestSet:
    """Lesions and their photographs, and what is hard about them for every model."""

    world: World
    rng: np.random.Generator
    labels: np.ndarray
    lesion_of: np.ndarray
    hard: np.ndarray

    @staticmethod
    def draw(world: World, rng: np.random.Generator, lesions: int) -> TestSet:
        photographs = rng.integers(1, 4, size=lesions)
        lesion_of = np.repeat(np.arange(lesions), photographs)
        positive = np.arange(lesions) < round(POSITIVES * lesions)
        hard = world.lesion * rng.normal(size=lesions)[lesion_of]
        hard += world.image * rng.normal(size=len(lesion_of))
        return TestSet(world, rng, positive[lesion_of].astype(np.int64), lesion_of, hard)

    def method(self, merit: float, seeds: int) -> Method:
        """Train a method: draw what its models say."""
        ids, lesions = np.arange(len(self.labels)).astype(str), self.lesion_of.astype(str)
        said = []
        for _ in range(seeds):
            of_seed = merit + self.world.between * self.rng.normal()
            own = self.world.own_lesion * self.rng.normal(size=self.lesion_of.max() + 1)
            score = of_seed * (self.labels - 0.5) + self.hard + own[self.lesion_of]
            p = norm.cdf(score + self.world.own_image * self.rng.normal(size=len(score)))
            said.append(
                Predictions(
                    ids, lesions, self.labels, np.stack([1 - p, p], 1), ("benign", "malignant")
                )
            )
        return said, [EVEN] * seeds


def simulate(number: int, world: World, design: Design) -> Counter[str]:
    """Return what one data set adds to each count."""
    test = TestSet.draw(world, np.random.default_rng(number), LESIONS)
    better = test.method(world.better, design.seeds)
    equals = {f"m{i}": test.method(world.merit, design.seeds) for i in range(design.methods)}
    options = {"resamples": RESAMPLES, "seed": number}
    mean = mean_over_seeds(*better, METRICS, **options)
    paired = paired_over_seeds(*better, *equals["m0"], METRICS, **options)
    high, low = world.truth(world.better), world.truth(world.merit)
    hits: Counter[str] = Counter()
    for metric in METRICS:
        for name, figure, truth in (
            ("mean_over_seeds", mean[metric], high[metric]),
            ("paired_over_seeds", paired[metric].difference, high[metric] - low[metric]),
        ):
            hits[f"{name}/{metric}"] += (
                figure.low is not None and figure.low <= truth <= figure.high
            )
    found = best_set(equals, METRIC, **options)
    hits["best_set"] += len(found.best) < len(equals)
    hits["unadjusted"] += any(each.p_value < 0.05 for each in found.standings.values())
    return hits


def share(hits: int, sets: int) -> dict[str, float | None]:
    low, high = wilson(hits, sets)
    return {"value": hits / sets, "low": low, "high": high}


def carry_out(design: Design, world: World, most: int | None) -> dict[str, Any]:
    """Return the shares of one design over so many data sets, or its own number."""
    sets = min(design.sets, most or design.sets)
    numbers = range(sets)
    with ProcessPoolExecutor() as pool:
        found = pool.map(simulate, numbers, repeat(world), repeat(design), chunksize=8)
        hits = sum(found, Counter[str]())
    marks = {name: share(hits.pop(name, 0), sets) for name in ("best_set", "unadjusted")}
    coverage = {name: share(count, sets) for name, count in sorted(hits.items())}
    return asdict(design) | {"sets": sets, "coverage": coverage, "false_marks": marks}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--most", type=int, help="data sets of each design, at the most")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    world = World()
    most = f" --most {arguments.most}" if arguments.most else ""
    table = {
        "command": f"python benchmarks/coverage.py{most} --out coverage.json",
        "environment": environment("cpu", 1, "no"),
        "settings": {"lesions": LESIONS, "metric": METRIC, "resamples": RESAMPLES},
        "world": asdict(world),
        "truth": {"method": world.truth(world.better), "rival": world.truth(world.merit)},
        "designs": [carry_out(design, world, arguments.most) for design in DESIGNS],
    }
    text = json.dumps(table, indent=2) + "\n"
    if arguments.out:
        write_text(arguments.out, text)
    print(text)


if __name__ == "__main__":
    main()

"""Rules of a sampler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from imbalance_derm.sampling.contract import Sampler, SamplingContext
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, REFUSAL, UNCHANGED, pickled, refusal, same
from imbalance_derm.testing.rule import require, rule

CONTRACT = "imbalance_derm.sampling.contract"
COUNTS = ((30,), (50, 9), (40, 30, 20, 12, 9, 8, 7, 6), (30, 0, 12, 5))


def contexts(sampler: Sampler) -> Iterator[SamplingContext]:
    """Give one to eight classes, at the start and the end, of what the sampler works with."""
    feeds = [fed for fed in (False, True) if not refusal(lambda fed=fed: sampler.check(fed))]  # type: ignore[misc]
    for counts in COUNTS:
        rng = np.random.default_rng(0)
        labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        samples = (rng.normal(size=(len(labels), 6)) + labels[:, None]).astype(np.float32)
        some = np.linspace(0, 1, len(counts))
        some[np.array(counts) == 0] = np.nan
        some[0] = np.nan
        for progress, accuracy in ((0.0, None), (0.6, some), (1.0, np.ones(len(counts)))):
            for embeddings in feeds:
                fed = samples if embeddings else None
                yield SamplingContext(labels, len(counts), progress, accuracy, fed)


def ordered(sampler: Sampler, context: SamplingContext, seed: int = 1) -> Any:
    """Return the rows of a pass of a training with this seed."""
    return sampler.order(replace(context, seed=seed), np.random.default_rng(seed))


@rule(CONTRACT, "Decides which rows make the next pass. Keyword-only arguments are the parameters.")
def it_is_a_sampler(build: Build) -> None:
    """Look at its class."""
    require(isinstance(build(), Sampler), "it is no Sampler")


@rule(CONTRACT, "Return the rows of one pass in order, int64 of any length above zero.")
def rows_are_there(build: Build) -> None:
    """Type, length and range."""
    for context in contexts(build()):
        rows = ordered(build(), context)
        require(isinstance(rows, np.ndarray), f"it returns a {type(rows).__name__}")
        require(rows.dtype == np.int64, f"it returns {rows.dtype}")
        require(rows.ndim == 1, f"it returns rows of shape {rows.shape}")
        require(len(rows) > 0, "it returns no row")
        n = len(context.labels)
        low, high = int(rows.min()), int(rows.max())
        require(low >= 0 and high < n, f"it returns rows {low} to {high} where there are {n}")


@rule(HERE, REFUSAL)
def it_works_on_images_or_on_embeddings(build: Build) -> None:
    """Ask what can be fed."""
    sampler = build()
    texts = [refusal(lambda fed=fed: sampler.check(fed)) for fed in (False, True)]  # type: ignore[misc]
    require(not all(texts), f"it refuses images and embeddings: {texts[0]}")


@rule(HERE, UNCHANGED)
def context_is_not_changed(build: Build) -> None:
    """Labels, accuracies and embeddings before and after."""
    for context in contexts(build()):
        handed = (context.labels, context.class_accuracy, context.samples)
        before = [None if value is None else value.copy() for value in handed]
        ordered(build(), context)
        for name, value, copy in zip(("labels", "class_accuracy", "samples"), handed, before):  # noqa: B905
            require(same(value, copy), f"it changes the {name} that it is handed")


@rule(CONTRACT, "All randomness comes from `rng`, which is a function of the seed and of the pass.")
def rows_are_a_function_of_the_rng(build: Build) -> None:
    """Draw by the same generator, from the same sampler and a new one; and by another."""
    sampler = build()
    for context in contexts(build()):
        rows = ordered(sampler, context)
        text = "the same rng gives other rows"
        require(same(rows, ordered(sampler, context)), text)
        require(same(rows, ordered(build(), context)), f"{text} after an earlier pass")
        text = "another rng gives the same rows: it ignores the seed"
        require(not same(rows, ordered(sampler, context, 2)), text)


RULES = (
    *EVERY,
    it_is_a_sampler,
    pickled(lambda build: build()),
    it_works_on_images_or_on_embeddings,
    rows_are_there,
    context_is_not_changed,
    rows_are_a_function_of_the_rng,
)

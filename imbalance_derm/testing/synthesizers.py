"""Rules of a synthesizer; it is built with its preset ``smoke`` where it has one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from PIL import Image

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.errors import InputError
from imbalance_derm.synth.contract import CHUNK, Chunk, Synthesizer
from imbalance_derm.synth.quota import resolve_quota
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, UNCHANGED, refusal, same
from imbalance_derm.testing.rule import fail, require, rule
from imbalance_derm.testing.small import make_context, make_lesions
from imbalance_derm.testing.watch import watched

CONTRACT = "imbalance_derm.synth.contract"
COUNTS = (12, 7, 6)


class Fitted(NamedTuple):
    """A synthesizer, what it was fitted on, and what it told."""

    synth: Synthesizer
    data: LesionSet
    facts: dict[str, Any]


def prepared(build: Build) -> Synthesizer:
    """Return a small one: with the values of preset ``smoke``, without the section's quota."""
    values = getattr(build.target, "presets", {}).get("smoke", {})
    synth: Synthesizer = build(**{k: v for k, v in values.items() if k != "quota"})
    return synth


def lesions_for(synth: Synthesizer, counts: tuple[int, ...] = COUNTS, **facts: Any) -> LesionSet:
    """Return lesions of the kind that it works on."""
    dim = 5 if synth.space == "embedding" else None
    return make_lesions(counts, dim=dim, masks=synth.needs_masks, **facts)


def fit(build: Build, **facts: Any) -> Fitted:
    """Return a new one, fitted."""
    synth = prepared(build)
    data = lesions_for(synth, **facts)
    return Fitted(synth, data, synth.fit(data, make_context()))


@lru_cache(maxsize=2)
def fitted(build: Build) -> Fitted:
    """Return one that all rules share that change nothing of it."""
    return fit(build)


def wanted(synth: Synthesizer, data: LesionSet) -> dict[int, int]:
    """Return how many samples of each class balance the classes."""
    return resolve_quota("balance", data.class_counts, synth.targets(data), data.classes)


def made(
    synth: Synthesizer, data: LesionSet, seed: int = 0, counts: dict[int, int] | None = None
) -> tuple[np.ndarray, list[Chunk]]:
    """Return all samples, and the chunks that they came in."""
    context = make_context()
    chunks = [
        chunk
        for label, count in (wanted(synth, data) if counts is None else counts).items()
        for chunk in synth.sample(data, label, count, seed, context)
    ]
    empty = np.zeros((0, *data.samples.shape[1:]), data.samples.dtype)
    return np.concatenate([empty, *(chunk.samples for chunk in chunks)]), chunks


@rule(CONTRACT, "Base of every synthesizer; it validates once, a subclass implements three short")
def it_is_a_synthesizer(build: Build) -> None:
    """Look at its class."""
    require(isinstance(prepared(build), Synthesizer), "it is no Synthesizer")


@rule(CONTRACT, "Values of the ``[synth]`` section by preset name, ``quota`` included.")
def quotas_of_presets_are_quotas(build: Build) -> None:
    """Read the quota of each preset; other values are parameters."""
    for preset, values in getattr(build.target, "presets", {}).items():
        for key in values:
            known = key == "quota" or build.has(key)
            require(known, f"preset '{preset}' sets '{key}', which is no parameter")
        quota = values.get("quota", "balance")
        text = refusal(lambda q=quota: resolve_quota(q, np.array([3, 1]), [0, 1], ["a", "b"]))  # type: ignore[misc]
        require(not text, f"preset '{preset}': {text}")


@rule(CONTRACT, "Stream `count` samples of class `label`, at most :data:`CHUNK` at a time.")
def quota_is_met(build: Build) -> None:
    """Count what is made, of a quota and of more than one chunk; of 0 there is nothing."""
    synth, data, _ = fitted(build)
    targets = synth.targets(data)
    for counts in (wanted(synth, data), dict.fromkeys(targets[-1:], CHUNK + 5)):
        for label, count in counts.items():
            _, chunks = made(synth, data, counts={label: count})
            sizes = [len(chunk.samples) for chunk in chunks]
            text = f"asked for {count} samples of class {label} it makes {sum(sizes)}"
            require(sum(sizes) == count if synth.exact else sum(sizes) > 0, text)
            require(max(sizes) <= CHUNK, f"a chunk has {max(sizes)} samples, more than {CHUNK}")
            alike = all(chunk.label == label for chunk in chunks)
            require(alike, f"asked for class {label} it makes another")
            nothing = made(synth, data, counts={label: 0})[1]
            require(not nothing, "asked for no sample it makes some")


@rule(CONTRACT, "uint8 (n, size, size, 3) images, or float32 (n, d) embeddings.")
def samples_have_the_type_of_the_data(build: Build) -> None:
    """Type, shape and values of the chunks."""
    synth, data, _ = fitted(build)
    for chunk in made(synth, data)[1]:
        found, due = chunk.samples, data.samples
        text = f"it makes {found.dtype} of shape {found.shape[1:]}, not {due.dtype} {due.shape[1:]}"
        require(found.dtype == due.dtype and found.shape[1:] == due.shape[1:], text)
        require(bool(np.isfinite(found).all()), "it makes values that are not finite")


@rule(
    CONTRACT,
    "The same arguments give the same samples. A method that cannot hit the count declares",
)
def samples_are_a_function_of_the_seed(build: Build) -> None:
    """Sample by the same seed twice, and another."""
    synth, data, _ = fitted(build)
    first, chunks = made(synth, data, seed=1)
    require(same(first, made(synth, data, seed=1)[0]), "the same seed makes other samples")
    if chunks:
        text = "another seed makes the same samples: it ignores the seed"
        require(not same(first, made(synth, data, seed=2)[0]), text)


@rule(CONTRACT, "Whether two samples of one call may be equal.")
def samples_differ_unless_declared(build: Build) -> None:
    """Look for equal ones."""
    synth, data, _ = fitted(build)
    samples, _ = made(synth, data, counts=dict.fromkeys(synth.targets(data)[-1:], CHUNK + 5))
    different = len({sample.tobytes() for sample in samples})
    text = f"{different} of {len(samples)} samples are different, and repeats is False"
    require(synth.repeats or different == len(samples), text)


@rule(CONTRACT, "How one synthetic sample was made.")
def provenance_is_complete(build: Build) -> None:
    """Read method, sources, seed and model of each sample."""
    synth, data, _ = fitted(build)
    with TemporaryDirectory() as folder:
        synth.save(Path(folder))
        learned = any(Path(folder).iterdir())
    name, ids = build.component.name, set(data.image_ids)
    for chunk in made(synth, data, seed=9)[1]:
        told, there = len(chunk.provenance), len(chunk.samples)
        require(told == there, f"{there} samples have {told} provenances")
        for origin in chunk.provenance:
            require(origin.method == name, f"provenance names method '{origin.method}'")
            require(origin.seed == 9, f"provenance names seed {origin.seed}, which was 9")
            stray = set(origin.sources) - ids
            require(not stray, f"provenance names sources that are no training images: {stray}")
            text = "a model is saved and provenance names none, or the other way round"
            require(bool(origin.model) == learned, text)


@contextmanager
def _photos() -> Iterator[Path]:
    """Work in a data folder that has a test set, and give the folder of that."""
    rng = np.random.default_rng(5)
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        for split in ("train", "test"):
            for label in range(len(COUNTS)):
                folder = root / split / f"class{label}"
                folder.mkdir(parents=True)
                pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"image{label}.png")
        with chdir(root), patch.dict(os.environ, {"IMBDERM_DATA": str(root)}):
            yield root / "test"


@rule(CONTRACT, "What a synthesizer is: fitted on training lesions only, it streams chunks of new")
def test_set_is_not_seen(build: Build) -> None:
    """Fit and sample beside a test set on disk, and before another one in memory."""
    first = fitted(build)
    expected = made(first.synth, first.data)[0]
    with _photos() as test, watched(test) as seen:
        again = fit(build, surroundings=1)
        found = made(again.synth, again.data)[0]
    require(not seen, f"it looks at files of the test set: {', '.join(sorted(set(seen))[:3])}")
    same_facts = same(found, expected) and again.facts == first.facts
    text = "other images behind the training images in memory, and what it learns or makes differs"
    require(same_facts, text)


@rule(HERE, UNCHANGED)
def lesions_are_not_changed(build: Build) -> None:
    """Images and labels before and after, where they can be written."""
    synth = prepared(build)
    data = lesions_for(synth)
    before = data.samples.copy(), data.labels.copy()
    open_ = data.with_samples(data.samples.copy())
    synth.fit(open_, make_context())
    made(synth, open_)
    require(same(open_.samples, before[0]), "it changes the training images that it is handed")
    require(same(open_.labels, before[1]), "it changes the labels that it is handed")


@rule(CONTRACT, "Write what was learned below `folder`, without pickle.")
def it_is_read_back(build: Build) -> None:
    """Load what was saved into a new one."""
    synth, data, _ = fitted(build)
    with TemporaryDirectory() as folder:
        synth.save(Path(folder))
        again = prepared(build)
        again.load(Path(folder), data, make_context())
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        text = "loaded from what it saved, a new one makes other samples"
        require(same(made(synth, data)[0], made(again, data)[0]), text)
    pickles = [path.name for path in files if path.suffix in (".pkl", ".pickle", ".pt", ".pth")]
    require(not pickles, f"it saves by pickle: {', '.join(pickles)}")


@rule(
    CONTRACT, 'JSON-able facts for the record. ``"steps"`` counts optimiser updates; ``"curves"``'
)
def facts_are_json(build: Build) -> None:
    """There and back."""
    facts = fitted(build).facts
    try:
        json.dumps(facts, allow_nan=False)
    except (TypeError, ValueError) as error:
        fail(f"its facts are not plain JSON: {error}")
    require(isinstance(facts, dict), f"fit returns a {type(facts).__name__}")


@rule(CONTRACT, "A class has no image, or the method needs what `data` does not have.")
def an_empty_class_is_named(build: Build) -> None:
    """Fit with one."""
    synth = prepared(build)
    text = refusal(lambda: synth.fit(lesions_for(synth, (5, 0, 4)), make_context()))
    require("class1" in text, "it takes a class without images, or does not name it")


@rule(CONTRACT, "A class is too small for the method.")
def a_class_of_one_works_or_is_named(build: Build) -> None:
    """Fit and sample with one image in a class."""
    synth = prepared(build)
    data = lesions_for(synth, (9, 1))
    try:
        synth.fit(data, make_context())
        samples = made(synth, data)[0]
    except InputError as error:
        require("class1" in str(error), f"its refusal does not name the class: {error}")
        return
    count = sum(wanted(synth, data).values())
    kept = len(samples) == count if synth.exact else len(samples) > 0
    require(kept or count == 0, f"of a class of one image it makes {len(samples)} of {count}")


RULES = (
    *EVERY,
    it_is_a_synthesizer,
    quotas_of_presets_are_quotas,
    quota_is_met,
    samples_have_the_type_of_the_data,
    samples_are_a_function_of_the_seed,
    samples_differ_unless_declared,
    provenance_is_complete,
    test_set_is_not_seen,
    lesions_are_not_changed,
    it_is_read_back,
    facts_are_json,
    an_empty_class_is_named,
    a_class_of_one_works_or_is_named,
)

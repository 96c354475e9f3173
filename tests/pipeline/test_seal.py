"""Test images and labels reach the final evaluation and nothing else."""

from __future__ import annotations

import gc
import types
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import imbalance_derm.pipeline.lesions as pipeline
from imbalance_derm import Experiment
from imbalance_derm.data.sources.phantom import Phantom
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.heads.single_task import SingleTask
from imbalance_derm.pipeline.lesions import SealedTest
from imbalance_derm.pipeline.synthetic_data import make, prepare
from imbalance_derm.registry.manager import installed
from imbalance_derm.sampling.mixers.none import NoMixing
from imbalance_derm.sampling.shuffle import Shuffle
from imbalance_derm.synth.augment import Augment
from imbalance_derm.synth.contract import Synthesizer

from .conftest import TINY


def reachable(*roots: object) -> list[object]:
    """Every object that can be reached from `roots` by attribute, item or closure."""
    stop = (types.ModuleType, type, types.FrameType)
    seen: dict[int, object] = {}
    stack = list(roots)
    while stack:
        thing = stack.pop()
        if id(thing) in seen or isinstance(thing, stop):
            continue
        seen[id(thing)] = thing
        if isinstance(thing, types.FunctionType):
            # Not its globals: a function can reach its module, as any code can.
            stack.extend(c.cell_contents for c in thing.__closure__ or () if c.cell_contents)
        elif isinstance(thing, types.MethodType):
            stack.extend([thing.__self__, thing.__func__])
        else:
            stack.extend(gc.get_referents(thing))
    return list(seen.values())


def strings(things: list[object]) -> set[str]:
    found = {thing for thing in things if isinstance(thing, str)}
    for thing in things:
        if isinstance(thing, np.ndarray) and thing.dtype.kind in "UO":
            found |= set(map(str, thing.ravel()))
        elif isinstance(thing, pd.DataFrame):
            found |= set(map(str, thing.to_numpy().ravel()))
    return found


@pytest.mark.parametrize(
    ("part", "method"),
    [
        (Augment, "_fit"),
        (Augment, "_sample"),
        (Shuffle, "order"),
        (NoMixing, "mix"),
        (CrossEntropy, "forward"),
        (SingleTask, "objective"),
    ],
)
def test_a_component_that_looks_for_the_test_set_cannot_find_it(
    part, method, tmp_path, monkeypatch
):
    """Whatever a component can reach from what it is handed holds no test image or label."""
    tables: dict[str, pd.DataFrame] = {}
    original_init = SealedTest.__init__

    def remember(self, reader, table):
        tables["test"] = table
        original_init(self, reader, table)

    spied: list[set[str]] = []
    sealed: list[bool] = []
    original = getattr(part, method)

    def spy(self, *arguments):
        if not spied:
            things = reachable(self, *arguments)
            spied.append(strings(things))
            sealed.append(any(isinstance(t, SealedTest | Phantom) for t in things))
        return original(self, *arguments)

    monkeypatch.setattr(SealedTest, "__init__", remember)
    monkeypatch.setattr(part, method, spy)
    Experiment(preset="smoke", synth="augment", settings=TINY).run(tmp_path, cache=tmp_path / "c")
    test_ids = set(tables["test"]["image"]) | set(tables["test"]["source"])
    assert len(test_ids) > 20
    assert spied
    assert spied[0].isdisjoint(test_ids)
    assert sealed == [False]


@pytest.mark.parametrize("name", [n for n in installed().names("synthesizer") if n != "none"])
def test_no_synthesizer_is_handed_validation_or_test(name, shared_cache, tmp_path, monkeypatch):
    """Whatever `fit` and `sample` of any registered synthesizer can reach is training only."""
    handed: dict[str, set[str]] = {}
    sealed: list[object] = []

    def spy(method):
        original = getattr(Synthesizer, method)

        def watched(self, data, *arguments):
            things = reachable(self, data, *arguments)
            handed.setdefault(method, set()).update(strings(things))
            sealed.extend(t for t in things if isinstance(t, SealedTest | Phantom))
            return original(self, data, *arguments)

        monkeypatch.setattr(Synthesizer, method, watched)

    spy("fit")
    spy("sample")
    spec = Experiment(preset="smoke", synth=name, settings=TINY).spec
    preparation = prepare(spec, tmp_path, lambda event: None)
    make(preparation)
    training = set(preparation.lesions.train.lesions.image_ids)
    others = set(preparation.lesions.validation.lesions.image_ids)
    others |= set(preparation.lesions.test.open().lesions.image_ids)
    assert len(others) > 30
    assert set(handed) == {"fit", "sample"}
    for reached in handed.values():
        assert training <= reached
        assert reached.isdisjoint(others)
    assert sealed == []


def test_the_spy_would_find_the_test_set_if_it_were_handed_over():
    table = pd.DataFrame({"image": ["secret"]})
    seal = SealedTest(None, table)
    things = reachable(types.SimpleNamespace(context={"x": [seal]}))
    assert any(isinstance(thing, SealedTest) for thing in things)
    assert "secret" in strings(things)


def test_other_test_images_and_labels_change_nothing_that_is_learned(tmp_path, monkeypatch):
    original = pipeline.partition

    def tampered(*arguments):
        parts = original(*arguments)
        test = parts.test.copy()
        assert len(test) > 20
        test["label"] = test["label"].map({"benign": "malignant", "malignant": "benign"})
        return replace(parts, test=test.iloc[3:])

    honest = Experiment(preset="smoke", synth="smote", settings=TINY).run(
        tmp_path, cache=tmp_path / "c"
    )
    monkeypatch.setattr(pipeline, "partition", tampered)
    other = Experiment(preset="smoke", synth="smote", settings=TINY).run(
        tmp_path, cache=tmp_path / "c"
    )

    def learned(record):
        """Everything up to the trained classifier; the test images are embedded after it."""
        names = [entry.stage for entry in record.stages]
        return record.stages[: names.index("train") + 1]

    ours = [entry for entry in learned(honest) if entry.stage != "decode"]
    theirs = [entry for entry in learned(other) if entry.stage != "decode"]
    assert {entry.stage for entry in ours} == {"embed", "fit", "sample", "train"}
    assert [entry.key for entry in ours] == [entry.key for entry in theirs]
    assert all(entry.cached for entry in theirs)
    assert other.metrics["test"]["auc"].value == pytest.approx(
        1 - honest.metrics["test"]["auc"].value, abs=0.15
    )
    assert other.decision == honest.decision

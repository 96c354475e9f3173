"""The whole audit: deterministic, JSON-able, per class, in plain words."""

from __future__ import annotations

import json

import numpy as np
import pytest

from imbalance_derm.audit.audit import Audit, audit
from imbalance_derm.audit.inputs import Made, Real, draw, trace
from imbalance_derm.audit.wording import ALL, sentences
from imbalance_derm.errors import InputError

CLASSES = ("bkl", "mel", "nv")
EXTRACTOR = "EfficientNet-Lite0 (ImageNet)"


@pytest.fixture
def real(make_real, photographs) -> Real:
    labels = np.repeat([0, 1, 2], [24, 30, 60])
    features = np.random.default_rng(0).normal(size=(114, 10)) + 2 * labels[:, None]
    return make_real(features, labels, photographs(114, seed=0), np.arange(114) // 2)


@pytest.fixture
def made(real: Real) -> Made:
    """Translations of nevi into both other classes: one class good, one pixel-identical."""
    rows = np.concatenate([np.arange(54, 84), np.arange(84, 114)])
    features = real.features[rows].copy()
    features[:30] -= 2.0
    images = np.asarray(real.images)[rows].copy()
    images[:30] = images[:30] // 2
    return Made(features, images, np.repeat([1, 0], 30), [(str(row),) for row in rows])


def test_same_arguments_same_audit_and_back_from_json(real: Real, made: Made) -> None:
    steps: list[tuple[int, int]] = []
    first = audit(
        real, made, CLASSES, EXTRACTOR, 3, lambda done, total, _: steps.append((done, total))
    )
    assert first == audit(real, made, CLASSES, EXTRACTOR, 3)
    assert steps == [(i, 8) for i in range(1, 9)]
    text = json.dumps(first.to_dict(), allow_nan=False)
    assert Audit.from_dict(json.loads(text)) == first
    assert [part.name for part in first.by_class] == ["bkl", "mel"]
    assert (first.by_class[1].real, first.by_class[1].made) == (30, 30)


def test_what_is_not_an_audit_is_named(real: Real, made: Made) -> None:
    values = audit(real, made, CLASSES, EXTRACTOR).to_dict()
    values["by_class"][0]["fidelity"]["kid"]["value"] = "much"
    with pytest.raises(InputError, match=r"run/audit.json is not an audit.*kid.*value"):
        Audit.from_dict(values, "run/audit.json")


def test_sentences_name_the_extractor_and_what_was_planted(real: Real, made: Made) -> None:
    said = sentences(audit(real, made, CLASSES, EXTRACTOR))
    assert set(said) == {"bkl", "mel", ALL}
    for lines in said.values():
        for line in lines:
            assert line.endswith(".")
            assert "nan" not in line
            assert "None" not in line
            measured = line.startswith(("KID", "Beside", "Frechet", "A classifier", "Translation"))
            assert not measured or EXTRACTOR in line
    copied = "\n".join(said["bkl"])
    assert "1 [" in copied
    assert "copies add weight" in copied
    assert "no shift is shown" in copied
    assert "clearly different from real images" in copied
    assert "towards the class" in "\n".join(said["mel"])
    assert "'nv' is told among all images fed" in said[ALL][-1]


def test_embeddings_have_no_pixel_figures(real: Real, made: Made) -> None:
    bare = Made(made.features, None, made.labels, made.sources)
    found = audit(real, bare, CLASSES, EXTRACTOR)
    assert not found.shortcut.pixels
    for part in found.by_class:
        assert part.memorisation.ssim is None
        assert part.memorisation.flagged is not None
        assert part.copies.identical is None
    assert "pixel by" not in str(sentences(found))


def test_a_class_without_real_images_still_reads(real: Real) -> None:
    made = Made(real.features[:3] + 1, None, np.full(3, 3), [()] * 3)
    found = audit(real, made, (*CLASSES, "vasc"), EXTRACTOR)
    said = sentences(found)["vasc"]
    assert any(line.startswith("KID not given") for line in said)
    assert any(line.startswith("Class fidelity not judged: 0 real lesion") for line in said)
    assert Audit.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found


def test_bad_input_is_refused_in_one_line(real: Real, made: Made) -> None:
    for wrong, message in (
        (Made(made.features[:0], None, made.labels[:0], []), "no synthetic sample"),
        (Made(made.features[:1], None, made.labels[:1], [("gone",)]), "'gone'"),
        (Made(made.features[:, :3], None, made.labels, made.sources), "one extractor"),
        (Made(made.features, None, made.labels[:5], made.sources), "differ in length"),
        (Made(made.features * np.inf, None, made.labels, made.sources), "not finite"),
        (
            Made(made.features, np.zeros((60, 8, 8, 3), np.uint8), made.labels, made.sources),
            "resize",
        ),
    ):
        with pytest.raises(InputError, match=message) as error:
            audit(real, wrong, CLASSES, EXTRACTOR)
        assert "\n" not in str(error.value)


def test_draw_is_a_function_of_its_seed() -> None:
    rows = np.arange(100) * 2
    first = draw(rows, (0, 1), cap=30)
    assert len(set(first.tolist())) == 30
    assert set(first) <= set(rows)
    np.testing.assert_array_equal(first, draw(rows, (0, 1), cap=30))
    assert not np.array_equal(first, draw(rows, (0, 2), cap=30))


def test_groups_are_lesions_of_first_sources(make_real, make_made) -> None:
    real = make_real(np.zeros((4, 2)), lesions=np.array([0, 0, 1, 2]))
    origins = trace(real, make_made(np.zeros((3, 2)), sources=[(1,), (2, 0), ()]))
    assert origins.groups[0] == origins.lesions[0] == origins.lesions[1]
    assert origins.groups[1] == origins.lesions[2]
    assert origins.groups[2] not in origins.lesions
    expected = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], bool)
    np.testing.assert_array_equal(origins.related(np.arange(4), np.arange(3)), expected)

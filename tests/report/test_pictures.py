from __future__ import annotations

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import precision_recall_curve, roc_auc_score

from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.report import curves, pictures
from imbalance_derm.report.evidence import EmbeddingMap
from imbalance_derm.report.photographs import overlay, photograph
from imbalance_derm.report.style import INK, SERIES


def decoded(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2])


def words(uri: str) -> str:
    """The text of an SVG; parsing it also shows that it is well formed."""
    assert uri.startswith("data:image/svg+xml;base64,")
    tree = ElementTree.fromstring(decoded(uri).decode("utf-8"))
    texts = (element for element in tree.iter() if element.tag.endswith("text"))
    return " ".join("".join(element.itertext()) for element in texts)


@pytest.fixture(scope="module")
def said() -> Predictions:
    rng = np.random.default_rng(0)
    labels = (rng.random(200) < 0.2).astype(np.int64)
    score = 1 / (1 + np.exp(-(rng.normal(0, 1, 200) + 1.5 * labels - 1)))
    ids = np.array([str(i) for i in range(200)])
    return Predictions(ids, ids, labels, np.stack([1 - score, score], 1), ("benign", "malignant"))


def test_a_chart_follows_the_readers_scheme(said):
    text = decoded(pictures.roc_curve(said)).decode("utf-8")
    assert "prefers-color-scheme:dark" in text
    body = text[text.index("</style>") :]
    assert "var(--c0)" in body
    assert all(colour not in body for colour in (INK, *SERIES))
    links = re.findall(r'(?:href|src)="([^"]*)"', body)
    assert all(link.startswith("#") for link in links)


def test_charts_are_the_same_every_time(said):
    assert pictures.precision_recall_curve(said, 0.5) == pictures.precision_recall_curve(said, 0.5)


def test_the_drawn_roc_has_the_area_of_scikit_learns(said):
    x, y = pictures._roc(said.probabilities[:, 1], said.labels == 1, np.ones((1, 200)))
    area = np.trapezoid(y[0], x[0])
    assert area == pytest.approx(roc_auc_score(said.labels, said.probabilities[:, 1]))


def test_precision_on_the_grid_is_scikit_learns(said):
    scores, positive = said.probabilities[:, 1], said.labels == 1
    got = pictures._precision_on_grid(scores, positive, np.ones((1, 200)))[0]
    precision, recall, _ = precision_recall_curve(positive, scores)
    for at, value in zip(pictures._GRID, got, strict=True):
        # The highest threshold that reaches the recall; scikit-learn lists recall falling.
        last = np.flatnonzero(recall >= at - 1e-12)[-1]
        assert value == pytest.approx(precision[last])


def test_binary_curves_show_band_and_operating_point(said):
    for draw in (pictures.roc_curve, pictures.precision_recall_curve):
        assert "operating point" in words(draw(said, 0.4))
        assert "95 % band" in words(draw(said, 0.4))
        assert "operating point" not in words(draw(said))


def test_many_classes_have_a_curve_each_and_absent_ones_none(said):
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(4), 60)
    labels = rng.integers(3, size=60)
    ids = np.arange(60).astype(str)
    text = words(pictures.roc_curve(Predictions(ids, ids, labels, probabilities, tuple("abcd"))))
    assert [name in text.split() for name in "abcd"] == [True, True, True, False]


def test_hostile_names_do_not_break_a_chart(said):
    names = ("_benign", "<b>&$\\frac{$")
    renamed = Predictions(said.image_ids, said.lesion_ids, said.labels, said.probabilities, names)
    assert "<b>&$\\frac{$" in words(pictures.roc_curve(renamed))
    labels, synthetic = np.array([0, 0, 1, 1]), np.array([False, True, False, True])
    points = EmbeddingMap(np.zeros((4, 2)), labels, synthetic, names)
    assert "_benign, real" in words(pictures.embedding_scatter(points))


def test_reliability_of_one_repeated_probability():
    ids = np.arange(10).astype(str)
    said = Predictions(
        ids, ids, np.array([1] * 7 + [0] * 3), np.tile([0.3, 0.7], (10, 1)), ("a", "b")
    )
    assert "images" in words(pictures.reliability_diagram(said))


@pytest.mark.parametrize(
    "points",
    [
        [{"update": 1, "loss": 0.5}],
        [{"update": 1, "loss": 0.5}, {"update": 2, "loss": None, "validation": {"auc": None}}],
        [{"update": 4, "validation": {"auc": 0.7, "loss": 0.4}}],
    ],
)
def test_classifier_curves_with_gaps(points):
    text = words(curves.classifier_curves(points, best_update=2))
    assert "optimiser updates" in text
    looks = any(v is not None for p in points for v in (p.get("validation") or {}).values())
    assert ("on validation" in text) == looks


def test_a_synthesizers_losses_in_either_form():
    rows = [{"step": s, "generator": 2.0 / s, "cycle": 1.0 / s} for s in range(1, 6)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    assert curves.series_of(rows) == curves.series_of(columns)
    assert curves.synthesizer_curves(rows) == curves.synthesizer_curves(columns)
    text = words(curves.synthesizer_curves(rows))
    assert "generator" in text
    assert "cycle" in text
    assert curves.synthesizer_curves([]) is None
    assert curves.synthesizer_curves([{"step": 1, "generator": None}]) is None


def test_a_large_map_is_sampled():
    n = pictures.MOST_POINTS + 500
    rng = np.random.default_rng(0)
    points = EmbeddingMap(rng.normal(size=(n, 2)), np.zeros(n, int), np.zeros(n, bool), ("a",))
    text = decoded(pictures.embedding_scatter(points)).decode("utf-8")
    marks = text.count("<use ")
    assert pictures.MOST_POINTS <= marks < n
    assert "synthetic" not in words(pictures.embedding_scatter(points))


def read(uri: str) -> np.ndarray:
    assert uri.startswith("data:image/jpeg;base64,")
    return np.asarray(Image.open(io.BytesIO(decoded(uri)))).astype(float)


def test_a_photograph_keeps_its_colours():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, :32], image[:, 32:] = (200, 120, 100), (60, 40, 30)
    assert np.abs(read(photograph(image)) - image).mean() < 2
    assert read(photograph(np.zeros((600, 300, 3), np.uint8))).shape == (256, 128, 3)


def test_heat_changes_the_image_only_where_it_is():
    image = np.full((60, 60, 3), 150, np.uint8)
    heat = np.zeros((6, 6))
    heat[0, 0] = 1.0
    difference = np.abs(read(overlay(image, heat)) - image).sum(axis=2)
    assert difference[:6, :6].mean() > 60
    assert difference[30:, 30:].mean() < 6

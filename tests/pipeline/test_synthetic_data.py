"""Synthetic data on their own: what is fitted, written, drawn, and found again by a run."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from imbalance_derm import Experiment
from imbalance_derm.data.sources.folder import Folder
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.stages import StageCache
from imbalance_derm.pipeline.learning import make_workbench
from imbalance_derm.pipeline.lesions import load_lesions
from imbalance_derm.pipeline.synthetic_data import export, fit_only, make, prepare, preview

from .conftest import TINY


def prepared(cache, *settings: str, **parts):
    experiment = Experiment(preset="smoke", settings=(*TINY, *settings), **parts)
    return prepare(experiment.spec, cache, lambda event: None)


def test_an_export_is_a_class_folder_data_set_made_of_training_images(tmp_path, shared_cache):
    preparation = prepared(shared_cache, "synth.quota=9", synth="augment")
    export(preparation, tmp_path / "made")
    rows = list(csv.DictReader((tmp_path / "made" / "manifest.csv").open()))
    table = Folder().table(tmp_path / "made")
    assert Counter(table["label"]) == Counter(row["class"] for row in rows) == {"malignant": 9}
    training = set(preparation.lesions.train.lesions.image_ids)
    for row in rows:
        assert (tmp_path / "made" / row["file"]).is_file()
        assert row["sources"] in training
    export(preparation, tmp_path / "made")  # its own export may be replaced


def test_somebody_elses_folder_is_not_touched(tmp_path, shared_cache):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="exists and is no export"):
        export(prepared(shared_cache, synth="augment"), tmp_path / "mine")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_preview_holds_real_sources_and_synthetic_tiles(tmp_path, shared_cache):
    made = preview(prepared(shared_cache, synth="cyclegan"), tmp_path / "p" / "sheet.png")
    assert len(made.labels) == 8
    with Image.open(tmp_path / "p" / "sheet.png") as sheet:
        # benign: real; malignant: real, sources, synthetic; eight tiles of 128 px in each.
        assert sheet.width // 128 == 8
        assert sheet.height // 150 == 4
    with pytest.raises(InputError, match="no picture"):
        preview(prepared(shared_cache, synth="smote"), tmp_path / "no.png")


def test_nothing_to_make_is_said(shared_cache):
    with pytest.raises(InputError, match="synthesizer 'none' makes nothing"):
        prepared(shared_cache)


def test_a_run_finds_what_was_fitted_before(tmp_path):
    stage = fit_only(prepared(tmp_path / "cache", synth="cyclegan"))
    assert stage.facts["steps"] > 0
    record = Experiment(preset="smoke", settings=TINY, synth="cyclegan").run(
        tmp_path / "runs", cache=tmp_path / "cache"
    )
    (fit,) = [entry for entry in record.stages if entry.stage == "fit"]
    assert fit.cached
    assert fit.steps == 0


def test_the_samples_stay_when_only_the_training_seed_changes(tmp_path):
    def fitted(seed, *settings):
        experiment = Experiment(
            preset="smoke", settings=(*TINY, *settings), synth="cyclegan", seed=seed
        )
        return make(prepare(experiment.spec, tmp_path, lambda event: None)).key

    assert fitted(0) != fitted(1)
    assert fitted(0) == fitted(1, "synth.seed=0") == fitted(0, "synth.seed=0")


def test_synthetic_images_are_embedded_for_a_frozen_backbone(tmp_path, shared_cache):
    record = Experiment(
        preset="smoke", settings=(*TINY, "backbone.frozen=true"), synth="augment"
    ).run(tmp_path, cache=shared_cache)
    assert sum(record.data["fed"]["synthetic"].values()) > 0
    assert 0 <= record.metrics["test"]["auc"].value <= 1


def test_masks_lie_on_the_images(tmp_path):
    settings = (*TINY, "data.image_size=64")
    spec = Experiment(preset="smoke", settings=settings).spec
    bench = make_workbench(spec, StageCache(tmp_path))
    train, without = (load_lesions(bench, masks=wanted).train for wanted in (True, False))
    assert train.key == without.key
    assert len(train.masks) == 64
    assert without.masks == ""
    assert without.lesions.masks is None
    masks, images = train.lesions.masks, np.asarray(train.lesions.samples)
    assert masks.shape == images.shape[:3]
    assert masks.dtype == bool
    inside = np.array([i[m].mean() for i, m in zip(images, masks, strict=True)])
    outside = np.array([i[~m].mean() for i, m in zip(images, masks, strict=True)])
    assert (inside < outside).mean() > 0.95  # pigment is darker than skin


def test_a_data_set_without_masks_is_refused(tmp_path, shared_cache):
    export(prepared(shared_cache, "synth.quota=x1", synth="augment"), tmp_path / "made")
    experiment = Experiment(
        str(tmp_path / "made"), preset="smoke", settings=("data.image_size=32",)
    )
    bench = make_workbench(experiment.spec, StageCache(tmp_path / "cache"))
    with pytest.raises(InputError, match="needs lesion masks"):
        load_lesions(bench, masks=True)


def test_another_mode_of_one_diffusion_model_fits_nothing_anew(tmp_path):
    stages = []
    for mode in ("generate", "translate", "inpaint"):
        settings = (*TINY, f"synth.mode={mode}", "synth.quota=3")
        spec = Experiment(preset="smoke", synth="diffusion", settings=settings).spec
        preparation = prepare(spec, tmp_path, lambda event: None)
        assert len(make(preparation).labels) == 3
        stages += preparation.workshop.bench.cache.entries
    computed = Counter(entry.stage for entry in stages if not entry.cached)
    assert computed["fit"] == 1
    assert computed["sample"] == 3

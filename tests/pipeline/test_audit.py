"""The audit as a stage and as a command: what it looks at, and what it leaves."""

from __future__ import annotations

import json

import numpy as np
import pytest

from imbalance_derm import Experiment
from imbalance_derm.audit.audit import Audit
from imbalance_derm.errors import InputError
from imbalance_derm.pipeline.audit import audit
from imbalance_derm.pipeline.benefit import measure_benefit
from imbalance_derm.pipeline.examination import closest_pairs, examine
from imbalance_derm.pipeline.synthetic_data import make, prepare

from .conftest import TINY


def prepared(cache, *settings: str, **parts):
    experiment = Experiment(preset="smoke", settings=(*TINY, *settings), **parts)
    return prepare(experiment.spec, cache, lambda event: None)


def examined(cache, *settings: str, **parts):
    preparation = prepared(cache, *settings, **parts)
    training = preparation.lesions.train
    return preparation, examine(preparation.workshop, training, make(preparation))


def test_only_so_many_samples_are_looked_at_and_all_are_counted(shared_cache):
    settings = ("synth.quota=60", "audit.images=25")
    preparation, found = examined(shared_cache, *settings, synth="augment")
    (part,) = found.audit.by_class
    assert part.made == len(found.looked_at.labels) == 25
    counts = preparation.lesions.train.lesions.class_counts
    # Perfect knowledge of what is synthetic, over all 60 fed: closed form of its AUC.
    share = 60 / (60 + counts[1])
    assert found.audit.shortcut.flag_auc["malignant"] == pytest.approx(0.5 + share / 2)
    assert found.audit.extractor == "efficientnet_lite0 at 32 px"


def test_copies_are_found_out(shared_cache):
    _, found = examined(shared_cache, "synth.quota=30", synth="duplicate")
    (part,) = found.audit.by_class
    assert part.copies.identical.value == 1
    assert part.copies.difference.value == 0


def test_embeddings_are_compared_as_embeddings(shared_cache):
    preparation, found = examined(shared_cache, "synth.quota=20", synth="smote")
    assert found.audit.by_class[0].copies.identical is None
    assert not found.audit.shortcut.pixels
    assert closest_pairs(found, preparation.lesions.train) == ()


def test_the_closest_pairs_are_the_pictures_of_the_audit(shared_cache):
    preparation, found = examined(shared_cache, "synth.quota=20", synth="augment")
    pairs = closest_pairs(found, preparation.lesions.train)
    closest = found.audit.by_class[0].memorisation.closest
    assert len(pairs) == len(closest) > 0
    first = found.looked_at.samples[closest[0].sample]
    np.testing.assert_array_equal(pairs[0].sample, first)


def test_a_sample_is_never_paired_with_its_own_source(shared_cache):
    preparation, found = examined(shared_cache, "synth.quota=40", synth="augment")
    ids = preparation.lesions.train.lesions.image_ids
    for pair in found.audit.by_class[0].memorisation.closest:
        assert ids[pair.real] != found.looked_at.manifest["sources"].iloc[pair.sample]


def test_the_benefit_holds_the_samples_and_varies_the_classifier(tmp_path):
    preparation = prepared(tmp_path, "backbone.frozen=true", "train.updates=20", synth="augment")
    cache = preparation.workshop.bench.cache
    found = measure_benefit(preparation.spec, cache, 2)
    computed = [entry for entry in cache.entries if not entry.cached]
    # The synthesizer and its rival of the same name share one fit, over all seeds.
    assert sum(entry.stage == "fit" for entry in computed) == 1
    assert sum(entry.stage == "train" for entry in computed) == 4
    against = found["against"]
    assert set(against) == {"none", "augment"}
    assert against["augment"]["figures"]["auc"]["difference"]["value"] == 0
    assert len(against["none"]["delong"]) == 2
    values = [each["difference"]["value"] for each in against["none"]["delong"]]
    assert against["none"]["figures"]["auc"]["difference"]["value"] == pytest.approx(
        np.mean(values)
    )
    assert "20 optimiser updates" in found["note"]


def test_an_audit_leaves_figures_that_can_be_read_back(tmp_path, shared_cache):
    preparation = prepared(shared_cache, synth="cyclegan")
    outcome = audit(preparation, tmp_path / "a", seeds=0, command="imbderm synth audit")
    facts = json.loads((tmp_path / "a" / "audit.json").read_text())
    assert Audit.from_dict(facts["audit"]) == outcome.audit
    assert facts["benefit"] is None
    assert facts["made"] == {"benign": 0, "malignant": facts["asked"]["malignant"]}
    assert facts["fit"]["steps"] == 4
    assert (tmp_path / "a" / "audit.html").read_text().rstrip().endswith("</html>")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is no folder"):
        audit(preparation, tmp_path / "file", seeds=0, command="")


def test_a_run_leaves_its_audit_and_shows_it(tmp_path, shared_cache):
    record = Experiment(preset="smoke", settings=TINY, synth="augment").run(
        tmp_path, cache=shared_cache
    )
    found = Audit.from_dict(json.loads((tmp_path / record.name / "audit.json").read_text()))
    page = (tmp_path / record.name / "report.html").read_text()
    assert "Can the synthetic samples be trusted?" in page
    assert found.extractor in page
    assert "audit" in {entry.stage for entry in record.stages}

"""A mixer by name: in the record, in the stage key, refused where it cannot work."""

from __future__ import annotations

import pytest

from imbalance_derm import Experiment
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.registry.manager import installed

from .conftest import TINY


def experiment(*settings: str, **parts) -> Experiment:
    return Experiment(preset="smoke", settings=(*TINY, *settings), **parts)


def train_key(record) -> str:
    (key,) = [stage.key for stage in record.stages if stage.stage == "train"]
    return key


@pytest.mark.parametrize("mixer", installed().names("mixer"))
def test_every_mixer_runs_with_the_joint_head(mixer, tmp_path, shared_cache):
    record = experiment(mixer=mixer, head="body_site_mtl").run(tmp_path, cache=shared_cache)
    component = installed().get("mixer", mixer).component
    assert record.components["mixer"]["name"] == mixer
    assert record.components["mixer"]["citation"] == component.citation
    assert record.spec["mixer"]["name"] == mixer
    assert record.data["updates"] == 4


def test_another_alpha_is_another_training(tmp_path, shared_cache):
    parts = {"mixer": "remix", "synth": "smote"}
    records = [
        experiment(f"mixer.alpha={alpha}", **parts).run(tmp_path, cache=shared_cache)
        for alpha in (1.0, 0.5, 0.5)
    ]
    first, second, again = map(train_key, records)
    assert first != second == again
    curves = [record.curves["classifier"] for record in records]
    assert curves[0] != curves[1] == curves[2]


def test_cutmix_on_embeddings_is_refused_before_anything_runs(tmp_path):
    cache = tmp_path / "cache"
    with pytest.raises(InputError, match="use --mixer mixup or remix"):
        experiment("backbone.frozen=true", mixer="cutmix").run(tmp_path / "runs", cache=cache)
    assert not list(cache.glob("*/*"))


def test_a_specification_from_before_mixers_mixes_nothing():
    text = Spec().to_toml().replace('[mixer]\nname = "none"\n', "")
    assert "mixer" not in text
    assert Spec.from_toml(text) == Spec()

"""From what the user typed to a resolved specification."""

from __future__ import annotations

import pytest
from PIL import Image

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.settings import parse_setting, read_config, resolve
from imbalance_derm.experiment.spec import Spec


def test_later_sources_win_over_earlier_ones(tmp_path):
    (tmp_path / "c.toml").write_text(
        '[train]\nbatch_size = 24\nepochs = 3.0\n[loss]\nname = "focal"\n'
    )
    tree = read_config(tmp_path / "c.toml")
    assert resolve(tree, "smoke").train.updates == 6  # preset
    assert resolve(tree, "smoke").train.batch_size == 24  # file over preset
    tree["train"] |= parse_setting("train.batch_size=40")["train"]
    assert resolve(tree, "smoke").train.batch_size == 40
    assert resolve(tree).loss.name == "focal"
    assert resolve(tree).train.epochs == 3.0


def test_a_component_brings_its_own_preset_values():
    paper, demo = (resolve({"synth": "cyclegan"}, preset) for preset in ("paper", "demo"))
    assert paper.synth.quota == "per_source"
    assert paper.synth.parameters["image_pool"] == 0
    assert paper.synth.parameters["filters"] == 32
    assert paper.data.image_size == 256
    assert demo.synth.parameters["steps"] is not None


def test_toml_round_trip_is_enough_to_run_again():
    spec = resolve(
        {"synth": "cyclegan", "loss": "weighted_ce/sqrt", "trackers": ["jsonl"], "seed": 7}
    )
    assert Spec.from_toml(spec.to_toml()) == spec
    assert spec.loss.parameters["weighting"] == "sqrt"
    assert spec.trackers[0].parameters == {"file": "events.jsonl"}


def test_an_old_spec_resolves_to_itself_under_any_preset():
    spec = resolve({"loss": "focal", "train": {"updates": 5}}, "smoke")
    import tomllib

    again = resolve(tomllib.loads(spec.to_toml()))
    assert again == spec


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ({"los": "focal"}, "unknown setting 'run.los'; did you mean 'loss'"),
        ({"loss": "focl"}, "unknown loss 'focl'; did you mean 'focal'"),
        ({"loss": {"name": "focal", "gama": 1}}, "'loss.gama'; did you mean 'gamma'"),
        ({"loss": {"name": "focal", "gamma": -1}}, "loss.gamma=-1"),
        ({"train": {"batch": 2}}, "did you mean 'batch_size'"),
        ({"train": {"batch_size": 1}}, "train.batch_size=1"),
        ({"data": {"image_sise": 2}}, "'data.image_sise'; did you mean 'image_size'"),
        ({"data": "photos/mole"}, "photos/mole: no such file or folder"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_each_mistake_is_one_line_with_the_nearest_key(tree, text):
    with pytest.raises(InputError) as error:
        resolve(tree)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_preset():
    with pytest.raises(InputError, match="unknown preset 'demoo'; did you mean 'demo'"):
        resolve({}, "demoo")


def test_set_needs_section_and_value():
    assert parse_setting("synth.quota={mel=5}") == {"synth": {"quota": {"mel": 5}}}
    assert parse_setting("data.skip_bad_images=true") == {"data": {"skip_bad_images": True}}
    with pytest.raises(InputError, match=r"SECTION\.KEY=VALUE"):
        parse_setting("epochs")


def test_a_path_chooses_the_data_set_that_reads_it(tmp_path):
    (tmp_path / "photos" / "nv").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "photos" / "nv" / "a.png")
    spec = resolve({"data": str(tmp_path / "photos")})
    assert (spec.data.name, spec.data.root) == ("folder", str(tmp_path / "photos"))
    (tmp_path / "table.csv").write_text("image,label\n")
    assert resolve({"data": str(tmp_path / "table.csv")}).data.name == "csv"
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InputError, match="no data set can read"):
        resolve({"data": str(tmp_path / "notes.txt")})


def test_bad_toml_names_the_file(tmp_path):
    (tmp_path / "c.toml").write_text("[train\n")
    with pytest.raises(InputError, match=r"c\.toml is not valid TOML"):
        read_config(tmp_path / "c.toml")
    with pytest.raises(InputError, match=r"cannot read .*none\.toml"):
        read_config(tmp_path / "none.toml")

"""What a result is kept under, and that a run's own files are not the cache's."""

from __future__ import annotations

from imbalance_derm.pipeline.export import export_run
from imbalance_derm.pipeline.workbench import identity


def test_other_weights_at_the_same_path_are_another_part(tmp_path):
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"yesterday's")
    before = identity("backbone", "vgg16", {"weights": str(file)})
    assert identity("backbone", "vgg16", {"weights": str(file)}) == before
    file.write_bytes(b"today's")
    assert identity("backbone", "vgg16", {"weights": str(file)}) != before
    assert "files" not in identity("backbone", "vgg16", {"weights": "imagenet"})


class Cached:
    """A stage's folder, as far as an export reads it."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.file = folder / "predictions.csv"
        self.stage = self


def test_an_edit_of_a_runs_file_does_not_reach_the_cache(tmp_path):
    cache, run = tmp_path / "cache", tmp_path / "run"
    cache.mkdir()
    for name in ("predictions.csv", "weights.safetensors"):
        (cache / name).write_text("as computed")
    export_run(run, Cached(cache), None, Cached(cache), ("benign", "malignant"))
    for name in ("predictions.csv", "weights.safetensors"):
        with (run / name).open("r+") as file:
            file.write("edited")
        assert (cache / name).read_text() == "as computed"

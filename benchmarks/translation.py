"""Are translated images what they claim? Judged by a classifier that saw real images only.

Two runs on the same data and split: one with a translating synthesizer, one with real images only.

    python benchmarks/translation.py TRANSLATING_RUN REAL_ONLY_RUN [--out FILE.json]

For each translation and its own source the real-only classifier gives the probability of the
target class; the difference is paired, its interval resamples the sources' lesions. How much a
translation differs from its source, and translations from each other, is the mean absolute
difference of their pixels, on the scale 0 to 255.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from safetensors.torch import load_file

from imbalance_derm.evaluation.intervals import paired_mean_interval
from imbalance_derm.experiment.record import RECORD_FILE, Record
from imbalance_derm.experiment.stages import StageCache
from imbalance_derm.models.contract import Model, Task
from imbalance_derm.pipeline.classifier import WEIGHTS, build_backbone
from imbalance_derm.pipeline.export import SYNTHETIC
from imbalance_derm.pipeline.lesions import load_lesions
from imbalance_derm.pipeline.naming import read_run_spec
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.synth.augment import alter
from imbalance_derm.training.device import make_accelerator
from imbalance_derm.training.inference import predict


def examine(translating: Path, real_only: Path, cache: Path) -> dict[str, object]:
    spec = read_run_spec(real_only)
    bench = Workbench(spec, StageCache(cache), make_accelerator(spec.train))
    lesions = load_lesions(bench).train.lesions
    backbone = build_backbone(bench)
    head = bench.build("head", Task(backbone.features, lesions.classes, lesions.site_names))
    model = Model(backbone, head)
    model.load_state_dict(load_file(real_only / WEIGHTS))
    model.eval()

    manifest = pd.read_csv(translating / SYNTHETIC / "manifest.csv", dtype={"sources": str})
    place = {image: row for row, image in enumerate(lesions.image_ids)}
    rows = np.array([place[source] for source in manifest["sources"]])
    made = np.stack(
        [np.asarray(Image.open(translating / SYNTHETIC / file)) for file in manifest["file"]]
    )
    target = np.array([lesions.classes.index(name) for name in manifest["class"]])
    index = np.arange(len(target))
    sources = np.asarray(lesions.samples[rows])
    before = predict(model, sources, bench.accelerator)[index, target]
    after = predict(model, made, bench.accelerator)[index, target]
    # A classifier knows its own training images well: altered copies of the same sources, which it
    # has not seen either, tell how much of the difference that alone would make.
    rng = np.random.default_rng(0)
    altered = np.stack([alter(image, "skin", rng) for image in sources])
    control = predict(model, altered, bench.accelerator)[index, target]
    groups = lesions.lesion_ids[rows]
    other = np.random.default_rng(0).permutation(len(made))
    distance = np.abs(made.astype(float) - sources).mean(axis=(1, 2, 3))
    apart = np.abs(made.astype(float) - made[other]).mean(axis=(1, 2, 3))[other != index]
    apart_sources = np.abs(sources.astype(float) - sources[other]).mean(axis=(1, 2, 3))
    record = Record.from_json((translating / RECORD_FILE).read_text(encoding="utf-8"))
    return {
        "translating_run": record.name,
        "real_only_run": real_only.name,
        "classifier": "trained on real images only, "
        f"{spec.loss.name}, seed {spec.seed}; images are its own training sources",
        "images": len(made),
        "score_of_sources": float(before.mean()),
        "score_of_translations": float(after.mean()),
        "paired_difference": asdict(paired_mean_interval(after - before, groups)),
        "score_of_altered_sources": float(control.mean()),
        "paired_difference_from_altered": asdict(paired_mean_interval(after - control, groups)),
        "share_of_translations_scored_higher": float((after > before).mean()),
        "pixels_from_source": {
            "mean": float(distance.mean()), "min": float(distance.min())
        },
        "pixels_between_translations": {"mean": float(apart.mean()), "min": float(apart.min())},
        "pixels_between_sources": float(apart_sources[other != index].mean()),
        "identical_translations": len(made) - len({image.tobytes() for image in made}),
        "test_auc_of_translating_run": asdict(record.metrics["test"]["auc"]),
        "environment": record.environment,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("translating", type=Path)
    parser.add_argument("real_only", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        found = examine(arguments.translating, arguments.real_only, Path(cache))
    text = json.dumps(found, indent=2)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

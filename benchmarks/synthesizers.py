"""Every synthesizer family fitted and audited on one data set; one table.

    python benchmarks/synthesizers.py --data isic2016 --data-root DIR --out FILE.json [--pages DIR]

Each row is one ``imbderm synth audit``, whose command stands in it. Stages that were computed
before are found in the cache, so an interrupted benchmark goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import shlex
import tempfile
from pathlib import Path
from typing import Any

from imbalance_derm import Experiment
from imbalance_derm.audit.audit import Audit
from imbalance_derm.audit.wording import sentences
from imbalance_derm.errors import ImbdermError
from imbalance_derm.experiment.files import write_text
from imbalance_derm.pipeline.audit import audit
from imbalance_derm.pipeline.experiment import cache_folder
from imbalance_derm.pipeline.synthetic_data import prepare

COMMON = (
    "data.image_size=64", "synth.quota=balance", "backbone.frozen=true", "train.updates=400",
)  # fmt: skip
GAN = (
    "synth.steps=2500", "synth.residual=true", "synth.filters=24",
    "synth.discriminator_filters=32", "synth.batch_size=4", "synth.learning_rate=4e-4",
    "synth.cycle_weight=3.0", "synth.spectral_norm=true", "synth.ema=0.99",
)  # fmt: skip
DIFFUSION = (
    "synth.steps=2500", "synth.channels=[32, 64, 96]", "synth.layers_per_block=1",
    "synth.batch_size=8", "synth.learning_rate=6e-4", "synth.ema=0.998",
    "synth.sampling_steps=12",
)  # fmt: skip
FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "duplicate": ("duplicate", ()),
    "augment": ("augment", ()),
    "augment_strong": ("augment_strong", ()),
    "smote, embedding": ("smote", ()),
    "borderline_smote, embedding": ("borderline_smote", ()),
    "svm_smote, embedding": ("svm_smote", ()),
    "kmeans_smote, embedding": ("kmeans_smote", ("synth.cluster_balance_threshold=0.1",)),
    "adasyn, embedding": ("adasyn", ()),
    "smote, pca": ("smote", ("synth.space=pca",)),
    "smote, pixel": ("smote", ("synth.space=pixel",)),
    "deepsmote": ("deepsmote", ()),
    "cyclegan, per pair": ("cyclegan", GAN),
    "cyclegan, shared": ("cyclegan", (*GAN, "synth.models=shared")),
    "diffusion, generate": ("diffusion", DIFFUSION),
    "diffusion, translate": ("diffusion", (*DIFFUSION, "synth.mode=translate")),
    "diffusion, inpaint": ("diffusion", (*DIFFUSION, "synth.mode=inpaint")),
}


def examine(
    data: str, root: str, name: str, settings: tuple[str, ...], seeds: int, folder: Path
) -> dict[str, Any]:
    words = ["imbderm", "synth", "audit", "--data", data, "--synth", name, "--seeds", str(seeds)]
    for setting in (*COMMON, *settings):
        words += ["--set", setting]
    command = shlex.join(words)
    try:
        experiment = Experiment(data, data_root=root, synth=name, settings=(*COMMON, *settings))
        preparation = prepare(experiment.spec, cache_folder(), lambda event: None)
        facts = audit(preparation, folder, seeds, command).facts
    except ImbdermError as error:
        return {"command": command, "refused": str(error)}
    spec = facts.pop("spec")
    found = Audit.from_dict(facts["audit"])
    return {**facts, "parameters": spec["synth"], "sentences": sentences(found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="isic2016")
    parser.add_argument("--data-root", default="")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pages", type=Path, help="where the audits' pages are kept")
    parser.add_argument("--only", nargs="*", help="families by their name in the table")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        pages, rows = arguments.pages or Path(temporary), {}
        if arguments.out.is_file():
            rows = json.loads(arguments.out.read_text(encoding="utf-8"))["families"]
        for family, (name, settings) in FAMILIES.items():
            if arguments.only and family not in arguments.only:
                continue
            folder = pages / family.replace(", ", "-").replace(" ", "_")
            rows[family] = examine(
                arguments.data, arguments.data_root, name, settings, arguments.seeds, folder
            )
            print(family, rows[family].get("refused") or rows[family]["fit"]["seconds"], flush=True)
            ordered = {each: rows[each] for each in FAMILIES if each in rows}
            table = {"data": arguments.data, "families": ordered}
            write_text(arguments.out, json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()

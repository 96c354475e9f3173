"""Pictures of what each synthesizer makes of phantom images, for the documentation.

    python benchmarks/galleries.py [--out docs/pictures] [--only NAME ...]

Phantom images are drawn by a program: no picture of a person's skin stands in the repository.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from imbalance_derm import Experiment
from imbalance_derm.pipeline.experiment import cache_folder
from imbalance_derm.pipeline.synthetic_data import prepare, preview

GALLERIES = {
    "augment": ("augment", ()),
    "augment_strong": ("augment_strong", ()),
    "smote_pixel": ("smote", ("synth.space=pixel",)),
    "smote_pca": ("smote", ("synth.space=pca",)),
    "deepsmote": ("deepsmote", ()),
    "cyclegan": ("cyclegan", ()),
    "diffusion_generate": ("diffusion", ("synth.steps=1500",)),
    "diffusion_translate": ("diffusion", ("synth.steps=1500", "synth.mode=translate")),
    "diffusion_inpaint": ("diffusion", ("synth.steps=1500", "synth.mode=inpaint")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--only", nargs="*", default=list(GALLERIES))
    arguments = parser.parse_args()
    for name in arguments.only:
        part, settings = GALLERIES[name]
        spec = Experiment("phantom", synth=part, settings=settings).spec
        path = arguments.out / f"{name}.png"
        preview(prepare(spec, cache_folder(), lambda event: None), path)
        slim(path)
        print(name, flush=True)


def slim(path: Path) -> None:
    """Keep a picture in 256 colours: half the bytes, and nothing that an eye would miss."""
    picture = Image.open(path).convert("RGB")
    picture.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


if __name__ == "__main__":
    main()

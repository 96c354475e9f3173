"""Pictures of what losses, samplers and mixers do, for their pages of the documentation.

    python benchmarks/pictures/parts.py [--out docs/pictures]

Each is drawn by calling the registered part through its contract, with its defaults. A part whose
picture would show nothing (a loss that equals cross-entropy here, a mixer of features) has none.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt
from PIL import Image

from imbalance_derm import Experiment
from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import ClassCounts, Loss, apply_loss
from imbalance_derm.pipeline.experiment import cache_folder
from imbalance_derm.pipeline.synthetic_data import prepare
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.contract import Sampler, SamplingContext
from imbalance_derm.sampling.mixing import Mixed, Mixer, MixingContext

COUNTS = (900.0, 100.0)
ROWS = (900, 90, 10)
COMMON, MIDDLE, RARE, PLAIN = "#00796b", "#b58900", "#c2410c", "#8a8a8a"
mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "imbderm",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)


def loss_curves(loss: Loss) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probability of the label, and the loss of a common and of a rare example."""
    margin = torch.linspace(-4, 4, 81)
    counts = ClassCounts(torch.tensor(COUNTS), torch.tensor(COUNTS))
    features = torch.zeros(len(margin), 4)
    torch.manual_seed(0)
    loss.prepare(2, 4)
    loss.eval()
    curves = []
    for label in (0, 1):
        logits = torch.zeros(len(margin), 2)
        logits[:, label] = margin
        labels = torch.full((len(margin),), label)
        with torch.no_grad():
            curves.append(apply_loss(loss, logits, labels, counts, features, 1.0).numpy())
    return torch.sigmoid(margin).numpy(), curves[0], curves[1]


def draw_losses(out: Path) -> Iterator[str]:
    """Draw every loss against the probability of the right class, beside cross-entropy."""
    for name in installed().names("loss"):
        shown, common, rare = loss_curves(create("loss", name))
        plain = -np.log(shown)
        if max(abs(common - plain).max(), abs(rare - plain).max()) < 0.01:
            continue
        figure, axes = plt.subplots(figsize=(5, 2.9), layout="constrained")
        axes.plot(shown, plain, color=PLAIN, linestyle=":", label="cross-entropy")
        axes.plot(shown, common, color=COMMON, label="common class (900 images)")
        axes.plot(shown, rare, color=RARE, linestyle="--", label="rare class (100 images)")
        axes.set(xlabel="probability that the logits give the right class", ylabel="loss")
        axes.legend(frameon=False)
        yield save(figure, out / f"loss_{name}.svg")


def draw_samplers(out: Path) -> Iterator[str]:
    """Draw which share of a pass each class has, from the first pass to the last."""
    labels = np.repeat(np.arange(3), ROWS)
    samples = np.random.default_rng(0).normal(size=(len(labels), 8)).astype(np.float32)
    samples += labels[:, None]
    spent = np.linspace(0, 1, 9)
    for name in installed().names("sampler"):
        sampler: Sampler = create("sampler", name)
        shares = []
        for progress in spent:
            # A class is right as often as it is common, say; a sampler may look at that.
            accuracy = np.array([0.95, 0.7, 0.4])
            context = SamplingContext(labels, 3, progress, accuracy, samples)
            try:
                order = sampler.order(context, np.random.default_rng(0))
            except InputError:
                break
            shares.append(np.bincount(labels[order], minlength=3) / len(order))
        if not shares:
            continue
        figure, axes = plt.subplots(figsize=(5, 2.6), layout="constrained")
        styles = zip((COMMON, MIDDLE, RARE), ("-", "-.", "--"), ROWS, strict=True)
        for column, (colour, style, count) in zip(np.array(shares).T, styles, strict=True):
            axes.plot(spent, column, color=colour, linestyle=style, label=f"{count} images")
        axes.set(
            xlabel="share of the training that is spent", ylabel="share of a pass", ylim=(0, 1)
        )
        axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.18))
        yield save(figure, out / f"sampler_{name}.svg")


def draw_mixers(out: Path) -> Iterator[str]:
    """Draw a batch of phantom images before and after mixing."""
    spec = Experiment("phantom", synth="duplicate").spec
    train = prepare(spec, cache_folder(), lambda event: None).lesions.train.lesions
    labels = np.asarray(train.labels)
    chosen = np.concatenate([np.flatnonzero(labels == c)[:3] for c in (0, 1)])
    images = torch.tensor(np.asarray(train.samples)[chosen]).permute(0, 3, 1, 2).float() / 255
    for name in installed().names("mixer"):
        mixer: Mixer = create("mixer", name)
        mixer.prepare(2, 4)
        batch, classes = images, torch.tensor(labels[chosen])
        if mixer.second_sampler:
            batch, classes = (
                torch.cat([batch, batch.flip(0)]),
                torch.cat([classes, classes.flip(0)]),
            )
        counts = MixingContext(torch.bincount(torch.tensor(labels), minlength=2).float(), 0.5)
        draws = [mixer.mix(batch, classes, counts, np.random.default_rng(n)) for n in range(200)]
        if draws[0] is None:
            continue
        mixed = min((draw for draw in draws if draw is not None), key=dullness)
        figure, grid = plt.subplots(3, 6, figsize=(6, 3.2), layout="constrained")
        names = ("benign", "malignant")
        for column in range(6):
            partner = int(mixed.partners[column])
            own, other = names[classes[column]], names[classes[partner]]
            weight = float(mixed.weights[column])
            shown = (batch[column], batch[partner], mixed.inputs[column])
            label = own if own == other else f"{weight:.2f} {own}\n{1 - weight:.2f} {other}"
            for row, (image, title) in enumerate(zip(shown, ("", "", label), strict=True)):
                grid[row, column].imshow(image.permute(1, 2, 0).clamp(0, 1).numpy())
                grid[row, column].set_axis_off()
                if title:
                    grid[row, column].set_title(title, fontsize=6.5, y=-0.42)
        for row, title in enumerate(("image", "partner", "mixed")):
            grid[row, 0].text(-0.25, 0.5, title, transform=grid[row, 0].transAxes, rotation=90,
                              va="center", ha="center", fontsize=8)  # fmt: skip
        yield save_png(figure, out / f"mixer_{name}.png")


def dullness(mixed: Mixed) -> float:
    """Rate how little the six rows shown tell: their own partners, or weights near 0 or 1."""
    own = (mixed.partners[:6] == torch.arange(6)).sum()
    return float(own + (mixed.weights[:6] - 0.5).abs().mean())


def save(figure: plt.Figure, path: Path) -> str:
    """Write a picture that is the same every time."""
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return path.name


def save_png(figure: plt.Figure, path: Path) -> str:
    """Write a picture of photographs in 256 colours."""
    held = io.BytesIO()
    figure.savefig(held, dpi=110)
    plt.close(figure)
    Image.open(held).convert("RGB").quantize(256).save(path, optimize=True)
    return path.name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    out: Path = parser.parse_args().out
    for drawn in (draw_losses, draw_samplers, draw_mixers):
        for name in drawn(out):
            print(name, flush=True)


if __name__ == "__main__":
    main()

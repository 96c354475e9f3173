"""Rules of a mixer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from imbalance_derm.registry.manager import installed
from imbalance_derm.sampling.mixing import Generated, Mixed, Mixer, MixingContext
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, REFUSAL, STATE, pickled, refusal, same
from imbalance_derm.testing.losses import reread
from imbalance_derm.testing.rule import require, rule

CONTRACT = "imbalance_derm.sampling.mixing"
ROWS, FEATURES = 12, 5
COUNTS = torch.tensor([90.0, 30.0, 10.0])


def prepared(build: Build, classes: int = 3) -> Mixer:
    """Return the mixer as a training has it."""
    torch.manual_seed(0)
    mixer: Mixer = build()
    mixer.prepare(classes, FEATURES)
    return mixer


def batches(mixer: Mixer) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Give rows that it can mix: images, and embeddings where it takes them."""
    rows = ROWS * (2 if mixer.second_sampler else 1)
    images = torch.rand(rows, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(rows) % 3
    yield images, labels
    yield images.double(), labels
    if not mixer.needs_images:
        yield images[:, 0, 0], labels


def mixtures(build: Build) -> Iterator[tuple[torch.Tensor, Mixed]]:
    """Give what was handed in, and what came of it."""
    mixer = prepared(build)
    for inputs, labels in batches(mixer):
        mixed = mixer.mix(inputs, labels, MixingContext(COUNTS), np.random.default_rng(1))
        if mixed is not None:
            yield inputs, mixed


def generated(mixer: Mixer, progress: float = 0.5) -> Generated | None:
    """Return what is made of fixed features."""
    features = torch.randn(ROWS, FEATURES, generator=torch.Generator().manual_seed(1))
    context = MixingContext(COUNTS, progress)
    return mixer.generate(features, torch.arange(ROWS) % 3, context, np.random.default_rng(2))


@rule(CONTRACT, "Mixes a batch after augmentation, on its device. Keyword-only arguments are the")
def it_is_a_mixer(build: Build) -> None:
    """Look at its class."""
    require(isinstance(build(), Mixer), "it is no Mixer")


@rule(CONTRACT, "The rows of the run's stream, mixed; of the same row shape and dtype as before.")
def shape_and_dtype_stay(build: Build) -> None:
    """Images in two precisions, and embeddings."""
    for inputs, mixed in mixtures(build):
        found, wanted = tuple(mixed.inputs.shape), (ROWS, *inputs.shape[1:])
        require(found == wanted, f"it returns shape {found} where {wanted} is due")
        dtype = mixed.inputs.dtype
        require(dtype == inputs.dtype, f"it returns {dtype} for {inputs.dtype}")
        require(bool(mixed.inputs.isfinite().all()), "it returns values that are not finite")


@rule(
    CONTRACT, "A sampler by its registered name, for partners of another distribution: the batch to"
)
def second_sampler_is_registered(build: Build) -> None:
    """Look for the sampler."""
    asked = build().second_sampler
    known = ("", *installed().names("sampler"))
    require(asked in known, f"it asks for a sampler '{asked}' that is not registered")


@rule(CONTRACT, "The row of the batch that each row was mixed with.")
def partners_are_rows(build: Build) -> None:
    """Type and range; with a second stream, partners are of that."""
    for inputs, mixed in mixtures(build):
        partners = mixed.partners
        shape = tuple(partners.shape)
        require(shape == (ROWS,), f"its partners have shape {shape}, not {(ROWS,)}")
        require(partners.dtype == torch.int64, f"its partners are {partners.dtype}")
        low, high = int(partners.min()), int(partners.max())
        first = len(inputs) - ROWS
        inside = first <= low and high < len(inputs)
        require(inside, f"its partners are rows {low} to {high}, not {first} to {len(inputs) - 1}")


@rule(
    CONTRACT, "Share of the row's own label, in [0, 1]; that of the partner's is the rest. It may"
)
def weights_are_shares(build: Build) -> None:
    """Type and range."""
    for _, mixed in mixtures(build):
        weights = mixed.weights
        shape = tuple(weights.shape)
        require(shape == (ROWS,), f"its weights have shape {shape}, not {(ROWS,)}")
        require(weights.dtype == torch.float32, f"its weights are {weights.dtype}")
        low, high = float(weights.min()), float(weights.max())
        require(low >= 0 and high <= 1, f"its weights go from {low:g} to {high:g}")


@rule(CONTRACT, "All randomness comes from it; it is a function of the seed and of the update.")
def mixture_is_a_function_of_the_rng(build: Build) -> None:
    """Mix by the same generator twice, and another; other generators are left alone."""
    mixer = prepared(build)
    for inputs, labels in batches(mixer):
        state = torch.get_rng_state()
        first, again, other = (
            mixer.mix(inputs, labels, MixingContext(COUNTS), np.random.default_rng(seed))
            for seed in (1, 1, 2)
        )
        require(same(first, again), "the same rng gives another mixture")
        require(torch.equal(torch.get_rng_state(), state), "it draws from PyTorch's generator")
        text = "another rng gives the same mixture: it ignores the seed"
        require(first is None or not same(first, other), text)


@rule(CONTRACT, "Images in [0, 1], float (n, 3, h, w); or embeddings, float (n, d). Not changed.")
def batch_is_not_changed(build: Build) -> None:
    """Compare inputs and labels before and after."""
    mixer = prepared(build)
    for inputs, labels in batches(mixer):
        before = inputs.clone(), labels.clone()
        mixer.mix(inputs, labels, MixingContext(COUNTS), np.random.default_rng(1))
        require(torch.equal(inputs, before[0]), "it changes the inputs that it is handed")
        require(torch.equal(labels, before[1]), "it changes the labels that it is handed")


@rule(CONTRACT, "Features that a mixer made of a batch's features.")
def generated_features_are_of_the_batch(build: Build) -> None:
    """One, two and eight classes, of which the last has no image."""
    for classes in (1, 2, 8):
        mixer = prepared(build, classes)
        labels = torch.arange(ROWS) % classes
        counts = torch.tensor([1000.0, 300.0, 90.0, 30.0, 9.0, 3.0, 1.0, 0.0])[-classes:]
        for progress in (0.0, 0.5, 0.95):
            features = torch.randn(ROWS, FEATURES, generator=torch.Generator().manual_seed(1))
            context = MixingContext(counts, progress)
            made = mixer.generate(features, labels, context, np.random.default_rng(2))
            if made is None:
                continue
            shape = tuple(made.features.shape)
            wanted = (len(made.labels), FEATURES)
            require(shape == wanted, f"its features have shape {shape}, not {wanted}")
            known = set(made.labels.tolist()) <= set(labels.tolist())
            require(known, "its features have labels that are not in the batch")
            finite = bool(made.features.isfinite().all() and made.loss.isfinite().all())
            require(finite, "its features or its loss are not finite")


@rule(HERE, REFUSAL)
def embeddings_are_mixed_or_refused(build: Build) -> None:
    """Ask whether embeddings can be fed."""
    mixer = prepared(build)
    text = refusal(lambda: mixer.check(embeddings=True))
    require(bool(text) == mixer.needs_images, "needs_images and check() do not say the same")


@rule(HERE, STATE)
def it_goes_on_from_its_state(build: Build) -> None:
    """Load the state into a new one."""
    mixer, again = prepared(build), prepared(build)
    generated(mixer)
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter.add_(torch.rand_like(parameter))
    again.load_state_dict(reread(mixer.state_dict()))
    text = "a new one that has loaded its state makes other features"
    require(same(generated(again), generated(mixer)), text)


RULES = (
    *EVERY,
    it_is_a_mixer,
    pickled(prepared),
    second_sampler_is_registered,
    embeddings_are_mixed_or_refused,
    shape_and_dtype_stay,
    partners_are_rows,
    weights_are_shares,
    mixture_is_a_function_of_the_rng,
    batch_is_not_changed,
    generated_features_are_of_the_batch,
    it_goes_on_from_its_state,
)

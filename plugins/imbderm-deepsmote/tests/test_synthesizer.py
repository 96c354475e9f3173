# ruff: noqa: D100, D103
from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest
import torch
from imbderm_deepsmote.latent import interpolate, neighbors_for
from imbderm_deepsmote.networks import Autoencoder
from imbderm_deepsmote.synthesizer import (
    DeepSmote,
    encode,
    penalty_floor,
    reconstruction_loss_share,
)
from imblearn.over_sampling import SMOTE

from imbalance_derm.errors import InputError
from imbalance_derm.synth.pixels import to_images

SMALL = {"latent_size": 6, "filters": 4, "steps": 3, "batch_size": 4, "k_neighbors": 2}
TOY = {"latent_size": 24, "filters": 8, "steps": 250, "batch_size": 32, "learning_rate": 2e-3}


@pytest.fixture
def fitted(two_colours, context):
    synth, data = DeepSmote(**SMALL), two_colours((9, 5))
    synth.fit(data, context)
    return synth, data


def network_of(synth):
    network = Autoencoder(16, synth.filters, synth.latent_size)
    network.load_state_dict(synth._weights)
    return network.eval()


# SMOTE between codes


def test_interpolation_is_imbalanced_learns_own_with_its_parents():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(30, 4)).astype(np.float32)
    labels = np.repeat([0, 1], [18, 12])
    made, parents = interpolate(codes[labels == 1], 40, 3, seed=7)
    sampler = SMOTE(sampling_strategy={1: 52}, k_neighbors=3, random_state=7)
    np.testing.assert_array_equal(made, sampler.fit_resample(codes, labels)[0][30:])
    own = codes[labels == 1]
    distance = np.linalg.norm(own[:, None] - own, axis=2)
    nearest = np.argsort(distance, axis=1)[:, 1:4]
    for point, (first, second) in zip(made, parents, strict=True):
        assert second in nearest[first]
        # On the line between the two: the ways add up.
        way = np.linalg.norm(point - own[first]) + np.linalg.norm(point - own[second])
        assert way == pytest.approx(distance[first, second], rel=1e-4)


def test_samples_are_decoded_from_smote_of_the_encoded_class(fitted, context):
    synth, data = fitted
    (chunk,) = synth.sample(data, 1, 7, 11, context)
    network = network_of(synth)
    codes = encode(network, data.samples, np.arange(len(data)))
    sampler = SMOTE(sampling_strategy={1: 12}, k_neighbors=2, random_state=11)
    made = sampler.fit_resample(codes, data.labels)[0][14:]
    with torch.inference_mode():
        expected = to_images(network.decoder(torch.from_numpy(made)))
    np.testing.assert_array_equal(chunk.samples, expected)
    parents = interpolate(codes[data.labels == 1], 7, 2, seed=11)[1]
    for origin, pair in zip(chunk.provenance, parents, strict=True):
        assert origin.sources == tuple(f"image{9 + row}" for row in pair)
        assert (origin.method, origin.mode, origin.seed) == ("deepsmote", "interpolate", 11)
        assert len(origin.model) == 16


def test_the_model_in_the_provenance_follows_the_weights(fitted, two_colours, context):
    synth, data = fitted
    other = DeepSmote(**{**SMALL, "steps": 4})
    other.fit(data, context)
    first, second = (next(s.sample(data, 1, 1, 0, context)).provenance[0] for s in (synth, other))
    assert first.model != second.model


@pytest.mark.parametrize(
    ("size", "asked", "text"),
    [
        (1, "auto", "class 'df' has 1 training image, and DeepSMOTE needs two"),
        (1, 5, "class 'df' has 1 training image, and DeepSMOTE needs two"),
        (5, 5, "class 'df' has 5 training images, .* needs 6; use --set synth.k_neighbors=auto"),
    ],
)
def test_a_class_that_is_too_small_is_named(size, asked, text):
    with pytest.raises(InputError, match=text):
        neighbors_for("df", size, asked)


def test_neighbours_of_a_class():
    assert [neighbors_for("df", size, "auto") for size in (2, 4, 6, 900)] == [1, 3, 5, 5]
    assert [neighbors_for("df", 6, 5), neighbors_for("df", 9, 8)] == [5, 8]


def test_a_class_that_is_too_small_is_told_before_training(two_colours, context, monkeypatch):
    monkeypatch.setattr("imbderm_deepsmote.synthesizer.train", pytest.fail)
    with pytest.raises(InputError, match="'class1' has 2 training images"):
        DeepSmote(**SMALL).fit(two_colours((9, 2)), context)


def test_sampling_before_fitting_is_refused(two_colours, context):
    with pytest.raises(InputError, match="fit or load"):
        next(DeepSmote().sample(two_colours((9, 8)), 1, 1, 0, context))


# The autoencoder


def test_reconstructions_approach_the_originals(two_colours, context):
    data = two_colours((50, 30))
    synth = DeepSmote(**TOY, penalty="aligned")
    facts = synth.fit(data, context)
    made = to_images(
        network_of(synth)(torch.from_numpy(data.samples).permute(0, 3, 1, 2) / 127.5 - 1).detach()
    )
    for label, name in enumerate(data.classes):
        own = data.samples[data.labels == label].astype(float)
        error = np.square(made[data.labels == label] - own).mean()
        of_mean = np.square(own - own.mean(axis=0)).mean()
        assert error < 0.15 * of_mean
        assert facts["lost_in_reconstruction"][name] == pytest.approx(error / of_mean, rel=0.01)
    assert facts["warnings"] == []
    assert facts["steps"] == facts["curves"]["all classes"][-1]["step"] == 250


def test_the_permuted_penalty_costs_what_its_closed_form_says(two_colours, context):
    data = two_colours((50, 10))
    facts = DeepSmote(**TOY, penalty="permuted").fit(data, context)
    # q = 1/2 and p = 1/6: three quarters of the way to the class mean.
    assert penalty_floor(np.array([50, 10]), 1) == pytest.approx(0.75**2)
    lost = facts["lost_in_reconstruction"]["class1"]
    assert 0.5 < lost < 0.9
    (warning,) = facts["warnings"]
    assert f"'class1': DeepSMOTE's autoencoder errs by {lost:.0%} of the variance" in warning
    assert "at least 56% is the doing of the permuted penalty" in warning


def test_the_floor_of_the_permuted_penalty_by_brute_force():
    # One number for each image of a class of 4, of 10 images in 3 classes; every order of moving
    # on is equally likely, so that each other image is asked for a third of the time.
    x = np.array([0.0, 1.0, 4.0, 7.0])
    in_batch, in_group = 4 / 10, 1 / 3
    others = (x.sum() - x) / 3
    best = (in_batch * x + in_group * others) / (in_batch + in_group)
    share = np.square(best - x).sum() / np.square(x - x.mean()).sum()
    # The mean of the others lies 4/3 as far away as the mean of all.
    assert share == pytest.approx(penalty_floor(np.array([4, 5, 1]), 0) * (4 / 3) ** 2)


def test_a_decoder_of_the_mean_image_loses_all_variance_and_a_copy_none(two_colours):
    data = two_colours((6, 5))

    class Fixed(torch.nn.Module):
        def __init__(self, mean):
            super().__init__()
            self.mean = torch.nn.Parameter(torch.from_numpy(mean).float() / 127.5 - 1)

        def forward(self, images):
            return (
                images if self.mean.numel() == 1 else self.mean.permute(2, 0, 1).expand_as(images)
            )

    mean = data.samples[data.labels == 1].mean(axis=0)
    assert reconstruction_loss_share(Fixed(mean), data, 1) == pytest.approx(1, abs=1e-4)
    assert reconstruction_loss_share(Fixed(np.zeros(1)), data, 1) == pytest.approx(0, abs=1e-8)
    assert reconstruction_loss_share(Fixed(mean), two_colours((3, 1)), 1) == 0


def test_epochs_are_passes_over_the_images(two_colours, context):
    values = {**SMALL, "steps": 0, "epochs": 1.5}
    assert DeepSmote(**values).fit(two_colours((9, 5)), context)["steps"] == 6  # 21 / 4, up


# As a plugin


def test_the_distribution_is_listed():
    words = ["-m", "imbalance_derm", "plugins", "list", "--kind", "synthesizer", "--json"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    (entry,) = [entry for entry in json.loads(done.stdout) if entry["name"] == "deepsmote"]
    assert entry["distribution"] == "imbderm-deepsmote"
    assert entry["version"] == metadata.version("imbderm-deepsmote")

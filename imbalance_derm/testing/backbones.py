"""Rules of a backbone; it is built with ``weights="random"`` where it has that parameter."""

from __future__ import annotations

from functools import lru_cache

import torch

from imbalance_derm.models.contract import Backbone
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, STATE, UNCHANGED, pickled
from imbalance_derm.testing.losses import reread
from imbalance_derm.testing.rule import require, rule

CONTRACT = "imbalance_derm.models.contract"
SIZE = 64


def prepared(build: Build, seed: int = 0) -> Backbone:
    """Return the backbone with weights that need no download."""
    torch.manual_seed(seed)
    values = {"weights": "random"} if build.has("weights") else {}
    backbone: Backbone = build(**values)
    return backbone


@lru_cache(maxsize=1)
def shared(build: Build) -> Backbone:
    """Return the one that all rules share that leave its weights alone."""
    return prepared(build)


def make_images(n: int = 2) -> torch.Tensor:
    """Return images in [0, 1]."""
    return torch.rand(n, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


@rule(CONTRACT, "Maps images to features; knows the normalisation that its weights expect.")
def it_is_a_backbone(build: Build) -> None:
    """Look at its class, its normalisation, and where its weights come from."""
    backbone = shared(build)
    require(isinstance(backbone, Backbone), "it is no Backbone")
    text = f"its attribute weights is {backbone.weights!r}, which says nothing in a record"
    require(isinstance(backbone.weights, str) and bool(backbone.weights), text)
    require(bool((backbone.std > 0).all()), "its standard deviations are not above 0")


@rule(CONTRACT, "Return (n, d, h', w') from images in [0, 1], float (n, 3, h, w).")
def maps_have_the_features(build: Build) -> None:
    """Shape of the maps, and of the features pooled from them."""
    backbone = shared(build).eval()
    with torch.no_grad():
        maps, features = backbone.feature_maps(make_images()), backbone(make_images())
    shape, d = tuple(maps.shape), backbone.features
    text = f"its maps have shape {shape}, where features is {d}"
    require(maps.ndim == 4 and shape[:2] == (2, d), text)
    require(tuple(features.shape) == (2, d), f"its features have shape {tuple(features.shape)}")
    require(bool(features.isfinite().all()), "its features are not finite")


@rule(CONTRACT, "Return globally average-pooled features (n, d).")
def gradient_reaches_the_network(build: Build) -> None:
    """At least one parameter of the network is trained by the features."""
    backbone = shared(build)
    value = backbone.train()(make_images(4)).square().sum()
    require(value.requires_grad, "no gradient of the features reaches its parameters")
    value.backward()
    gradients = [p.grad for p in backbone.parameters() if p.grad is not None]
    require(bool(gradients), "no gradient of the features reaches its parameters")
    require(all(bool(g.isfinite().all()) for g in gradients), "a gradient is not finite")


@rule(CONTRACT, "Normalisation happens inside, in one place, so that real and synthetic images are")
def an_image_is_seen_by_itself(build: Build) -> None:
    """One by one, and all together."""
    backbone, images = shared(build).eval(), make_images(3)
    with torch.no_grad():
        together = backbone(images)
        alone = torch.cat([backbone(image[None]) for image in images])
    close = torch.allclose(together, alone, rtol=1e-2, atol=1e-3 * float(together.abs().max()))
    require(close, "in evaluation the features of an image depend on the images beside it")


@rule(HERE, STATE)
def it_is_read_back(build: Build) -> None:
    """Load its state into another."""
    backbone, again = shared(build), prepared(build, seed=1)
    again.load_state_dict(reread(backbone.state_dict()))
    with torch.no_grad():
        equal = torch.equal(backbone.eval()(make_images()), again.eval()(make_images()))
    require(equal, "a new one that has loaded its state gives other features")


@rule(HERE, UNCHANGED)
def images_are_not_changed(build: Build) -> None:
    """Images before and after."""
    images = make_images()
    with torch.no_grad():
        shared(build).train()(images)
    require(torch.equal(images, make_images()), "it changes the images that it is handed")


RULES = (
    *EVERY,
    it_is_a_backbone,
    pickled(shared),
    maps_have_the_features,
    gradient_reaches_the_network,
    an_image_is_seen_by_itself,
    it_is_read_back,
    images_are_not_changed,
)

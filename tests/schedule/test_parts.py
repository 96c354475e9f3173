"""With which loss, sampler and mixer the stages train, against closed forms in NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from imbalance_derm.losses.contract import ClassCounts, Loss, LossContext, apply_loss
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.losses.focal import Focal
from imbalance_derm.losses.label_aware_smoothing import LabelAwareSmoothing
from imbalance_derm.losses.logit_adjustment import LogitAdjustment
from imbalance_derm.losses.reweighted import Reweighted
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.contract import SamplingContext
from imbalance_derm.sampling.mixers.mixup import Mixup
from imbalance_derm.sampling.shuffle import Shuffle
from imbalance_derm.schedule.deferred_reweighting import DeferredReweighting
from imbalance_derm.schedule.disalign import DistributionAlignment
from imbalance_derm.schedule.step import Parts

COUNTS = np.array([900.0, 90.0, 10.0])
RUN = Parts(CrossEntropy(), Shuffle(), Mixup())


def batch(classes=3, n=12):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(n, classes, dtype=torch.float64, generator=generator)
    return logits, torch.arange(n) % classes


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    z, y = logits.numpy(), labels.numpy()
    return np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), y]


def weighted(weights: np.ndarray, logits: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """Cross-entropy with weights whose mean over all images is 1."""
    weights = weights * COUNTS.sum() / (COUNTS * weights).sum()
    return weights[labels.numpy()] * cross_entropy(logits, labels)


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.9999])
def test_deferred_reweighting_weighs_by_the_effective_number(beta):
    loss = DeferredReweighting(beta=beta).parts(RUN).loss
    logits, labels = batch()
    values = loss(logits, labels, LossContext(torch.tensor(COUNTS)))
    weights = (1 - beta) / (1 - beta**COUNTS)
    np.testing.assert_allclose(values.numpy(), weighted(weights, logits, labels))
    assert values.dtype == torch.float64


def test_deferred_reweighting_weighs_the_loss_of_the_run_whatever_it_is():
    logits, labels = batch()
    context = LossContext(torch.tensor(COUNTS))
    plain = DeferredReweighting().parts(RUN).loss(logits, labels, context)
    focal = DeferredReweighting().parts(replace(RUN, loss=Focal())).loss(logits, labels, context)
    weights = plain / CrossEntropy()(logits, labels, context)
    torch.testing.assert_close(focal, weights * Focal()(logits, labels, context))


@pytest.mark.parametrize("rho", [0.0, 1.0, 1.2])
def test_disalign_weighs_by_the_power_of_the_frequency_that_is_fed(rho):
    loss = DistributionAlignment(rho=rho).parts(replace(RUN, loss=Focal())).loss
    logits, labels = batch()
    real = torch.tensor([1.0, 1.0, 1.0], dtype=torch.float64)
    values = apply_loss(loss, logits, labels, ClassCounts(real, torch.tensor(COUNTS)))
    expected = weighted((COUNTS / COUNTS.sum()) ** -rho, logits, labels)
    np.testing.assert_allclose(values.numpy(), expected, rtol=1e-5)


def test_mislas_trains_with_label_aware_smoothing_and_without_mixing():
    parts = create("stage", "mislas_second").parts(RUN)
    logits, labels = batch()
    context = LossContext(torch.tensor(COUNTS))
    torch.testing.assert_close(
        parts.loss(logits, labels, context), LabelAwareSmoothing()(logits, labels, context)
    )
    assert parts.mixer.idle


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("joint", set()),
        ("crt", {"sampler"}),
        ("lws", {"sampler"}),
        ("m2m", {"sampler"}),
        ("gcl_second", {"sampler"}),
        ("deferred_reweighting", {"loss"}),
        ("disalign", {"loss"}),
        ("conmix", {"mixer"}),
        ("mislas_second", {"loss", "sampler", "mixer"}),
    ],
)
def test_a_stage_leaves_the_other_parts_of_the_run_as_they_are(name, own):
    parts = create("stage", name).parts(RUN)
    assert {part for part in vars(RUN) if getattr(parts, part) is not getattr(RUN, part)} == own


@pytest.mark.parametrize("name", ["crt", "lws", "mislas_second", "m2m"])
def test_balanced_stages_draw_every_class_equally_often(name):
    labels = np.repeat([0, 1, 2], COUNTS.astype(int))
    rows = create("stage", name).parts(RUN).sampler.order(
        SamplingContext(labels, 3), np.random.default_rng(0)
    )  # fmt: skip
    assert chisquare(np.bincount(labels[rows])).pvalue > 0.01


def test_gcl_draws_classes_by_their_effective_number():
    counts = np.array([60000, 600])
    labels = np.repeat([0, 1], counts)
    rows = create("stage", "gcl_second").parts(RUN).sampler.order(
        SamplingContext(labels, 2), np.random.default_rng(0)
    )  # fmt: skip
    drawn = counts / (1 - 0.9999**counts)
    assert chisquare(np.bincount(labels[rows]), drawn / drawn.sum() * len(rows)).pvalue > 0.01
    assert 0.05 < (labels[rows] == 1).mean() < 0.3  # neither as they are nor balanced


def test_a_reweighted_loss_is_handed_what_the_loss_inside_asks_for():
    class Spy(Loss):
        counts = "fed"

        def prepare(self, classes, features):
            self.prepared = (classes, features)

        def forward(self, logits, labels, context):
            self.seen = context
            return logits.sum(dim=1)

    inner = Spy()
    loss = DeferredReweighting().parts(replace(RUN, loss=inner)).loss
    loss.prepare(3, 8)
    features, fed = torch.zeros(1, 8), torch.tensor([5.0, 5.0, 5.0])
    counts = ClassCounts(torch.tensor([9.0, 1.0, 1.0]), fed)
    apply_loss(loss, torch.zeros(1, 3), torch.tensor([0]), counts, features, 0.25)
    assert inner.prepared == (3, 8)
    assert torch.equal(inner.seen.class_counts, fed)
    assert inner.seen.features is features
    assert inner.seen.progress == 0.25
    assert DeferredReweighting().parts(replace(RUN, loss=LogitAdjustment())).loss.counts == "fed"
    assert Loss.counts == "real"


@pytest.mark.parametrize("stage", [DeferredReweighting(), DistributionAlignment()])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("classes", [1, 2, 8])
def test_extreme_logits_and_a_class_never_fed_stay_finite(stage, dtype, classes):
    loss = stage.parts(RUN).loss
    logits = torch.full((classes, classes), -100.0, dtype=dtype)
    logits[:, 0] = 100.0
    logits.requires_grad_(True)
    counts = torch.ones(classes)
    counts[-1] = float(classes == 1)
    values = apply_loss(loss, logits, torch.arange(classes), ClassCounts(counts, counts))
    values.sum().backward()
    assert values.shape == (classes,)
    assert torch.isfinite(values).all()
    assert torch.isfinite(logits.grad).all()


def test_gradient_of_a_reweighted_loss():
    loss = Reweighted(CrossEntropy(), lambda counts: 1 / counts, "fed")
    logits, labels = batch()
    context = LossContext(torch.tensor(COUNTS))
    logits.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, context), (logits,))

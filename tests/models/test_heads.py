"""What every registered head has to do."""

from __future__ import annotations

import inspect
import io
from dataclasses import replace

import pytest
import torch

from imbalance_derm.losses.contract import ClassCounts
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Batch, Counts, Head, Outputs, Task
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create

TASK = Task(6, ("bkl", "mel", "nv"), ("back", "face"))


def counts(classes: int = 3, sites: int = 2) -> Counts:
    one, two = torch.ones(classes), torch.ones(sites)
    return Counts(ClassCounts(one, one), ClassCounts(two, two))


def build(name: str, classes: int) -> Head:
    return create("head", name, None, Task(6, tuple(map(str, range(classes))), ("a", "b")))


def training_batch(head: Head, n: int = 9) -> Batch:
    """Return `n` rows, and as many more where the head asks for a second stream."""
    second = n if head.second_sampler else 0
    rows = n + second
    sites = (torch.arange(rows) % 3) - 1
    # With two labels most classes are missing from the batch.
    return Batch(torch.randn(rows, 6), torch.arange(rows) // 2 % 2, sites, second=second)


def objective(head: Head, b: Batch, classes: int, progress: float) -> torch.Tensor:
    if classes == 1:
        b = replace(b, labels=torch.zeros_like(b.labels))
    outputs = head(b.inputs)
    return head.objective(outputs, b.inputs, b, CrossEntropy(), counts(classes), progress)


@pytest.mark.parametrize("name", installed().names("head"))
@pytest.mark.parametrize("classes", [1, 2, 3, 8])
def test_conformance(name, classes):
    torch.manual_seed(0)
    head = build(name, classes)
    b = training_batch(head)
    assert isinstance(head(b.inputs), Outputs)
    assert head(b.inputs).logits.shape == (len(b.labels), classes)
    # With the second stream that the head asked for, and without.
    for given in (b, replace(b, second=0)):
        for progress in (0.0, 0.5, 1.0):
            value = objective(head, given, classes, progress)
            assert value.ndim <= 1
            head.zero_grad()
            value.sum().backward()
            gradients = {key: p.grad for key, p in head.named_parameters()}
            assert all(g is not None and g.isfinite().all() for g in gradients.values()), gradients
            if progress == 0.5 and classes > 1:
                assert all(g.count_nonzero() for g in gradients.values()), gradients


@pytest.mark.parametrize("name", installed().names("head"))
@pytest.mark.parametrize("classes", [1, 2, 8])
def test_a_trained_head_is_read_back(name, classes):
    torch.manual_seed(0)
    head = build(name, classes)
    b = training_batch(head)
    head.train()(b.inputs)
    if head.remembers():
        head.remember(b.inputs, b.labels % classes)
    file = io.BytesIO()
    torch.save(head.state_dict(), file)
    file.seek(0)
    again = build(name, classes)
    again.load_state_dict(torch.load(file))
    expected = head.eval()(b.inputs).logits
    torch.testing.assert_close(again.eval()(b.inputs).logits, expected, rtol=0, atol=0)
    assert (again.linear is None) == (head.linear is None)


@pytest.mark.parametrize("name", installed().names("head"))
def test_logits_of_an_image_do_not_depend_on_the_images_beside_it(name):
    torch.manual_seed(0)
    head = build(name, 3)
    features = torch.randn(9, 6)
    head.train()(features)
    if head.remembers():
        head.remember(features, torch.arange(9) % 3)
    head.eval()
    alone = torch.cat([head(row[None]).logits for row in features])
    torch.testing.assert_close(head(features).logits, alone)


@pytest.mark.parametrize("name", installed().names("head"))
def test_the_linear_layer_is_the_one_behind_the_logits(name):
    torch.manual_seed(0)
    head, features = build(name, 3).eval(), torch.randn(9, 6)
    if head.linear is not None:
        torch.testing.assert_close(head(features).logits, head.linear(features))


@pytest.mark.parametrize("name", installed().names("head"))
def test_large_and_zero_features_in_either_precision_stay_finite(name):
    torch.manual_seed(0)
    for dtype in (torch.float32, torch.float64):
        head = build(name, 3).to(dtype)
        b = training_batch(head)
        features = 100 * b.inputs.to(dtype)
        features[0] = 0.0
        features.requires_grad_(True)
        for mode in (True, False):
            head.train(mode)
            outputs = head(features)
            assert outputs.logits.dtype == dtype
            value = head.objective(outputs, features, b, CrossEntropy(), counts(), 0.5)
            (gradient,) = torch.autograd.grad(value.sum(), features)
            assert value.isfinite().all()
            assert gradient.isfinite().all()


@pytest.mark.parametrize("name", installed().names("head"))
def test_in_mixed_precision_heads_train_and_judge(name):
    torch.manual_seed(0)
    head = build(name, 3)
    b = training_batch(head)
    features = b.inputs.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = head.train()(features)
    head.objective(outputs, features, b, CrossEntropy(), counts(), 0.5).sum().backward()
    assert all(p.grad.isfinite().all() for p in head.parameters())
    if head.remembers():
        head.remember(b.inputs, b.labels)
    exact = head.eval()(b.inputs).logits
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head(features).logits
    torch.testing.assert_close(logits.float(), exact, rtol=0.05, atol=0.3)


@pytest.mark.parametrize("name", installed().names("head"))
def test_a_second_stream_is_that_of_a_registered_sampler(name):
    assert build(name, 2).second_sampler in ("", *installed().names("sampler"))


@pytest.mark.parametrize("name", installed().names("head"))
def test_the_objective_is_linear_in_the_weights(name):
    torch.manual_seed(0)
    head: Head = create("head", name, None, TASK).eval()
    features, sites = torch.randn(9, 6), torch.tensor([0, 1, -1] * 3)

    def objective(weights: torch.Tensor | None) -> torch.Tensor:
        b = Batch(features, torch.arange(9) % 3, sites, weights)
        return head.objective(head(features), features, b, CrossEntropy(), counts(), 0.0)

    first, second = torch.rand(9), torch.rand(9)
    assert torch.equal(objective(torch.ones(9)), objective(None))
    assert objective(torch.zeros(9)) == 0
    torch.testing.assert_close(
        objective(0.3 * first + second), 0.3 * objective(first) + objective(second)
    )
    only = torch.zeros(9)
    only[4] = 1.0
    alone = Batch(features[4:5], torch.tensor([1]), sites[4:5])
    value = head.objective(head(features[4:5]), features[4:5], alone, CrossEntropy(), counts(), 0.0)
    assert 0 < objective(only) < value


def test_the_site_is_never_an_input():
    for name in installed().names("head"):
        target = installed().get("head", name).load()
        assert list(inspect.signature(target.forward).parameters) == ["self", "features"]

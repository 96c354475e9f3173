"""ConMix: mixtures and NT-Xent against loops in NumPy, and what learns from what."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imbalance_derm.schedule.conmix import ContrastiveMixing, mixtures, nt_xent


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def mixed(vectors, groups):
    return unit([vectors[groups == g].mean(axis=0) for g in np.unique(groups)])


def contrastive(first, second, temperature):
    rows, total = [*first, *second], 0.0
    n = len(first)
    for i, row in enumerate(rows):
        scores = {j: math.exp(row @ rows[j] / temperature) for j in range(2 * n) if j != i}
        total += -math.log(scores[(i + n) % (2 * n)] / sum(scores.values()))
    return total / (2 * n)


@pytest.mark.parametrize("temperature", [0.2, 1.0])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_nt_xent_equals_the_formula(temperature, n):
    rng = np.random.default_rng(n)
    first, second = unit(rng.normal(size=(n, 4))), unit(rng.normal(size=(n, 4)))
    value = nt_xent(torch.tensor(first), torch.tensor(second), temperature)
    assert float(value) == pytest.approx(contrastive(first, second, temperature), abs=1e-12)


def test_mixtures_equal_the_formula():
    rng = np.random.default_rng(0)
    vectors, groups = unit(rng.normal(size=(10, 4))), rng.integers(0, 5, 10)
    ours = mixtures(torch.tensor(vectors), torch.tensor(groups))
    np.testing.assert_allclose(ours.numpy(), mixed(vectors, groups))


def test_gradient_also_with_a_single_mixture():
    vectors = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    for groups in (torch.tensor([0, 1, 2]), torch.tensor([1, 1, 1])):

        def value(x, groups=groups):
            first, second = (mixtures(view, groups) for view in x.chunk(2))
            return nt_xent(first, second, 0.2)

        assert torch.autograd.gradcheck(value, (vectors,))
    value(vectors).backward()
    assert torch.isfinite(vectors.grad).all()


def started(lab, model, **parameters):
    torch.manual_seed(1)
    stage = ContrastiveMixing(**parameters)
    stage.begin(model)
    return stage


def test_the_objective_is_the_contrastive_loss_plus_that_of_the_head(lab):
    model = lab.model(2).eval()
    stage = started(lab, model, images_per_mixture=3, dimensions=6)
    step = lab.step(model, [0, 1] * 6)
    torch.manual_seed(5)
    value = stage.objective(step)
    torch.manual_seed(5)
    views = step.batch.inputs, step.augment(step.batch.inputs)
    groups = np.random.default_rng(0).integers(0, 4, size=12)
    with torch.no_grad():
        projected = [unit(stage.projection(model.embed(view)).numpy()) for view in views]
        logits = model(step.batch.inputs)[0].logits.double()
        log_p = torch.log_softmax(logits, 1)[torch.arange(12), step.batch.labels]
    expected = contrastive(*(mixed(view, groups) for view in projected), 0.2) - log_p.mean()
    assert value.item() == pytest.approx(float(expected), rel=1e-5)


def test_labels_teach_the_head_only(lab):
    gradients = []
    for labels in ([0] * 12, [1] * 12):
        model = lab.model(2).eval()
        stage = started(lab, model)
        torch.manual_seed(5)
        stage.objective(lab.step(model, labels)).backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    for name, gradient in gradients[0].items():
        same = torch.allclose(gradient, gradients[1][name])
        assert same == name.startswith("backbone."), name
        assert gradient.abs().sum() > 0, name


def test_the_two_mixtures_of_a_group_are_found_more_easily_after_training(lab):
    data = lab.lesions(2)
    inputs = torch.from_numpy(data.samples).permute(0, 3, 1, 2).float() / 255
    model = lab.model(2).eval()
    for parameter in model.head.parameters():
        parameter.data.zero_()  # its loss is log 2 throughout
    stage = started(lab, model)

    def objective(seed):
        return stage.objective(lab.step(model, data.labels, seed=seed, inputs=inputs))

    before = objective(99).item()
    optimizer = torch.optim.Adam([*model.backbone.parameters(), *stage.parameters()], 1e-2)
    for seed in range(40):
        optimizer.zero_grad()
        objective(seed).backward()
        optimizer.step()
    assert objective(99).item() < before - 0.5


def test_several_tasks_stay_apart(lab):
    model = lab.model(2).eval()
    stage = started(lab, model)
    step = lab.step(model, [0, 1] * 6)
    torch.manual_seed(5)
    whole = stage.objective(step)
    objective = model.head.objective
    model.head.objective = lambda *given: torch.stack([objective(*given), torch.tensor(7.0)])
    step = lab.step(model, [0, 1] * 6)
    torch.manual_seed(5)
    values = stage.objective(step)
    torch.testing.assert_close(values, torch.stack([whole, torch.tensor(7.0)]))

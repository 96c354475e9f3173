"""RSG: its losses and features by loops in NumPy, who learns of what, and when."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from imbalance_derm.sampling.mixers.rsg.centres import ClassCentres
from imbalance_derm.sampling.mixers.rsg.generator import RareSampleGenerator, pair_rows
from imbalance_derm.sampling.mixers.rsg.vectors import PairClassifier, vector_loss
from imbalance_derm.sampling.mixing import Generated, MixingContext

COUNTS = torch.tensor([300.0, 100.0, 120.0])
"""Of the three classes the second is rare, at the ratio exactly, and the third is not."""
LABELS = torch.tensor([0, 1, 2, 0, 2, 1, 0, 0, 2])
WIDTH = 6


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    draws = np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(draws)


def generator(**parameters) -> RareSampleGenerator:
    """A generator in float64 with centres that differ, before its first batch."""
    torch.manual_seed(0)
    built = RareSampleGenerator(centres=4, **parameters)
    built.prepare(classes=3, features=WIDTH)
    built.double()
    built.centres.offsets.data.copy_(numbers(3, 4, WIDTH, seed=7))
    return built


def generate(
    built: RareSampleGenerator, progress: float, labels=LABELS, counts=COUNTS, features=None
) -> Generated | None:
    features = numbers(len(labels), WIDTH, seed=1) if features is None else features
    context = MixingContext(counts, progress)
    return built.generate(features, labels, context, np.random.default_rng(0))


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max())
    return raised / raised.sum()


def assigned(centres: ClassCentres, x: np.ndarray, label: int) -> np.ndarray:
    weight, bias = (getattr(centres, name).detach().numpy()[label] for name in ("weight", "bias"))
    return softmax(weight @ x + bias)


def places(centres: ClassCentres, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Where the centres are once `x` is the first batch, (classes, centres, d)."""
    found = centres.offsets.detach().numpy().copy()
    for label in set(labels):
        found[label] += x[labels == label].mean(axis=0)
    return found


def centre_loss(centres: ClassCentres, x: np.ndarray, labels: np.ndarray) -> float:
    total, at = 0.0, places(centres, x, labels)
    for row, label in zip(x, labels, strict=True):
        for share, centre in zip(assigned(centres, row, label), at[label], strict=True):
            total += share * ((row - centre) ** 2).sum()
    return total / len(x)


def judged(contrast: PairClassifier, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the logarithms of the two probabilities of one pair."""
    layers = [contrast.hidden, contrast.output]
    (w1, b1), (w2, b2) = ((m.weight.detach().numpy(), m.bias.detach().numpy()) for m in layers)
    return np.log(softmax(w2 @ np.maximum(w1 @ np.concatenate([first, second]) + b1, 0) + b2))


def test_centres_by_hand():
    centres, x, y = generator().centres, numbers(9, WIDTH), LABELS.numpy()
    torch.nn.init.normal_(centres.bias)
    centres.follow(x, LABELS)
    expected = np.stack([assigned(centres, *pair) for pair in zip(x.numpy(), y, strict=True)])
    np.testing.assert_allclose(centres(x, LABELS).detach(), expected)
    assert centres.loss(x, LABELS).item() == pytest.approx(centre_loss(centres, x.numpy(), y))
    best = places(centres, x.numpy(), y)[y, expected.argmax(axis=1)]
    np.testing.assert_allclose(centres.nearest(x, LABELS), best)


def test_means_of_classes_follow_the_batches():
    """The second batch lacks a class, and another one first comes in the third."""
    centres, means = ClassCentres(3, WIDTH, centres=2), {}
    for seed, labels in enumerate([[0, 1, 0, 1, 1], [1, 1], [2, 0, 2, 1], [2, 2, 2]]):
        x, y = numbers(len(labels), WIDTH, seed=seed).numpy(), np.array(labels)
        centres.double().follow(torch.from_numpy(x), torch.from_numpy(y))
        for label in set(labels):
            batch = x[y == label].mean(axis=0)
            means[label] = 0.9 * means[label] + 0.1 * batch if label in means else batch
        for label in range(3):
            np.testing.assert_allclose(centres.means[label], means.get(label, np.zeros(WIDTH)))
    assert not any(p.grad is not None for p in centres.parameters())


def test_gradients_of_the_centres_by_finite_differences():
    centres, x = generator().centres, numbers(4, WIDTH)
    names, given = zip(*centres.named_parameters(), strict=True)

    def value(*parameters):
        return torch.func.functional_call(
            Loss(centres), dict(zip((f"of.{n}" for n in names), parameters, strict=True)),
            (x, LABELS[:4]),
        )  # fmt: skip

    assert gradcheck(value, tuple(p.detach().clone().requires_grad_() for p in given))


class Loss(torch.nn.Module):
    """Makes the loss of a module its forward."""

    def __init__(self, of: torch.nn.Module) -> None:
        super().__init__()
        self.of = of

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        return self.of.loss(*given)


def test_one_centre_per_class_learns_the_mean_of_its_class():
    torch.manual_seed(0)
    centres, x = ClassCentres(3, WIDTH, centres=1), numbers(60, WIDTH).float()
    labels = torch.arange(60) % 2  # the third class is missing
    x[labels == 1] += 5.0
    optimizer = torch.optim.SGD(centres.parameters(), lr=0.5)
    for _ in range(100):
        optimizer.zero_grad()
        centres.loss(x, labels).backward()
        optimizer.step()
    for label in (0, 1):
        torch.testing.assert_close(centres.offsets[label, 0], x[labels == label].mean(dim=0))
    assert not centres.offsets[2].any()


def test_pairs_are_judged_by_hand():
    contrast, first, second = generator().contrast, numbers(5, WIDTH), numbers(5, WIDTH, seed=3)
    same = torch.tensor([1, 0, 0, 1, 1])
    logs = np.stack([judged(contrast, *p) for p in zip(first.numpy(), second.numpy(), strict=True)])
    expected = -logs[np.arange(5), same].mean()
    assert contrast.loss(first, second, same).item() == pytest.approx(expected)
    assert contrast.unlikeness(first, second).item() == pytest.approx(-logs[:, 0].mean())


def test_of_unlikeness_the_features_learn_and_the_judge_does_not():
    contrast, first = generator().contrast, numbers(5, WIDTH)
    moved, again = (numbers(5, WIDTH, seed=3).requires_grad_() for _ in range(2))
    contrast.unlikeness(first, moved).backward()
    assert all(p.grad is None for p in contrast.parameters())
    contrast.loss(first, again, torch.zeros(5, dtype=torch.int64)).backward()
    torch.testing.assert_close(moved.grad, again.grad)
    assert all(p.grad is not None and p.requires_grad for p in contrast.parameters())


def vector_loss_by_hand(moved: np.ndarray, frequent: np.ndarray, rare: np.ndarray) -> float:
    total = 0.0
    for m, f, r in zip(moved, frequent, rare, strict=True):
        length = np.sqrt((m**2).sum()), np.sqrt((f**2).sum()), np.sqrt((r**2).sum())
        total += abs(length[0] - length[1]) + abs((m * r).sum() / (length[0] * length[2]) - 1)
    return total / len(moved)


def test_the_vector_loss_by_hand_and_where_it_is_zero():
    three = [numbers(7, WIDTH, seed=seed) for seed in range(3)]
    assert vector_loss(*three).item() == pytest.approx(
        vector_loss_by_hand(*(v.numpy() for v in three))
    )
    turned = three[0].norm(dim=1, keepdim=True) * three[1] / three[1].norm(dim=1, keepdim=True)
    assert vector_loss(turned, three[0], three[1]).item() == pytest.approx(0.0, abs=1e-12)
    assert gradcheck(vector_loss, tuple(v.requires_grad_() for v in three))


def test_vectors_of_no_length_have_finite_gradients():
    moved = torch.zeros(3, WIDTH, requires_grad=True)
    vector_loss(moved, torch.zeros(3, WIDTH), torch.zeros(3, WIDTH)).backward()
    assert moved.grad.isfinite().all()


@pytest.mark.parametrize("labels", [LABELS, LABELS[:6], LABELS[:2]])
def test_before_it_begins_centres_and_contrast_are_learned_and_nothing_is_made(labels):
    built, x, y = generator(), numbers(len(labels), WIDTH, seed=1).numpy(), labels.numpy()
    made = generate(built, 0.79, labels)
    assert made.features.shape == (0, WIDTH)
    assert made.labels.shape == (0,)
    half = len(y) // 2
    crossed = [
        judged(built.contrast, x[row], x[half + row])[int(y[row] == y[half + row])]
        for row in range(half)
    ]
    expected = 0.1 * centre_loss(built.centres, x, y) - 0.1 * np.mean(crossed)
    assert made.loss.item() == pytest.approx(expected)


@pytest.mark.parametrize("progress", [0.8, 1.0])
def test_features_and_losses_by_hand(progress):
    built, x, y = generator(), numbers(9, WIDTH, seed=1).numpy(), LABELS.numpy()
    weight, bias = (p.detach().numpy() for p in built.transform.parameters())
    made = generate(built, progress)
    # Rows 1 and 5 are rare; of the seven others three rounds of two are used.
    pairs = [(0, 1), (2, 5), (3, 1), (4, 5), (6, 1), (7, 5)]
    assert made.labels.tolist() == [1] * 6
    away, at = {}, places(built.centres, x, y)
    for row in range(9):
        away[row] = x[row] - at[y[row], assigned(built.centres, x[row], y[row]).argmax()]
    moved = np.stack([weight @ away[giver] + bias for giver, _ in pairs])
    expected = np.stack([x[taker] for _, taker in pairs]) + moved
    np.testing.assert_allclose(made.features.detach(), expected)
    givers, takers = ([away[row] for row in rows] for rows in zip(*pairs, strict=True))
    vectors = vector_loss_by_hand(moved, np.stack(givers), np.stack(takers))
    logs = [judged(built.contrast, x[p[0]], m)[0] for p, m in zip(pairs, moved, strict=True)]
    loss = 0.1 * centre_loss(built.centres, x, y) + 0.01 * (vectors - np.mean(logs))
    assert made.loss.item() == pytest.approx(loss)


def test_with_the_identity_and_no_offsets_the_spread_of_a_class_is_added():
    built, x = generator(), numbers(9, WIDTH, seed=1)
    built.centres.offsets.data.zero_()
    built.transform.weight.data.copy_(torch.eye(WIDTH))
    built.transform.bias.data.zero_()
    made = generate(built, 0.9)
    spread = x[[0, 2, 3]] - torch.stack([x[label == LABELS].mean(dim=0) for label in (0, 2, 0)])
    torch.testing.assert_close(made.features[:3], x[[1, 5, 1]] + spread)


def learned_by(value: torch.Tensor, built: RareSampleGenerator) -> set[str]:
    """Return the parts whose parameters have a gradient other than zero."""
    built.zero_grad(set_to_none=True)
    value.backward()
    gradients = ((name, p.grad) for name, p in built.named_parameters())
    return {name.split(".")[0] for name, g in gradients if g is not None and g.abs().sum() > 0}


def test_who_learns_of_what():
    """The backbone learns of none of it."""
    built, features = generator(), numbers(9, WIDTH, seed=1).requires_grad_()
    early = generate(built, 0.2, features=features).loss
    assert learned_by(early, built) == {"centres", "contrast"}
    late = generate(built, 0.9, features=features)
    assert learned_by(late.features.sum(), built) == {"transform"}
    assert learned_by(generate(built, 0.9).loss, built) == {"centres", "transform"}
    assert features.grad is None


@pytest.mark.parametrize(
    ("labels", "counts"),
    [
        ([0, 0, 2, 2], [300, 100, 120]),  # no rare row
        ([1, 1], [300, 100, 120]),  # no frequent row
        ([0, 1, 2], [100, 100, 120]),  # no rare class
        ([0, 1, 2], [0, 0, 0]),  # no real image
        ([0], [50]),
        ([0, 0, 0], [50]),
    ],
)
@pytest.mark.parametrize("progress", [0.0, 0.9])
def test_none_without_a_pair(labels, counts, progress):
    given = torch.tensor(labels), torch.tensor(counts, dtype=torch.float32)
    assert generate(generator(), progress, *given) is None


def test_inputs_are_not_mixed():
    rows = torch.rand(9, 3, 4, 4)
    context, rng = MixingContext(COUNTS), np.random.default_rng(0)
    assert generator().mix(rows, LABELS, context, rng) is None


@pytest.mark.parametrize(
    ("ratio", "rare"), [(1.1, {1, 2}), (2.5, {1, 2}), (2.6, {1}), (3.0, {1}), (3.1, set())]
)
def test_the_ratio_tells_rare_classes(ratio, rare):
    made = generate(generator(ratio=ratio), 0.9)
    assert (set() if made is None else set(made.labels.tolist())) == rare


def test_a_class_of_synthetic_images_only_is_rare():
    made = generate(generator(), 0.9, counts=torch.tensor([300.0, 120.0, 0.0]))
    assert set(made.labels.tolist()) == {2}


def published_pairs(frequent: list[int], rare: list[int], strength: float) -> list[tuple[int, int]]:
    """Slice by slice, as the authors' loops go over a batch."""
    pairs = []
    if len(frequent) >= len(rare):
        size = len(rare)
        for j in range(max(1, int(len(frequent) * strength / size))):
            pairs += list(zip(frequent[j * size : (j + 1) * size], rare, strict=True))
    else:
        size = len(frequent)
        for j in range(max(1, int(len(rare) * strength / size))):
            pairs += list(zip(frequent, rare[j * size : (j + 1) * size], strict=True))
    return pairs


@pytest.mark.parametrize("strength", [0.01, 0.5, 1.0])
def test_pairs_are_those_of_the_published_loops(strength):
    drawn = np.random.default_rng(0)
    for n in range(1, 30):
        rare = torch.from_numpy(drawn.random(n) < drawn.random())
        frequent, others = (mask.nonzero().squeeze(1).tolist() for mask in (~rare, rare))
        found = torch.stack(pair_rows(~rare, rare, strength), dim=1).tolist()
        if not frequent or not others:
            assert found == []
            continue
        assert found == [list(pair) for pair in published_pairs(frequent, others, strength)]


@pytest.mark.parametrize("progress", [0.1, 0.9])
def test_half_precision_is_computed_in_the_generator_s_own(progress):
    rounded = (100 * numbers(9, WIDTH)).half()
    made = generate(generator().float(), progress, features=rounded)
    exact = generate(generator().float(), progress, features=rounded.float())
    assert torch.equal(made.features, exact.features)
    assert torch.equal(made.loss, exact.loss)
    assert made.loss.isfinite()


def test_preparing_anew_starts_anew():
    built = generator()
    built.prepare(classes=2, features=3)
    assert built.centres.offsets.shape == (2, 4, 3)
    assert not built.centres.offsets.any()

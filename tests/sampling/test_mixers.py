"""Mixers: published formulas, torchvision as the reference, soft labels through the objective."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch.nn import functional
from torchvision.transforms import v2

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import ClassCounts
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Batch, Counts, Task
from imbalance_derm.models.heads.body_site_mtl import BodySiteMultiTask
from imbalance_derm.models.heads.single_task import SingleTask
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.mixers.cutmix import CutMix, span
from imbalance_derm.sampling.mixers.mixup import Mixup
from imbalance_derm.sampling.mixers.none import NoMixing
from imbalance_derm.sampling.mixers.remix import Remix
from imbalance_derm.sampling.mixing import Mixed, Mixer, MixingContext, mix_batch

COUNTS = torch.tensor([90.0, 30.0, 10.0])
CONTEXT = MixingContext(COUNTS)


def images(n: int = 12, size: int = 16) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0))


def labels(n: int = 12) -> torch.Tensor:
    return torch.arange(n) % 3


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def doubled(mixer: Mixer) -> int:
    """How many rows a mixer is given for each that it returns."""
    return 2 if mixer.second_sampler else 1


@pytest.mark.parametrize("space", ["image", "embedding"])
@pytest.mark.parametrize("name", installed().names("mixer"))
def test_conformance(name, space):
    mixer: Mixer = create("mixer", name)
    given = 12 * doubled(mixer)
    inputs, classes = images(given), labels(given)
    if space == "embedding":
        inputs = inputs[:, 0, 0]
    if space == "embedding" and mixer.needs_images:
        with pytest.raises(InputError) as error:
            mixer.check(embeddings=True)
        assert "--mixer mixup" in str(error.value)
        assert "\n" not in str(error.value)
        return
    mixer.check(embeddings=space == "embedding")
    mixer.prepare(classes=3, features=16)
    before, state = (inputs.clone(), classes.clone()), torch.get_rng_state()
    mixed = mixer.mix(inputs, classes, CONTEXT, rng(1))
    again = mixer.mix(inputs, classes, CONTEXT, rng(1))
    other = mixer.mix(inputs, classes, CONTEXT, rng(2))
    assert torch.equal(inputs, before[0])
    assert torch.equal(classes, before[1])
    assert torch.equal(torch.get_rng_state(), state)
    if mixed is None:
        assert again is None
        assert other is None
        return
    assert (mixed.inputs.shape, mixed.inputs.dtype) == (inputs[:12].shape, inputs.dtype)
    assert (mixed.partners.shape, mixed.partners.dtype) == ((12,), torch.int64)
    assert (mixed.weights.shape, mixed.weights.dtype) == ((12,), torch.float32)
    assert given - 12 <= mixed.partners.min() <= mixed.partners.max() < given
    assert 0 <= mixed.weights.min() <= mixed.weights.max() <= 1
    for field in ("inputs", "partners", "weights"):
        assert torch.equal(getattr(mixed, field), getattr(again, field))
    assert not torch.equal(mixed.inputs, other.inputs)
    alike = torch.cat([inputs[:1]] * doubled(mixer)), torch.cat([classes[:1]] * doubled(mixer))
    one_row = mixer.mix(*alike, CONTEXT, rng(3))
    torch.testing.assert_close(one_row.inputs, inputs[:1])


PROGRESS = (0.0, 0.5, 0.95)


@pytest.mark.parametrize("classes", [1, 2, 8])
@pytest.mark.parametrize("name", installed().names("mixer"))
def test_any_number_of_classes_and_one_without_rows_or_images(name, classes):
    """The last class has no real image; of three classes or more the first is not in the batch."""
    torch.manual_seed(0)
    mixer: Mixer = create("mixer", name)
    mixer.prepare(classes, features=5)
    given = 10 * doubled(mixer)
    drawn = torch.arange(given) % classes
    if classes > 2:
        drawn = drawn.clamp(min=1)
    real = torch.tensor([1000.0, 300.0, 90.0, 30.0, 9.0, 3.0, 1.0, 0.0])[-classes:]
    for progress in PROGRESS:
        context = MixingContext(real, progress)
        mixed = mixer.mix(images(given), drawn, context, rng())
        if mixed is not None:
            assert mixed.inputs.isfinite().all()
            assert ((mixed.weights >= 0) & (mixed.weights <= 1)).all()
            assert drawn[mixed.partners].shape == (10,)
        made = mixer.generate(torch.randn(10, 5), drawn[:10], context, rng())
        if made is not None:
            assert made.features.shape == (len(made.labels), 5)
            assert set(made.labels.tolist()) <= set(drawn[:10].tolist())
            assert made.features.isfinite().all()
            assert made.loss.isfinite()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("name", installed().names("mixer"))
def test_any_precision(name, dtype):
    torch.manual_seed(0)
    mixer: Mixer = create("mixer", name)
    mixer.prepare(classes=3, features=5)
    given = 12 * doubled(mixer)
    inputs = images(given).to(dtype)
    exact = mixer.mix(inputs.double(), labels(given), CONTEXT, rng())
    mixed = mixer.mix(inputs, labels(given), CONTEXT, rng())
    if mixed is not None:
        assert mixed.inputs.dtype == dtype
        close = {"rtol": 0.0, "atol": 4 * torch.finfo(dtype).eps}
        torch.testing.assert_close(mixed.inputs.double(), exact.inputs, **close)
        assert torch.equal(mixed.weights, exact.weights)
    for progress in PROGRESS:
        features = (200 * torch.rand(12, 5) - 100).to(dtype)
        made = mixer.generate(features, labels(12), MixingContext(COUNTS, progress), rng())
        if made is not None:
            assert made.features.isfinite().all()
            made.loss.backward()
            learned = [p.grad for p in mixer.parameters() if p.grad is not None]
            assert all(gradient.isfinite().all() for gradient in learned)


def made_by(mixer: Mixer) -> list:
    """What is generated of the same features at three times of the training."""
    features = torch.randn(12, 5, generator=torch.Generator().manual_seed(1))
    return [
        mixer.generate(features, labels(12), MixingContext(COUNTS, progress), rng(2))
        for progress in PROGRESS
    ]


@pytest.mark.parametrize("name", installed().names("mixer"))
def test_a_saved_mixer_goes_on_as_before(name):
    torch.manual_seed(0)
    saved, loaded, untouched = (create("mixer", name) for _ in range(3))
    for mixer in (saved, loaded, untouched):
        mixer.prepare(classes=3, features=5)
        mixer.double()
    loaded.load_state_dict(saved.state_dict())
    for key, tensor in saved.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[key]), key
    learns = len(list(saved.parameters())) > 0
    for one, other, third in zip(made_by(saved), made_by(loaded), made_by(untouched), strict=True):
        if one is None:
            assert other is None
            continue
        assert torch.equal(one.features, other.features)
        assert torch.equal(one.labels, other.labels)
        assert torch.equal(one.loss, other.loss)
        assert torch.equal(one.loss, third.loss) != learns


@pytest.mark.parametrize("name", installed().names("mixer"))
def test_every_parameter_is_learned_and_stays_finite(name):
    torch.manual_seed(0)
    mixer: Mixer = create("mixer", name)
    mixer.prepare(classes=3, features=5)
    head = torch.nn.Linear(5, 3)
    before = {key: value.detach().clone() for key, value in mixer.named_parameters()}
    if not before:
        assert not any(made_by(mixer))
        return
    optimizer = torch.optim.SGD(mixer.parameters(), lr=0.1)
    for _ in range(3):  # what starts at zero needs a step before others learn of it
        loss = torch.zeros(())
        for made in filter(None, made_by(mixer)):
            guessed = functional.cross_entropy(head(made.features), made.labels, reduction="sum")
            loss = loss + made.loss + guessed
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for key, value in mixer.named_parameters():
        assert value.isfinite().all(), key
        assert value.grad is not None, key
        assert not torch.equal(value, before[key]), key


def test_mixup_equals_torchvisions_for_the_same_share():
    x, y = images(), labels()
    mixed = Mixup(alpha=1.0).mix(x, y, CONTEXT, rng())
    reference = v2.MixUp(num_classes=3)
    for row, (partner, share) in enumerate(zip(mixed.partners, mixed.weights, strict=True)):
        # theirs mixes each row with the one before
        pair = [int(partner), row]
        facts = {"lam": float(share), "batch_size": 2, "labels": y[pair]}
        theirs = reference.transform(x[pair], facts)[1]
        torch.testing.assert_close(mixed.inputs[row], theirs)
        soft = share * functional.one_hot(y[row], 3) + (1 - share) * functional.one_hot(
            y[partner], 3
        )
        torch.testing.assert_close(soft, reference._mixup_label(y[pair], lam=float(share))[1])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
@pytest.mark.parametrize("kind", [Mixup, Remix])
def test_shares_follow_the_beta_distribution(kind, alpha):
    mixer = kind(alpha=alpha) if kind is Mixup else kind(alpha=alpha, tau=0.0)
    n = 4000
    mixed = mixer.mix(torch.zeros(n, 1), torch.zeros(n, dtype=torch.int64), CONTEXT, rng())
    # 32 bits round the smallest shares of Beta(0.2, 0.2), by far less than the test can see.
    assert kstest(mixed.weights.double().numpy(), "beta", args=(alpha, alpha)).pvalue > 0.01
    assert kstest(mixed.weights.double().numpy(), "beta", args=(2.0, 1.0)).pvalue < 1e-6
    assert torch.equal(mixed.partners.sort().values, torch.arange(n))


def test_cutmix_label_shares_are_shares_of_pixels():
    """Images of one colour each: every pixel tells which image it is from."""
    n, size = 200, 17
    x = torch.arange(n, dtype=torch.float32).view(n, 1, 1, 1).expand(n, 3, size, size)
    mixed = CutMix().mix(x, torch.zeros(n, dtype=torch.int64), CONTEXT, rng())
    for row in range(n):
        partner = int(mixed.partners[row])
        own = mixed.inputs[row] == row
        assert torch.equal(~own, mixed.inputs[row] == partner) or partner == row
        if partner == row:
            continue
        kept = int(own[0].sum())
        assert float(mixed.weights[row]) == pytest.approx(kept / size**2, abs=1e-6)
        across, down = (~own[0]).any(dim=0), (~own[0]).any(dim=1)
        # what is pasted is one rectangle, the same in every channel
        assert int(across.sum()) * int(down.sum()) == size**2 - kept
        for side in (across, down):
            places = side.nonzero().flatten()
            assert len(places) == 0 or len(places) == places[-1] - places[0] + 1
        assert torch.equal(own, own[:1].expand(3, -1, -1))


def test_cutmix_box_equals_torchvisions(monkeypatch):
    """The same share and centre, handed to their code, give the same rectangle."""
    height, width, n = 20, 33, 300
    shares = rng().beta(1.0, 1.0, n)
    at = np.stack([rng(1).integers(width, size=n), rng(2).integers(height, size=n)])
    rows, columns = (
        span(height, np.sqrt(1 - shares), at[1]),
        span(width, np.sqrt(1 - shares), at[0]),
    )
    reference = v2.CutMix(num_classes=2)
    given: list[torch.Tensor] = []
    monkeypatch.setattr(torch, "randint", lambda *a, **k: given.pop(0))
    for i in range(n):
        given[:] = [torch.tensor([value]) for value in at[:, i]]
        reference._dist = SimpleNamespace(
            sample=lambda shape, share=shares[i]: torch.tensor([share], dtype=torch.float64)
        )
        facts = reference.make_params([torch.zeros(1, 3, height, width)])
        x1, y1, x2, y2 = facts["box"]
        ours = rows[i][:, None] & columns[i][None, :]
        theirs = np.zeros((height, width), dtype=bool)
        theirs[y1:y2, x1:x2] = True
        assert np.array_equal(ours, theirs)
        assert 1 - ours.mean() == pytest.approx(facts["lam_adjusted"])


@pytest.mark.parametrize(
    ("own", "other", "share", "label"),
    [
        (90, 10, 0.49, 0.0),  # the majority gives way below tau
        (90, 10, 0.5, 0.5),  # ... and not at it
        (90, 30, 0.1, 0.0),  # three times as many are enough
        (89, 30, 0.1, 0.1),  # less are not
        (10, 90, 0.51, 1.0),  # the minority prevails where the majority's share is below tau
        (10, 90, 0.5, 0.5),
        (30, 90, 0.9, 1.0),
        (31, 90, 0.9, 0.9),
        (90, 10, 0.9, 0.9),  # the majority dominates the mixture: as mixup
        (10, 90, 0.1, 0.1),
        (30, 30, 0.2, 0.2),
    ],
)
def test_remix_labels_by_hand(own, other, share, label):
    """Kappa 3 and tau 0.5; counts whose ratio is not a binary fraction meet kappa exactly."""
    found = Remix().label_shares(*(torch.tensor([float(v)]) for v in (share, own, other)))
    assert float(found) == pytest.approx(label)


def test_remix_mixes_inputs_as_mixup_does_and_only_its_labels_lean():
    x, y = images(60), labels(60)
    plain, leaning = Mixup(alpha=1.0).mix(x, y, CONTEXT, rng(5)), Remix().mix(x, y, CONTEXT, rng(5))
    assert torch.equal(plain.inputs, leaning.inputs)
    rarer = COUNTS[y] * 3 <= COUNTS[y[leaning.partners]]
    commoner = COUNTS[y] >= 3 * COUNTS[y[leaning.partners]]
    assert (leaning.weights >= plain.weights)[rarer].all()
    assert (leaning.weights <= plain.weights)[commoner].all()
    assert torch.equal(leaning.weights[~rarer & ~commoner], plain.weights[~rarer & ~commoner])
    assert (leaning.weights == 1).sum() > 5
    assert (leaning.weights == 0).sum() > 5


def counts() -> Counts:
    sites = torch.ones(2)
    return Counts(ClassCounts(COUNTS, COUNTS), ClassCounts(sites, sites))


def objective(head, batches: tuple[Batch, ...]) -> torch.Tensor:
    features = batches[0].inputs
    outputs = head.eval()(features)
    return sum(
        head.objective(outputs, features, batch, CrossEntropy(), counts(), 0.0) for batch in batches
    )


@pytest.mark.parametrize("name", ["mixup", "remix", "mamix", "balanced_mixup"])
def test_mixed_cross_entropy_is_that_of_soft_labels(name):
    torch.manual_seed(0)
    x, y = torch.randn(12, 6), labels()
    head = SingleTask(Task(6, ("a", "b", "c")))
    batches = mix_batch(
        create("mixer", name), Batch(x, y, torch.full((12,), -1)), counts().classes, 0.0, rng()
    )
    own, partner = batches
    soft = own.weights[:, None] * functional.one_hot(own.labels, 3)
    soft = soft + partner.weights[:, None] * functional.one_hot(partner.labels, 3)
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(len(soft)))
    torch.testing.assert_close(
        objective(head, batches), functional.cross_entropy(head(own.inputs).logits, soft)
    )


def test_sites_are_mixed_as_labels_are_and_unknown_ones_stay_out():
    torch.manual_seed(0)
    x, y, sites = torch.randn(6, 6), labels(6), torch.tensor([0, 1, -1, 1, -1, 0])
    head = BodySiteMultiTask(
        Task(6, ("a", "b", "c"), ("back", "face")), site_loss="ce", site_weight=1.0
    ).eval()
    own, partner = mix_batch(Mixup(), Batch(x, y, sites), counts().classes, 0.0, rng())
    outputs = head(own.inputs)
    losses = functional.log_softmax(outputs.others["site"], dim=1).neg()
    expected = 0.0
    for row in range(6):
        for batch in (own, partner):
            if batch.sites[row] >= 0:
                expected += batch.weights[row] * losses[row, batch.sites[row]] / 4
    lesion = sum(
        (b.weights * functional.cross_entropy(outputs.logits, b.labels, reduction="none")).mean()
        for b in (own, partner)
    )
    torch.testing.assert_close(objective(head, (own, partner)), lesion + expected)


class WholeShare(Mixer):
    """A mixer that mixes nothing in."""

    def mix(self, inputs, labels, context, rng):
        n = len(inputs)
        return Mixed(inputs, torch.from_numpy(rng.permutation(n)), torch.ones(n))


@pytest.mark.parametrize("head", ["single_task", "body_site_mtl"])
def test_a_whole_share_equals_no_mixing_bit_for_bit(head):
    torch.manual_seed(0)
    built = create("head", head, None, Task(6, ("a", "b", "c"), ("back", "face")))
    batch = Batch(torch.randn(12, 6), labels(), torch.arange(12) % 3 - 1)
    plain = mix_batch(NoMixing(), batch, counts().classes, 0.0, rng())
    assert plain == (batch,)
    whole = mix_batch(WholeShare(), batch, counts().classes, 0.0, rng())
    assert len(whole) == 2
    assert torch.equal(objective(built, whole), objective(built, plain))


def test_a_mixer_gets_the_counts_that_it_asks_for():
    seen = []

    class Fed(WholeShare):
        counts = "fed"

        def mix(self, inputs, labels, context, rng):
            seen.append((context.class_counts, context.progress))

    batch = Batch(torch.randn(3, 6), labels(3), torch.full((3,), -1))
    mix_batch(Fed(), batch, ClassCounts(COUNTS, COUNTS + 1), 0.5, rng())
    assert torch.equal(seen[0][0], COUNTS + 1)
    assert seen[0][1] == 0.5

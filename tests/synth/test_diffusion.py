"""Forward process, loss, guidance, solvers and editing against closed forms and a 2-D toy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from diffusers import DDIMPipeline, DDIMScheduler, UNet2DModel
from diffusers.training_utils import EMAModel
from torch import nn

from imbalance_derm.errors import RunError
from imbalance_derm.synth.diffusion.editing import inpaint, margin, soft_mask, translate
from imbalance_derm.synth.diffusion.sampling import (
    Trajectory,
    draw_noise,
    generate,
    guide,
    make_predictor,
    solve,
)
from imbalance_derm.synth.diffusion.schedule import (
    add_noise,
    clean_from,
    loss_weights,
    make_process,
    signal_to_noise,
    training_target,
)
from imbalance_derm.synth.diffusion.training import (
    Plan,
    diffusion_loss,
    drop_labels,
    image_batches,
    train,
)
from imbalance_derm.training.context import TrainingContext

CPU = torch.device("cpu")


def abar(noise_schedule):
    """The schedules written down from their papers, in double precision."""
    t = np.arange(1000)
    if noise_schedule == "linear":  # Ho et al. 2020, section 4
        return np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    # Nichol and Dhariwal 2021, eq. 17; betas clipped at 0.999
    f = np.cos((np.arange(1001) / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.cumprod(1 - np.minimum(1 - f[1:] / f[:-1], 0.999))[t]


# Forward process and weights


@pytest.mark.parametrize("noise_schedule", ["linear", "cosine"])
def test_the_schedules_are_those_of_their_papers(noise_schedule):
    process = make_process(noise_schedule, "epsilon")
    np.testing.assert_allclose(process.alphas_cumprod, abar(noise_schedule), rtol=2e-3, atol=1e-8)


@pytest.mark.parametrize("t", [0, 300, 700, 999])
def test_the_forward_process_has_its_mean_and_variance(t):
    torch.manual_seed(0)
    n, clean = 200_000, 0.7
    noise = torch.randn(n, 1, 1, 1)
    x = add_noise(make_process("cosine", "epsilon"), torch.full_like(noise, clean), noise,
                  torch.full((n,), t))  # fmt: skip
    variance = 1 - abar("cosine")[t]
    # Five standard errors of a mean and of a variance.
    assert x.mean().item() == pytest.approx(
        math.sqrt(1 - variance) * clean, abs=5 * math.sqrt(variance / n) + 1e-6
    )
    assert x.var().item() == pytest.approx(variance, rel=5 * math.sqrt(2 / n) + 1e-3)


def test_snr_and_min_snr_weights_by_hand():
    signal = abar("linear")
    snr = signal / (1 - signal)
    assert snr[0] > 5 > snr[-1]  # both sides of the minimum are met
    epsilon, v = make_process("linear", "epsilon"), make_process("linear", "v_prediction")
    np.testing.assert_allclose(signal_to_noise(epsilon), snr, rtol=2e-3)
    for t in (0, 100, 250, 999):
        clipped = min(snr[t], 5.0)
        assert loss_weights(epsilon, 5.0)[t].item() == pytest.approx(clipped / snr[t], rel=2e-3)
        assert loss_weights(v, 5.0)[t].item() == pytest.approx(clipped / (snr[t] + 1), rel=2e-3)
    assert loss_weights(v, 0.0).eq(1).all()


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_weighted_error_is_the_min_snr_error_in_x0(prediction):
    # Whatever is predicted, the weights make the loss min(SNR, gamma) |x_0 - x_0'|^2.
    process, t = make_process("linear", prediction), torch.tensor([400])
    clean, other, noise = torch.rand(3, 1, 2, 1, 1) - 0.5
    noisy = add_noise(process, clean, noise, t)
    signal = abar("linear")[400]
    alpha, sigma = signal**0.5, (1 - signal) ** 0.5
    their_noise = (noisy - alpha * other) / sigma
    said = their_noise if prediction == "epsilon" else alpha * their_noise - sigma * other
    error = (said - training_target(process, clean, noise, t)).square().mean()
    weight = loss_weights(process, 5.0)[400]
    expected = min(signal / (1 - signal), 5.0) * (clean - other).square().mean()
    torch.testing.assert_close((weight * error).double(), expected.double(), rtol=5e-3, atol=1e-7)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_true_prediction_leads_back_to_x0(prediction):
    process = make_process("cosine", prediction)
    clean, noise = torch.rand(4, 2, 1, 1) * 2 - 1, torch.randn(4, 2, 1, 1)
    t = torch.full((4,), 500)
    noisy = add_noise(process, clean, noise, t)
    target = training_target(process, clean, noise, t)
    signal = float(process.alphas_cumprod[500])
    torch.testing.assert_close(clean_from(process, target, noisy, signal), clean)


def test_the_loss_of_a_batch_by_hand():
    # A network that says 0 has the mean of weight times squared noise as its loss.
    process = make_process("linear", "epsilon")
    weights = loss_weights(process, 5.0)
    clean, labels = torch.zeros(64, 2, 1, 1), torch.zeros(64, dtype=torch.long)
    torch.manual_seed(7)
    loss = diffusion_loss(lambda x, t, y: torch.zeros_like(x), process, weights, clean, labels)
    torch.manual_seed(7)
    t, noise = torch.randint(1000, (64,)), torch.randn(64, 2, 1, 1)
    assert len(t.unique()) > 50
    expected = np.mean([weights[t[i]].item() * noise[i].square().mean().item() for i in range(64)])
    assert loss.item() == pytest.approx(expected, rel=1e-5)


# Guidance, label dropout, moving average


def test_guidance_is_that_of_ho_and_salimans():
    c, u, w = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 1.0]), 1.5
    torch.testing.assert_close(guide(c, u, 1 + w), (1 + w) * c - w * u)


def test_the_predictor_asks_with_and_without_label():
    process = make_process("linear", "epsilon")
    seen = []

    def network(x, t, labels):
        seen.append((labels.tolist(), t.tolist()))
        return 0.1 * labels.view(-1, 1, 1, 1).float() * torch.ones_like(x)

    x, labels = torch.zeros(2, 1, 1, 1), torch.tensor([1, 0])
    clean = make_predictor(network, process, labels, 4, 3.0)(x, 10)
    assert seen == [([1, 0, 4, 4], [10] * 4)]
    # 0.4 + 3 (0.1 y - 0.4), then x_0 = -sigma / alpha times that.
    signal = abar("linear")[10]
    expected = [-math.sqrt((1 - signal) / signal) * e for e in (-0.5, -0.8)]
    assert clean.flatten().tolist() == pytest.approx(expected, rel=1e-3)
    seen.clear()
    make_predictor(network, process, labels, 4, 1.0)(x, 10)
    assert seen == [([1, 0], [10, 10])]


def test_labels_are_dropped_at_the_rate():
    torch.manual_seed(0)
    labels = torch.randint(0, 3, (20_000,))
    dropped = drop_labels(labels, 3, 0.1)
    share = (dropped == 3).float().mean().item()
    assert share == pytest.approx(0.1, abs=5 * math.sqrt(0.09 / 20_000))
    assert torch.equal(dropped[dropped != 3], labels[dropped != 3])
    assert torch.equal(drop_labels(labels, 3, 0.0), labels)


class Point(nn.Module):
    """Says a constant, and is never told anything: its weights are easy to follow."""

    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))

    def forward(self, x, t, labels):
        return self.value.expand_as(x)


def test_training_ends_with_the_moving_average(accelerator, monkeypatch):
    process = make_process("linear", "epsilon")
    network, seen = Point(), []
    step = EMAModel.step

    def spy(self, parameters):
        parameters = list(parameters)
        seen.append(parameters[0].item())
        step(self, parameters)

    monkeypatch.setattr(EMAModel, "step", spy)
    # A constant target moves the weight by about the learning rate at every step.
    plan = Plan(40, 0.1, 0, ema=0.6, label_dropout=0.0, snr_gamma=0.0)
    batch = torch.full((8, 1, 1, 1), 0.5), torch.zeros(8, dtype=torch.long)
    train(network, lambda step: batch, process, plan, 1, TrainingContext(accelerator))
    assert len(seen) == 40
    assert np.ptp(seen) > 0.05
    average = seen[0]
    for n, value in enumerate(seen[1:], start=1):
        decay = min(0.6, (1 + n) / (10 + n))
        average = decay * average + (1 - decay) * value
    assert network.value.item() == pytest.approx(average, rel=1e-4)
    assert network.value.item() != pytest.approx(seen[-1], rel=1e-4)


def test_warm_up_is_linear():
    plan = Plan(10, 1.0, 3, 0.9, 0.1, 5.0)
    assert [plan.rate(step) for step in (0, 1, 2, 3, 9)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_a_loss_that_is_no_number_ends_the_training(accelerator):
    plan = Plan(3, 0.1, 0, 0.9, 0.0, 0.0)
    batch = torch.full((2, 1, 1, 1), math.nan), torch.zeros(2, dtype=torch.long)
    process = make_process("linear", "v_prediction")
    with pytest.raises(RunError, match=r"diverged: its loss is nan at step 1; lower synth\.learn"):
        train(Point(), lambda step: batch, process, plan, 1, TrainingContext(accelerator))


def test_batches_pass_over_all_images_and_mirror_them():
    images = np.zeros((5, 4, 4, 3), np.uint8)
    images[:, 0, 1] = 255  # one bright pixel tells how an image is mirrored
    images[:, 2, 2] = np.arange(5)[:, None] * 10
    labels = np.arange(5)
    batches = image_batches(images, labels, 2, seed=1, flips=False, device=CPU)
    seen = [label for step in range(5) for label in batches(step)[1].tolist()]
    assert sorted(seen[:5]) == sorted(seen[5:]) == [0, 1, 2, 3, 4]
    assert seen[:5] != seen[5:]
    for step in range(3):
        for image, label in zip(*batches(step), strict=True):
            assert ((image[0, 2, 2] + 1) * 127.5).round() == 10 * label
            assert image[0, 0, 1] == 1
    mirrored = image_batches(images, labels, 2, seed=1, flips=True, device=CPU)
    places = set()
    for step in range(30):
        x, y = mirrored(step)
        assert torch.equal(y, batches(step)[1])  # flips leave the order alone
        places |= {tuple(divmod(int(image[0].argmax()), 4)) for image in x}
    assert places == {(0, 1), (0, 2), (3, 1), (3, 2)}


# Solvers


def test_a_ddim_step_is_equation_12():
    # Song et al. 2021, eq. 12 with sigma = 0, from t = 749 to t = 499 of four steps.
    torch.manual_seed(0)
    process, x = make_process("linear", "epsilon"), 0.3 * torch.randn(3, 2, 2, 2)
    eps = 0.3 * torch.randn_like(x)
    levels = []

    def predict(noisy, t):
        levels.append((t, noisy))
        said = eps if t == 749 else torch.zeros_like(noisy)
        return clean_from(process, said, noisy, float(process.alphas_cumprod[t]))

    solve(predict, x, Trajectory("ddim", 4).solver(process), skip=1)
    assert [t for t, _ in levels] == [749, 499, 249]
    a, b = abar("linear")[749], abar("linear")[499]
    x, eps = x.double(), eps.double()
    clean = ((x - math.sqrt(1 - a) * eps) / math.sqrt(a)).clamp(-1, 1)
    eps = (x - math.sqrt(a) * clean) / math.sqrt(1 - a)  # of the clamped x_0
    expected = math.sqrt(b) * clean + math.sqrt(1 - b) * eps
    torch.testing.assert_close(levels[1][1].double(), expected, rtol=1e-3, atol=1e-4)


def test_a_ddim_step_without_clamping_uses_the_predicted_noise_itself():
    process, x = make_process("linear", "epsilon"), torch.tensor([[[[0.4]]]])
    eps, seen = 0.2, []
    a, b = abar("linear")[499], abar("linear")[249]

    def predict(noisy, t):
        seen.append(noisy)
        return clean_from(process, torch.full_like(noisy, eps), noisy, abar("linear")[t])

    solve(predict, x, Trajectory("ddim", 4).solver(process), skip=2)
    clean = (0.4 - math.sqrt(1 - a) * eps) / math.sqrt(a)
    assert abs(clean) < 1
    assert seen[1].item() == pytest.approx(math.sqrt(b) * clean + math.sqrt(1 - b) * eps, rel=1e-3)


def test_sampling_equals_the_loop_of_diffusers_pipeline():
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=8, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
    ).eval()  # fmt: skip
    theirs = DDIMScheduler(beta_schedule="linear", timestep_spacing="trailing")
    pipeline = DDIMPipeline(unet, theirs)
    pipeline.set_progress_bar_config(disable=True)
    expected = pipeline(
        batch_size=2, generator=torch.Generator().manual_seed(5), num_inference_steps=10,
        use_clipped_model_output=True, output_type="np",
    ).images  # fmt: skip
    noise = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    process, labels = make_process("linear", "epsilon"), torch.zeros(2, dtype=torch.long)
    predict = make_predictor(
        lambda x, t, y: unet(x, t, return_dict=False)[0], process, labels, 0, 1.0
    )
    made = generate(predict, process, noise, Trajectory("ddim", 10))
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(
        (made.permute(0, 2, 3, 1).numpy() + 1) / 2, expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("sampler", "order"), [("ddim", 0.85), ("dpm++", 1.6)])
def test_solvers_follow_the_exact_flow_of_a_gaussian(sampler, order):
    # For x_0 ~ N(m, s^2) the ODE has the solution x_0 = m + s z with z the starting noise
    # (where abar_T is 0), and E[x_0 | x_t] is known.
    m, s, process = 0.2, 0.1, make_process("cosine", "v_prediction")
    signal = process.alphas_cumprod.double()

    def predict(noisy, t):
        a = signal[t]
        return m + (a.sqrt() * s**2 / (a * s**2 + 1 - a)) * (noisy - a.sqrt() * m)

    noise = torch.linspace(-2, 2, 9, dtype=torch.float64).view(-1, 1, 1, 1)
    errors = []
    for steps in (25, 100):
        made = generate(predict, process, noise, Trajectory(sampler, steps))
        errors.append((made - (m + s * noise)).abs().max().item())
    assert errors[0] < 0.06
    # DDIM is of first order, and DPM-Solver++(2M) of second but for its end points.
    assert errors[1] < errors[0] / 4**order


def test_noise_depends_on_seed_label_and_index_alone():
    together = draw_noise((3, 4, 4), 5, 1, range(6))
    apart = torch.cat([draw_noise((3, 4, 4), 5, 1, part) for part in ([0], [1, 2, 3], [4, 5])])
    assert torch.equal(together, apart)
    assert len({row.numpy().tobytes() for row in together}) == 6
    for other in (draw_noise((3, 4, 4), 6, 1, [0]), draw_noise((3, 4, 4), 5, 0, [0])):
        assert not torch.equal(other[0], together[0])
    many = draw_noise((3, 8, 8), 0, 0, range(500))
    assert many.mean().item() == pytest.approx(0, abs=0.02)
    assert many.std().item() == pytest.approx(1, abs=0.02)


# Inpainting


@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_the_known_region_is_the_noised_image_at_every_step(sampler, strength):
    # Lugmayr et al. 2022, eq. 8a, with the noise that the path began with.
    torch.manual_seed(0)
    process = make_process("cosine", "v_prediction")
    originals, noise = torch.rand(2, 3, 6, 6) * 2 - 1, torch.randn(2, 3, 6, 6)
    redrawn = torch.zeros(2, 1, 6, 6)
    redrawn[..., 2:4, 2:4] = 1
    known, seen = (redrawn == 0).expand_as(originals), []

    def predict(noisy, t):
        seen.append((t, noisy.clone()))
        return torch.tanh(noisy)

    made = inpaint(predict, redrawn, process, originals, noise, Trajectory(sampler, 10), strength)
    assert len(seen) == 10 * strength
    for t, noisy in seen:
        level = add_noise(process, originals, noise, torch.full((2,), t))
        torch.testing.assert_close(noisy[known], level[known], rtol=1e-3, atol=1e-4)
    assert torch.equal(made[known], originals[known])
    assert (made - originals)[~known].abs().max() > 0.1


def test_strength_1_redraws_without_a_look_at_what_was_there():
    process = make_process("cosine", "v_prediction")
    noise, redrawn = torch.randn(1, 3, 6, 6), torch.zeros(1, 1, 6, 6)
    redrawn[..., 2:4, 2:4] = 1
    dark, light = torch.full((1, 3, 6, 6), -0.5), torch.full((1, 3, 6, 6), -0.5)
    light[..., 2:4, 2:4] = 0.9
    made = [
        inpaint(lambda x, t: x.tanh(), redrawn, process, image, noise, Trajectory("ddim", 10), 1.0)
        for image in (dark, light)
    ]
    torch.testing.assert_close(*made, atol=1e-3, rtol=0)


def test_the_soft_mask_is_one_on_the_lesion_and_zero_beyond_its_margin():
    size = 64
    yy, xx = np.mgrid[:size, :size]
    masks = np.stack([(yy - 30) ** 2 + (xx - 20) ** 2 < 100, (yy < 9) & (xx > 50)])
    soft = soft_mask(torch.from_numpy(masks))[:, 0].numpy()
    assert (soft[masks] == 1).all()
    for mask, weight in zip(masks, soft, strict=True):
        lesion = np.argwhere(mask)
        far = np.array(
            [[np.abs(lesion - (y, x)).max(1).min() for x in range(size)] for y in range(size)]
        )
        assert (weight[far > margin(size)] == 0).all()
        assert (weight[(far <= margin(size)) & (far > 0)] > 0).all()
    assert 0 < soft[soft > 0].min() < 0.3
    assert not soft_mask(torch.zeros(1, 8, 8, dtype=torch.bool)).any()


# The 2-D toy: two Gaussians, the same training and sampling code


MEANS, SPREAD = torch.tensor([[-0.5, -0.3], [0.5, 0.4]]), 0.08


class Mlp(nn.Module):
    """A denoiser of points, shape (n, 2, 1, 1), for two classes and the null label."""

    def __init__(self, width=64):
        super().__init__()
        self.embedding = nn.Embedding(3, width)
        self.body = nn.Sequential(
            nn.Linear(2 + 8 + width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, 2),
        )  # fmt: skip

    def forward(self, x, t, labels):
        phase = t[:, None] / 1000 * math.pi * torch.tensor([0.5, 1.0, 2.0, 4.0])
        told = torch.cat([x.flatten(1), phase.sin(), phase.cos(), self.embedding(labels)], dim=1)
        return self.body(told).view_as(x)


def toy_points(labels):
    return (MEANS[labels] + SPREAD * torch.randn(len(labels), 2)).view(-1, 2, 1, 1)


def toy_batches(step):
    # Imbalanced, nine to one.
    labels = (torch.rand(256) < 0.1).long()
    return toy_points(labels), labels


def trained_toy(prediction, context, steps=600):
    torch.manual_seed(0)
    network, process = Mlp(), make_process("cosine", prediction)
    plan = Plan(steps, 3e-3, 20, ema=0.99, label_dropout=0.1, snr_gamma=5.0)
    points = train(network, toy_batches, process, plan, 2, context)
    return network, process, points


@pytest.fixture(scope="module", params=["v_prediction", "epsilon"])
def toy(request, accelerator):
    return trained_toy(request.param, TrainingContext(accelerator, seed=1))


def test_the_toy_learns(toy):
    points = [point["loss"] for point in toy[2]]
    assert np.mean(points[-20:]) < 0.6 * np.mean(points[:5])


def toy_predictor(toy, label, guidance):
    network, process, _ = toy
    return make_predictor(network, process, torch.full((400,), label), 2, guidance)


def nearest(points):
    return torch.cdist(points, MEANS).argmin(dim=1)


@pytest.mark.parametrize(("sampler", "steps"), [("dpm++", 20), ("ddim", 50)])
@pytest.mark.parametrize("label", [0, 1])
def test_generate_makes_the_class_that_is_asked_for(toy, sampler, steps, label):
    noise, way = draw_noise((2, 1, 1), 0, label, range(400)), Trajectory(sampler, steps)
    made = generate(toy_predictor(toy, label, 1.0), toy[1], noise, way).flatten(1)
    torch.testing.assert_close(made.mean(0), MEANS[label], atol=0.08, rtol=0)
    assert (made.std(0) < 2 * SPREAD).all()
    guided = generate(toy_predictor(toy, label, 2.0), toy[1], noise, way).flatten(1)
    assert (nearest(guided) == label).float().mean() > 0.99
    # Guidance leads away from what the other class makes likely, and narrows.
    away = (guided.mean(0) - made.mean(0)) @ (MEANS[label] - MEANS[1 - label])
    assert away > 0
    assert (guided.std(0) < made.std(0)).all()


@pytest.mark.parametrize("sampler", ["dpm++", "ddim"])
@pytest.mark.parametrize("label", [0, 1])
def test_translate_moves_points_to_the_target_class(toy, sampler, label):
    torch.manual_seed(3)
    sources = toy_points(torch.full((400,), 1 - label))
    assert (nearest(sources.flatten(1)) == 1 - label).all()
    predict, process = toy_predictor(toy, label, 1.0), toy[1]
    noise, way = draw_noise((2, 1, 1), 0, label, range(400)), Trajectory(sampler, 20)
    made = translate(predict, process, sources, noise, way, 0.8).flatten(1)
    torch.testing.assert_close(made.mean(0), MEANS[label], atol=0.1, rtol=0)
    assert (nearest(made) == label).float().mean() > 0.97
    # The less noise, the more of the source is left.
    moved = [
        (translate(predict, process, sources, noise, way, strength) - sources).flatten(1)
        for strength in (0.05, 0.4, 0.8)
    ]
    distances = [move.norm(dim=1).mean() for move in moved]
    assert distances[0] < distances[1] < distances[2]
    assert distances[0] < 0.5 * distances[2]


def test_an_interrupted_toy_goes_on_to_the_same_numbers(accelerator, memory_checkpoint):
    whole, _, points = trained_toy("v_prediction", TrainingContext(accelerator, 1), 30)
    checkpoint = memory_checkpoint(interrupt=11)
    with pytest.raises(KeyboardInterrupt):
        trained_toy("v_prediction", TrainingContext(accelerator, 1, checkpoint), 30)
    checkpoint.interrupt = None
    again, _, rest = trained_toy("v_prediction", TrainingContext(accelerator, 1, checkpoint), 30)
    assert rest == points
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)

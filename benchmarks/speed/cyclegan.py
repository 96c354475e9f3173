"""A training step of our CycleGAN against a plain implementation of the same networks.

Paper A's networks and losses, one process, in turns. The plain one is what one writes from the
paper: upsampling and then a convolution, float32, every pass of a network on its own, Adam as it
comes. Both start from the same weights and see the same images; the losses of their first step
are compared before anything is timed.

    python benchmarks/speed/cyclegan.py [--pairs 7] [--size 128] [--steps 5] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from imbalance_derm.experiment.environment import environment
from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.synth.cyclegan.architecture import Architecture
from imbalance_derm.synth.cyclegan.losses import LossWeights
from imbalance_derm.synth.cyclegan.schedule import Domains, Schedule
from imbalance_derm.synth.cyclegan.trainer import Trainer
from imbalance_derm.training.context import TrainingContext
from imbalance_derm.training.device import generator_autocast, generator_precision, make_accelerator

PAPER = Architecture("per_pair", "unet", 4, False, 32, 64, 4, False)
WEIGHTS = LossWeights(cycle=10.0, identity=1.0)
IMAGES = 16


def images(size: int) -> Domains:
    samples = np.random.default_rng(0).integers(0, 256, (2 * IMAGES, size, size, 3), dtype=np.uint8)
    return Domains(samples, (np.arange(IMAGES), np.arange(IMAGES, 2 * IMAGES)))


class PlainGenerator(nn.Module):
    """The U-Net of paper A: four strided convolutions down, four times upsampling up."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Conv2d(i, o, 4, stride=2, padding=1)
            for i, o in [(3, 32), (32, 64), (64, 128), (128, 256)]
        )
        self.up = nn.ModuleList(nn.Conv2d(i, o, 4) for i, o in [(256, 128), (256, 64), (128, 32)])
        self.last = nn.Conv2d(64, 3, 4)
        self.upsample = nn.Sequential(nn.Upsample(scale_factor=2), nn.ZeroPad2d((1, 2, 1, 2)))

    def forward(self, x):
        first = functional.leaky_relu(self.down[0](x), 0.2)
        skips = [first]
        for layer in self.down[1:]:
            skips.append(functional.instance_norm(functional.leaky_relu(layer(skips[-1]), 0.2)))
        x = skips.pop()
        for layer in self.up:
            x = functional.instance_norm(functional.relu(layer(self.upsample(x))))
            x = torch.cat([x, skips.pop()], dim=1)
        return torch.tanh(self.last(self.upsample(x)))


class PlainDiscriminator(nn.Sequential):
    """The PatchGAN of paper A."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for i, o in [(64, 128), (128, 256), (256, 512)]:
            layers += [nn.Conv2d(i, o, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
            layers.append(nn.InstanceNorm2d(o))
        super().__init__(*layers, nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(512, 1, 4))


class Plain:
    """The training step as one writes it, every pass on its own."""

    def __init__(self, weights: Trainer) -> None:
        device = weights.context.accelerator.device
        self.back, self.there = PlainGenerator().to(device), PlainGenerator().to(device)
        self.judge_source, self.judge_target = (PlainDiscriminator().to(device) for _ in range(2))
        mine = (self.back, self.there, self.judge_source, self.judge_target)
        theirs = (*weights.generators.networks.values(), *weights.judges.networks.values())
        for own, other in zip(mine, theirs, strict=True):
            own.load_state_dict(other.state_dict())
        parameters = itertools.chain(self.there.parameters(), self.back.parameters())
        self.adam = torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999))
        parameters = itertools.chain(self.judge_source.parameters(), self.judge_target.parameters())
        self.judges_adam = torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999))
        self.device = device

    def train(self, domains: Domains, steps: int, batch: int, rng: np.random.Generator) -> float:
        """Return the generators' loss of the last step."""
        l1, mse = nn.L1Loss(), nn.MSELoss()
        for _ in range(steps):
            source, target = (
                torch.from_numpy(domains.samples[rng.choice(rows, batch, replace=False)])
                .to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
                for rows in domains.rows
            )  # fmt: skip
            self.adam.zero_grad()
            fake_target, fake_source = self.there(source), self.back(target)
            on_target, on_source = self.judge_target(fake_target), self.judge_source(fake_source)
            adversarial = mse(on_target, torch.ones_like(on_target))
            adversarial = adversarial + mse(on_source, torch.ones_like(on_source))
            cycle = l1(self.back(fake_target), source) + l1(self.there(fake_source), target)
            identity = l1(self.there(target), target) + l1(self.back(source), source)
            loss = adversarial + WEIGHTS.cycle * cycle + WEIGHTS.identity * identity
            loss.backward()
            self.adam.step()
            self.judges_adam.zero_grad()
            for judge, real, fake in (
                (self.judge_target, target, fake_target),
                (self.judge_source, source, fake_source),
            ):
                on_real, on_fake = judge(real), judge(fake.detach())
                judged = mse(on_real, torch.ones_like(on_real))
                judged = 0.5 * (judged + mse(on_fake, torch.zeros_like(on_fake)))
                judged.backward()
            self.judges_adam.step()
        return float(loss)


def prove_equal(settings: TrainSection, size: int) -> None:
    """Stop unless both implementations have the same losses for the same images, in float32."""
    context = TrainingContext(make_accelerator(settings.model_copy(update={"precision": "no"})))
    ours, domains = trainer(context, size), images(size)
    first = Domains(domains.samples, tuple(rows[:1] for rows in domains.rows))
    plain = None

    def keep(seed: int) -> None:
        nonlocal plain
        start(seed)
        plain = Plain(ours)

    start, ours._start = ours._start, keep
    # One image of each domain, mirrored or not: so that it does not matter, it is symmetric.
    symmetric = first.samples.copy()
    symmetric[:, :, size // 2 :] = symmetric[:, :, : size // 2][:, :, ::-1]
    first = Domains(symmetric, first.rows)
    for steps in (1, 3):
        ((*_, point),) = ours.train(first, Schedule(steps, 1, 2e-4, 0.0, 0), 0)
        theirs = plain.train(first, steps, 1, np.random.default_rng(0))
        if abs(theirs - point["generator"]) > 1e-3 * theirs:
            sys.exit(f"step {steps}: losses differ, {point['generator']} and {theirs}")


def trainer(context: TrainingContext, size: int) -> Trainer:
    networks = (PAPER.generators(size, range(2)), PAPER.judges(size, range(2)))
    return Trainer(*networks, WEIGHTS, context)


def measure(context: TrainingContext, size: int, batch: int, pairs: int, steps: int) -> dict:
    """Seconds of a step, pair by pair."""
    ours, domains = trainer(context, size), images(size)
    plan = Schedule(steps, batch, 2e-4, 0.0, 0)
    ours._start(0)
    plain, rng = Plain(ours), np.random.default_rng(0)

    def timed(train) -> float:
        begin = time.perf_counter()
        train()
        if context.accelerator.device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - begin) / steps

    def run_ours() -> float:
        return timed(lambda: ours.train(domains, plan, 0))

    def run_plain() -> float:
        return timed(lambda: plain.train(domains, steps, batch, rng))

    run_ours(), run_plain()
    seconds = {"ours": [], "plain": []}
    for pair in range(pairs):
        runs = [("ours", run_ours), ("plain", run_plain)]
        for name, run in runs if pair % 2 else runs[::-1]:
            seconds[name].append(run())
    ratios = [plain / own for own, plain in zip(*seconds.values(), strict=True)]
    return {
        "batch_size": batch,
        "seconds_of_a_step": seconds,
        "times_faster": {
            "median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=5, help="in each half of a pair")
    parser.add_argument("--device", choices=["auto", "cpu"], default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    settings = TrainSection(device=arguments.device, threads=arguments.threads)
    prove_equal(settings, 64)
    accelerator = make_accelerator(settings)
    context = TrainingContext(accelerator, autocast=generator_autocast(settings, accelerator))
    result = {
        "command": "python benchmarks/speed/cyclegan.py " + " ".join(sys.argv[1:]),
        "what": "one training step, paper A's networks: ours against a plain implementation",
        "image_size": arguments.size,
        "steps_in_half_a_pair": arguments.steps,
        "measured": [
            measure(context, arguments.size, batch, arguments.pairs, arguments.steps)
            for batch in (1, 4)
        ],
        "environment": environment(
            accelerator.device.type,
            torch.get_num_threads(),
            generator_precision(settings, accelerator),
        ),
    }
    text = json.dumps(result, indent=2)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

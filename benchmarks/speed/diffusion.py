"""What sampling costs: our loop against the loop of diffusers' own pipeline, pair by pair.

The same unconditional UNet2DModel, DDIM with eta 0 on the same timesteps, the same batch, float32,
both from a seed to images as arrays, in one process, in turns. Both make the same images, which
is checked first.

    python benchmarks/speed/diffusion.py [--pairs 7] [--size 64] [--batch 8] [--steps 10]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMPipeline, DDIMScheduler, UNet2DModel

from imbalance_derm.experiment.environment import environment
from imbalance_derm.synth.diffusion.sampling import Trajectory, generate, make_predictor
from imbalance_derm.synth.diffusion.schedule import make_process
from imbalance_derm.synth.pixels import to_images

CHANNELS = (32, 64, 96)


def build(size: int, device: torch.device) -> UNet2DModel:
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=size, block_out_channels=CHANNELS, layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D",) * 3, up_block_types=("UpBlock2D",) * 3,
        add_attention=False,
    )  # fmt: skip
    return unet.to(device).eval()


def ours(unet: UNet2DModel, size: int, batch: int, steps: int) -> np.ndarray:
    """The toolkit's loop, to uint8 images as the synthesizer gives them."""
    noise = torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(0))
    noise = noise.to(unet.device)
    process = make_process("linear", "epsilon")
    labels = torch.zeros(batch, dtype=torch.long, device=unet.device)
    predict = make_predictor(
        lambda x, t, _: unet(x, t, return_dict=False)[0], process, labels, 0, guidance=1.0
    )
    return to_images(generate(predict, process, noise, Trajectory("ddim", steps)))


def theirs(unet: UNet2DModel, batch: int, steps: int) -> np.ndarray:
    """The pipeline's loop, to float images in [0, 1]."""
    scheduler = DDIMScheduler(beta_schedule="linear", timestep_spacing="trailing")
    pipeline = DDIMPipeline(unet, scheduler)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline(
        batch_size=batch, generator=torch.Generator().manual_seed(0), num_inference_steps=steps,
        use_clipped_model_output=True, output_type="np",
    ).images  # fmt: skip


def seconds(run: Callable[[], np.ndarray]) -> float:
    # Both end on the host, so that nothing is left to wait for.
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    # float32 means float32 on a GPU too.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    unet = build(arguments.size, torch.device(arguments.device))
    batch, steps = arguments.batch, arguments.steps

    def run_ours() -> np.ndarray:
        return ours(unet, arguments.size, batch, steps)

    def run_theirs() -> np.ndarray:
        return theirs(unet, batch, steps)

    difference = np.abs(run_ours() - 255 * run_theirs()).max()  # also warms both up
    pairs = []
    for pair in range(arguments.pairs):
        if pair % 2:  # alternate the order, so that a drift of the machine cancels
            other, own = seconds(run_theirs), seconds(run_ours)
        else:
            own, other = seconds(run_ours), seconds(run_theirs)
        pairs.append((own, other))
    ratios = [own / other for own, other in pairs]
    result = {
        "ours_over_diffusers": {
            "median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)
        },
        "seconds": {
            "ours": statistics.median(own for own, _ in pairs),
            "diffusers": statistics.median(other for _, other in pairs),
        },
        "largest_difference_in_grey_levels": round(float(difference), 3),
        "pairs": arguments.pairs,
        "batch": batch,
        "steps": steps,
        "image_size": arguments.size,
        "channels": CHANNELS,
        "environment": environment(arguments.device, torch.get_num_threads(), "float32"),
    }  # fmt: skip
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

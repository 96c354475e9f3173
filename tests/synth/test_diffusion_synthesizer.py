"""The diffusion synthesizer: its modes, its masks, what it starts from, and how it goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel

from imbalance_derm.errors import InputError
from imbalance_derm.registry.parameters import create
from imbalance_derm.synth.diffusion.editing import margin
from imbalance_derm.synth.diffusion.network import build_unet, pretrained_unet
from imbalance_derm.synth.diffusion.synthesizer import Diffusion
from imbalance_derm.training.checkpoints import load_state, save_state
from imbalance_derm.training.context import TrainingContext

SMALL = {
    "channels": (8, 16), "layers_per_block": 1, "attention": False, "steps": 4, "batch_size": 4,
    "warmup": 0, "sampling_steps": 4,
}  # fmt: skip
MODES = ["generate", "translate", "inpaint"]


def with_masks(data, empty=()):
    """A square lesion in each image, but for the rows in `empty`."""
    size = data.samples.shape[1]
    masks = np.zeros((len(data), size, size), bool)
    masks[:, size // 2 - 2 : size // 2 + 2, size // 2 - 1 : size // 2 + 3] = True
    masks[list(empty)] = False
    return replace(data, masks=masks)


def images(synth, data, label, count, seed, context):
    return np.concatenate(
        [chunk.samples for chunk in synth.sample(data, label, count, seed, context)]
    )


def pipeline_unet(**changes):
    torch.manual_seed(0)
    config = {
        "sample_size": 32, "block_out_channels": (8, 16), "layers_per_block": 1,
        "down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2,
        "norm_num_groups": 8, "attention_head_dim": 8,
    } | changes  # fmt: skip
    return UNet2DModel(**config)


# Modes


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_every_mode_gives_images_with_their_provenance(lesions, context, mode, sampler, prediction):
    data = with_masks(lesions((6, 4, 5)))
    synth = Diffusion(**SMALL, mode=mode, sampler=sampler, prediction=prediction)
    facts = synth.fit(data, context)
    majority = set(data.image_ids[data.labels == 0])
    (chunk,) = synth.sample(data, 2, 5, 7, context)
    assert chunk.samples.shape == (5, 16, 16, 3)
    assert chunk.samples.dtype == np.uint8
    for origin in chunk.provenance:
        assert (origin.method, origin.mode, origin.seed) == ("diffusion", mode, 7)
        assert origin.model == facts["learned"][0]["model"] != ""
        assert origin.strength == {"generate": None, "translate": 0.6, "inpaint": 1.0}[mode]
        assert len(origin.sources) == (mode != "generate")
        assert set(origin.sources) <= majority
    sources = {origin.sources for origin in chunk.provenance}
    assert len(sources) == (1 if mode == "generate" else 5)  # none again before all were used


def test_targets_and_masks_follow_from_the_mode(lesions):
    data = lesions((6, 9, 5))
    assert [Diffusion(mode=mode).targets(data) for mode in MODES] == [[0, 1, 2], [0, 2], [0, 1, 2]]
    assert [Diffusion(mode=mode).needs_masks for mode in MODES] == [False, False, True]
    assert not Diffusion.needs_masks


@pytest.mark.parametrize("mode", MODES)
def test_neither_chunk_nor_batch_changes_an_image(lesions, context, mode):
    data = with_masks(lesions((6, 4)))
    synth = Diffusion(**SMALL, mode=mode)
    synth.fit(data, context)
    several = images(synth, data, 1, 7, 3, context)
    synth.batch_size = 64
    for other in (images(synth, data, 1, 7, 3, context), images(synth, data, 1, 4, 3, context)):
        # Sums in another order: at most one grey level, and seldom.
        difference = np.abs(several[: len(other)].astype(int) - other)
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.01


def test_training_moves_samples_to_the_classes(lesions, context):
    data = lesions((24, 24), size=8)
    level = np.where(data.labels == 0, 70, 180)[:, None, None, None]
    data = data.with_samples((level + data.samples.astype(int) // 8).astype(np.uint8))
    plan = SMALL | {"channels": (16,), "steps": 200, "batch_size": 16, "sampling_steps": 10}
    synth = Diffusion(**plan, learning_rate=3e-3, ema=0.98, guidance=1.0)
    facts = synth.fit(data, context)
    made = [images(synth, data, label, 16, 0, context).mean() for label in (0, 1)]
    real = [data.samples[data.labels == label].mean() for label in (0, 1)]
    assert made == pytest.approx(real, abs=25)
    losses = [point["loss"] for point in facts["curves"]["all classes"]]
    assert np.mean(losses[-20:]) < 0.3 * np.mean(losses[:5])


# Inpainting


@pytest.mark.parametrize("strength", [0.0, 0.5])
@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
def test_inpainting_keeps_the_skin_to_the_last_bit(lesions, context, strength, sampler):
    data = with_masks(lesions((6, 4), size=32), empty=(1, 4))
    # DDIM steps that do not divide the timesteps, whose last level diffusers puts above zero.
    synth = Diffusion(**SMALL | {"sampling_steps": 7}, mode="inpaint", strength=strength,
                      sampler=sampler)  # fmt: skip
    synth.fit(data, context)
    (chunk,) = synth.sample(data, 1, 9, 0, context)
    rows = [int(np.flatnonzero(data.image_ids == o.sources[0])[0]) for o in chunk.provenance]
    assert set(rows) == {0, 2, 3, 5}  # images 1 and 4 have no lesion in their mask
    reach = margin(32)
    for made, row in zip(chunk.samples, rows, strict=True):
        around = np.zeros((32, 32), bool)
        ys, xs = np.nonzero(data.masks[row])
        around[ys.min() - reach : ys.max() + reach + 1, xs.min() - reach : xs.max() + reach + 1] = (
            True
        )
        np.testing.assert_array_equal(made[~around], data.samples[row][~around])
        lesion = data.masks[row]
        assert (made[lesion] != data.samples[row][lesion]).mean() > 0.5


def test_inpainting_without_lesions_is_refused_before_any_training(lesions, context):
    data = lesions((6, 4))
    synth = Diffusion(**SMALL, mode="inpaint")
    with pytest.raises(InputError, match=r"inpaint needs lesion masks, and this data set has no"):
        synth.fit(data, context)
    with pytest.raises(InputError, match=r"of class 'class0', the largest, has a lesion in its"):
        synth.fit(with_masks(data, empty=range(6)), context)


# Starting from a model that diffusers has saved


@pytest.mark.parametrize("layout", ["ddpm", "ddim", "bare"])
def test_start_from_goes_on_from_the_saved_weights(layout, tmp_path):
    unet = pipeline_unet()
    {
        "ddpm": lambda: DDPMPipeline(unet, DDPMScheduler()),
        "ddim": lambda: DDIMPipeline(unet, DDIMScheduler()),
        "bare": lambda: unet,
    }[layout]().save_pretrained(tmp_path)
    ours = pretrained_unet(str(tmp_path), classes=3).eval()
    assert ours.class_embedding.num_embeddings == 4
    weights = ours.state_dict()
    for name, value in unet.state_dict().items():
        assert torch.equal(weights[name], value)
    # Whatever the label, it says at first what the saved network says; also at another size.
    x, t = torch.randn(4, 3, 16, 16), torch.tensor([1, 200, 500, 999])
    expected = unet.eval()(x, t).sample
    assert torch.equal(ours(x, t, class_labels=torch.arange(4)).sample, expected)


def test_start_from_trains_saves_and_loads(lesions, context, tmp_path):
    DDPMPipeline(pipeline_unet(), DDPMScheduler()).save_pretrained(tmp_path / "theirs")
    data = lesions((6, 4))
    values = {**SMALL, "start_from": str(tmp_path / "theirs"), "channels": (16, 8)}
    synth = Diffusion(**values)
    facts = synth.fit(data, context)
    (warning,) = facts["warnings"]
    assert "prediction_type=epsilon, beta_schedule=linear" in warning
    matching = Diffusion(**values, prediction="epsilon", noise_schedule="linear")
    assert matching.fit(data, context)["warnings"] == []
    (tmp_path / "ours").mkdir()
    synth.save(tmp_path / "ours")
    again = Diffusion(**{**values, "start_from": "gone"})  # loading needs the old one no more
    again.load(tmp_path / "ours", data, context)
    np.testing.assert_array_equal(
        images(synth, data, 1, 3, 0, context), images(again, data, 1, 3, 0, context)
    )


def test_a_class_embedding_of_our_size_is_kept_and_another_replaced(tmp_path):
    unet = build_unet(16, 2, (8,), 1, attention=False)
    unet.save_pretrained(tmp_path)
    kept = pretrained_unet(str(tmp_path), 2).class_embedding.weight
    assert torch.equal(kept, unet.class_embedding.weight)
    replaced = pretrained_unet(str(tmp_path), 5)
    assert replaced.class_embedding.weight.shape[0] == 6
    assert torch.equal(replaced.conv_in.weight, unet.conv_in.weight)


def test_start_from_refuses_what_it_cannot_use(tmp_path, monkeypatch):
    pipeline_unet(out_channels=6).save_pretrained(tmp_path / "six")
    with pytest.raises(InputError, match=r"3 input and 6 output channels; a UNet2DModel with 3"):
        pretrained_unet(str(tmp_path / "six"), 2)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="cannot be loaded"):
        pretrained_unet(str(tmp_path / "empty"), 2)
    DDPMScheduler().save_pretrained(tmp_path / "other")
    (tmp_path / "other" / "scheduler_config.json").rename(tmp_path / "other" / "config.json")
    with pytest.raises(InputError, match="it is a DDPMScheduler, and a UNet2DModel is needed"):
        pretrained_unet(str(tmp_path / "other"), 2)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("somebody/ddpm-that-is-not-here", "no/such/folder"):
        with pytest.raises(InputError, match=f"synth.start_from='{name}' cannot be") as refusal:
            pretrained_unet(name, 2)
        assert "\n" not in str(refusal.value)


# Parameters, saving, interruption


def test_images_that_do_not_divide_are_refused(lesions, context):
    with pytest.raises(InputError, match="whose side divides by 2, not 15 px"):
        Diffusion(**SMALL).fit(lesions((3, 3), size=15), context)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"channels": [12]}, "multiple of 8"),
        ({"channels": []}, "at least 1 item"),
        ({"strength": 1.5}, "less than or equal to 1"),
        ({"guidance": 0.5}, "greater than or equal to 1"),
        ({"mode": "paint"}, "'generate', 'translate' or 'inpaint'"),
    ],
)
def test_parameters_are_validated(values, told):
    with pytest.raises(InputError, match=told):
        create("synthesizer", "diffusion", values)


def test_the_network_is_built_as_asked():
    unet = build_unet(32, 2, (16, 24, 40), 2, attention=True)
    assert unet.config["down_block_types"] == ("DownBlock2D", "DownBlock2D", "AttnDownBlock2D")
    assert unet.config["up_block_types"] == ("AttnUpBlock2D", "UpBlock2D", "UpBlock2D")
    names = [name for name, _ in build_unet(32, 2, (16, 24), 1, attention=False).named_modules()]
    assert not any("attentions.0" in name for name in names)


@pytest.mark.parametrize("channels", [(8,), (32, 64, 96), (128, 256)])
def test_every_block_hears_of_label_and_timestep(channels):
    # A group norm of one channel a group would take out what is added to each channel.
    torch.manual_seed(0)
    unet = build_unet(16, 3, channels, 1, attention=False)
    heard = []
    for block in (unet.down_blocks[0], unet.up_blocks[-1]):
        block.resnets[0].register_forward_hook(lambda _, __, output: heard.append(output))
    x = torch.randn(1, 3, 16, 16)
    for t, label in ((500, 0), (500, 1), (10, 0)):
        unet(x, torch.tensor([t]), class_labels=torch.tensor([label]))
    for first, other_label, other_time in (heard[0::2], heard[1::2]):
        assert (first - other_label).abs().mean() > 0.01
        assert (first - other_time).abs().mean() > 0.01


def test_a_saved_model_is_one_of_diffusers_without_pickle(lesions, context, tmp_path):
    data = lesions((5, 4, 3))
    synth = Diffusion(**SMALL)
    synth.fit(data, context)
    synth.save(tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]
    assert UNet2DModel.from_pretrained(tmp_path).class_embedding.num_embeddings == 4


class Killed(Exception):
    pass


class OnDisk:
    """A checkpoint file, saved at one step and then killed."""

    def __init__(self, path, kill_at):
        self.path, self.kill_at, self.asked = path, kill_at, 0

    def load(self):
        return load_state(self.path) if self.path.is_file() else None

    def save(self, state):
        save_state(self.path, state)
        raise Killed

    def due(self):
        self.asked += 1
        return self.asked == self.kill_at


def test_an_interrupted_fit_goes_on_to_the_same_numbers(lesions, accelerator, tmp_path):
    data = lesions((6, 4))
    values = SMALL | {"steps": 9}
    whole = Diffusion(**values)
    seen = []
    expected = whole.fit(
        data, TrainingContext(accelerator, 3, progress=lambda *told: seen.append(told))
    )
    assert [told[:2] for told in seen] == [(step, 9) for step in range(1, 10)]
    assert seen[-1][2]["loss"] == expected["curves"]["all classes"][-1]["loss"]
    again = Diffusion(**values)
    path = tmp_path / "state.safetensors"
    with pytest.raises(Killed):
        again.fit(data, TrainingContext(accelerator, 3, OnDisk(path, 5)))
    assert again.fit(data, TrainingContext(accelerator, 3, OnDisk(path, 0))) == expected
    context = TrainingContext(accelerator, 3)
    np.testing.assert_array_equal(
        images(whole, data, 1, 3, 0, context), images(again, data, 1, 3, 0, context)
    )


def test_sampling_before_fitting_is_refused(lesions, context):
    with pytest.raises(InputError, match="has not been trained"):
        list(Diffusion(**SMALL).sample(lesions((3, 3)), 1, 1, 0, context))

"""Planted faults: each is caught by the rule that is there for it, and told in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from imbalance_derm.data.sources.folder import Folder
from imbalance_derm.data.sources.phantom import Phantom
from imbalance_derm.errors import InputError
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Backbone, Outputs
from imbalance_derm.models.heads.single_task import SingleTask
from imbalance_derm.posthoc.temperature import Temperature
from imbalance_derm.sampling.mixers.mixup import Mixup
from imbalance_derm.sampling.mixing import Mixed
from imbalance_derm.sampling.shuffle import Shuffle
from imbalance_derm.schedule.crt import ClassifierRetraining
from imbalance_derm.schedule.joint import Joint
from imbalance_derm.synth.contract import Chunk, Provenance, Synthesizer
from imbalance_derm.testing.check import examine, rules_of
from imbalance_derm.tracking.contract import Tracker


class Honest(Synthesizer):
    """Images of the class with noise; each fault below changes one thing of it."""

    def __init__(self) -> None:
        self.shift = 0

    def rng(self, seed, label):
        return np.random.default_rng([seed, label])

    def _fit(self, data, context):
        return {}

    def _sample(self, data, label, count, seed, context):
        rng, rows = self.rng(seed, label), np.flatnonzero(data.labels == label)
        for start in range(0, count, 64):
            some = rng.choice(rows, size=min(64, count - start))
            noise = rng.integers(0, 99, data.samples[some].shape, dtype=np.uint8)
            origins = [Provenance("faulty", (str(data.image_ids[row]),), seed) for row in some]
            yield Chunk(self.shifted(data.samples[some] // 2 + noise), label, origins)

    def shifted(self, samples):
        return samples + np.uint8(self.shift)


class SeesTestFiles(Honest):
    def _fit(self, data, context):
        files = sorted(Path.cwd().glob("test/*/*.png"))
        self.shift = int(np.mean([np.asarray(Image.open(file)).mean() for file in files] or [0]))
        return {}


class SeesTestMemory(Honest):
    def _fit(self, data, context):
        whole = data.samples.base if data.samples.base is not None else data.samples
        self.shift = int(whole.sum(dtype=np.int64) % 251)
        return {}


class IgnoresSeed(Honest):
    def rng(self, seed, label):
        return np.random.default_rng(0)


class OwnRandomness(Honest):
    def rng(self, seed, label):
        return np.random.default_rng()


class WrongQuota(Honest):
    def _sample(self, data, label, count, seed, context):
        yield from super()._sample(data, label, count - 1, seed, context)


class FloatImages(Honest):
    def shifted(self, samples):
        return samples / np.float32(255)


class ChangesLesions(Honest):
    def _fit(self, data, context):
        if data.samples.flags.writeable:
            data.samples[0] = 0
        return {}


class NotSaved(Honest):
    def _fit(self, data, context):
        self.shift = 17
        return {}


class ForeignSources(Honest):
    def _sample(self, data, label, count, seed, context):
        for chunk in super()._sample(data, label, count, seed, context):
            origins = [Provenance("faulty", ("elsewhere",), seed) for _ in chunk.provenance]
            yield Chunk(chunk.samples, label, origins)


class Copies(Honest):
    def _sample(self, data, label, count, seed, context):
        for chunk in super()._sample(data, label, count, seed, context):
            yield Chunk(
                np.repeat(chunk.samples[:1], len(chunk.samples), 0), label, chunk.provenance
            )


class TakesEmptyClasses(Honest):
    def check(self, data):
        pass


class TensorFacts(Honest):
    def _fit(self, data, context):
        return {"loss": np.float32(0.5)}


class ScalarLoss(CrossEntropy):
    def forward(self, logits, labels, context):
        return super().forward(logits, labels, context).mean()


class NoGradient(CrossEntropy):
    def forward(self, logits, labels, context):
        return super().forward(logits.detach(), labels, context)


class NaiveLoss(CrossEntropy):
    def forward(self, logits, labels, context):
        return -logits.softmax(dim=1).log().gather(1, labels[:, None])[:, 0]


class ChangesLogits(CrossEntropy):
    def forward(self, logits, labels, context):
        value = super().forward(logits, labels, context)
        logits.detach().sub_(1.0)
        return value


class RandomLoss(CrossEntropy):
    def forward(self, logits, labels, context):
        return super().forward(logits, labels, context) * float(np.random.default_rng().random())


class ForgetfulLoss(CrossEntropy):
    def prepare(self, classes, features):
        self.calls = 0

    def forward(self, logits, labels, context):
        self.calls += 1
        return self.calls * super().forward(logits, labels, context)


class Unpicklable(CrossEntropy):
    def __init__(self) -> None:
        super().__init__()
        self.scale = lambda value: value


class Undocumented(CrossEntropy):
    def __init__(self, *, scale: float = 1.0) -> None:
        super().__init__()


class OutOfRange(Shuffle):
    def order(self, context, rng):
        return super().order(context, rng) + 1


class SeedlessSampler(Shuffle):
    def order(self, context, rng):
        return np.random.default_rng(0).permutation(len(context.labels))


class SortsLabels(Shuffle):
    def order(self, context, rng):
        context.labels.sort()
        return super().order(context, rng)


class WeightsAboveOne(Mixup):
    def mix(self, inputs, labels, context, rng):
        mixed = super().mix(inputs, labels, context, rng)
        return Mixed(mixed.inputs, mixed.partners, mixed.weights + 1)


class MixesInPlace(Mixup):
    def mix(self, inputs, labels, context, rng):
        inputs.mul_(0.5)
        return super().mix(inputs, labels, context, rng)


class BatchHead(SingleTask):
    def forward(self, features):
        return super().forward(features - features.mean(dim=0))


class ForgetfulHead(SingleTask):
    def remembers(self):
        return True

    def remember(self, features, labels):
        self.centre = features.mean(dim=0)

    def forward(self, features):
        return super().forward(features - getattr(self, "centre", 0.0))


class UnusedParameter(SingleTask):
    def __init__(self, task) -> None:
        super().__init__(task)
        self.idle = nn.Linear(3, 3)


class DeafToWeights(SingleTask):
    def objective(self, outputs, features, batch, loss, counts, progress):
        return functional.cross_entropy(outputs.logits, batch.labels)


class WrongLinear(SingleTask):
    def forward(self, features):
        return Outputs(2 * super().forward(features).logits)


class FitsInApply(Temperature):
    def apply(self, logits):
        return super().apply(logits) - logits.mean(axis=0)


class LearnsInApply(Temperature):
    def apply(self, logits):
        self.temperature *= 1.01
        return super().apply(logits)


class ArrayFacts(Temperature):
    def facts(self):
        return {"temperature": np.float32(self.temperature)}


class Climbs(torch.optim.SGD):
    def __init__(self, groups) -> None:
        super().__init__(groups, maximize=True)


class OwnRate(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            group["lr"] = 0.05
        return super().step(closure)


class Stateless(torch.optim.Adam):
    def __init__(self, groups) -> None:
        super().__init__(groups)

    def state_dict(self):
        return {**super().state_dict(), "state": {}}


class NotFrozen(ClassifierRetraining):
    def begin(self, model):
        with torch.no_grad():
            for parameter in model.backbone.parameters() if model.backbone else ():
                parameter.requires_grad_(True)


class OwnState(Joint):
    def begin(self, model):
        self.updates = 0

    def objective(self, step):
        self.updates += 1
        return self.updates * super().objective(step) ** 2


class WrongWidth(Backbone):
    def __init__(self) -> None:
        half = (0.5, 0.5, 0.5)
        super().__init__(nn.Conv2d(3, 8, 3), 16, half, half, "random")


class ReadsPixels(Folder):
    def table(self, root):
        table = super().table(root)
        for source in table["source"]:
            Image.open(source).load()
        return table


class OneDigest(Phantom):
    def digest(self, source):
        return "the same"


class FloatPixels(Phantom):
    def read(self, source, at_least=0):
        return super().read(source, at_least) / 255


class Deaf(Tracker):
    def epoch_finished(self, event):
        raise OSError("no disk")


class Litters(Tracker):
    def run_started(self, event):
        Path("litter.txt").write_text(event.name)


# Kind, fault, rule that has to fail, and a part of what it has to say.
FAULTS = [
    ("synthesizer", SeesTestFiles, "test_set_is_not_seen", "files of the test set"),
    ("synthesizer", SeesTestMemory, "test_set_is_not_seen", "behind the training images"),
    ("synthesizer", IgnoresSeed, "samples_are_a_function_of_the_seed", "ignores the seed"),
    ("synthesizer", OwnRandomness, "samples_are_a_function_of_the_seed", "same seed makes other"),
    ("synthesizer", WrongQuota, "quota_is_met", "asked for 5 samples of class 1 it makes 4"),
    ("synthesizer", FloatImages, "samples_have_the_type_of_the_data", "float32"),
    ("synthesizer", ChangesLesions, "lesions_are_not_changed", "changes the training images"),
    ("synthesizer", NotSaved, "it_is_read_back", "makes other samples"),
    ("synthesizer", ForeignSources, "provenance_is_complete", "no training images"),
    ("synthesizer", Copies, "samples_differ_unless_declared", "2 of 69"),
    ("synthesizer", TakesEmptyClasses, "an_empty_class_is_named", ""),
    ("synthesizer", TensorFacts, "facts_are_json", "not plain JSON"),
    ("loss", ScalarLoss, "one_value_per_example", "shape ()"),
    ("loss", NoGradient, "gradient_reaches_every_row", "no gradient"),
    ("loss", NaiveLoss, "extremes_stay_finite", "not finite"),
    ("loss", ChangesLogits, "input_is_not_changed", "changes the logits"),
    ("loss", RandomLoss, "same_seed_same_value", "other values"),
    ("loss", ForgetfulLoss, "it_goes_on_from_its_state", "loaded its state"),
    ("loss", Unpicklable, "it_can_be_pickled", "cannot be pickled"),
    ("loss", Undocumented, "parameters_are_described", "'scale' has no text"),
    ("loss", Shuffle, "it_is_a_loss", "no Loss"),
    ("sampler", OutOfRange, "rows_are_there", "rows 1 to 30 where there are 30"),
    ("sampler", SeedlessSampler, "rows_are_a_function_of_the_rng", "ignores the seed"),
    ("sampler", SortsLabels, "context_is_not_changed", "changes the labels"),
    ("mixer", WeightsAboveOne, "weights_are_shares", "weights go from 1"),
    ("mixer", MixesInPlace, "batch_is_not_changed", "changes the inputs"),
    ("head", BatchHead, "an_image_is_judged_by_itself", "images beside it"),
    ("head", ForgetfulHead, "it_is_read_back", "gives other logits"),
    ("head", UnusedParameter, "gradient_reaches_every_parameter", "'idle.weight'"),
    ("head", DeafToWeights, "objective_is_linear_in_the_weights", "not linear"),
    ("head", WrongLinear, "linear_layer_gives_the_logits", "linear layer"),
    ("posthoc", FitsInApply, "nothing_is_learned_in_apply", "images beside it"),
    ("posthoc", LearnsInApply, "nothing_is_learned_in_apply", "learns of test"),
    ("posthoc", ArrayFacts, "facts_are_json", "not plain JSON"),
    ("optimizer", Climbs, "it_goes_down", "it goes from"),
    ("optimizer", OwnRate, "learning_rate_is_set_from_outside", "moves the weights"),
    ("optimizer", Stateless, "it_goes_on_from_its_state", "goes elsewhere"),
    ("stage", NotFrozen, "frozen_modules_stay", "it freezes backbone, and"),
    ("stage", OwnState, "killed_and_resumed_is_uninterrupted", "other weights"),
    ("backbone", WrongWidth, "maps_have_the_features", "features is 16"),
    ("dataset", ReadsPixels, "table_reads_no_pixel", "opens 10 images"),
    ("dataset", OneDigest, "digests_determine_pixels", "two images"),
    ("dataset", FloatPixels, "images_are_rgb", "float64"),
    ("tracker", Deaf, "it_hears_every_event", "no disk"),
    ("tracker", Litters, "working_folder_stays_clean", "litter.txt"),
]


@pytest.mark.parametrize(
    ("kind", "fault", "name", "said"), FAULTS, ids=[fault.__name__ for _, fault, _, _ in FAULTS]
)
def test_a_planted_fault_is_caught_by_its_rule(kind, fault, name, said, build):
    (broken,) = [rule for rule in rules_of(kind) if rule.name == name]
    with pytest.raises(AssertionError) as caught:
        broken(build(kind, fault))
    text = str(caught.value)
    assert said in text
    assert "\n" not in text
    assert broken.contract in text  # file, number and words of the line


def test_an_honest_one_passes_all_rules_that_the_faults_break(build):
    findings = examine(build("synthesizer", Honest))
    assert [finding for finding in findings if finding.status != "passed"] == []


@pytest.mark.parametrize(
    ("announced", "name"),
    [
        ({"name": "with spaces"}, "name_can_be_typed"),
        ({"name": "Capitals"}, "name_can_be_typed"),
        ({"name": "newline\n"}, "name_can_be_typed"),
        ({"summary": ""}, "summary_is_one_line"),
        ({"summary": "Two\nlines."}, "summary_is_one_line"),
        ({"api": 2}, "contract_is_this_one"),
    ],
)
def test_a_faulty_announcement_is_caught_by_its_rule(announced, name, build):
    findings = examine(build("loss", CrossEntropy, **announced))
    assert [finding.rule for finding in findings if finding.status == "failed"] == [name]


class Crashes(CrossEntropy):
    def forward(self, logits, labels, context):
        raise RuntimeError("boom\nand more")


class Refuses(CrossEntropy):
    def __init__(self) -> None:
        raise InputError("not here")


@pytest.mark.parametrize(("fault", "said"), [(Crashes, "boom"), (Refuses, "not here")])
def test_an_error_of_the_part_itself_is_a_finding_with_its_place(fault, said, build):
    failed = [f for f in examine(build("loss", fault)) if f.status == "failed"]
    assert len(failed) > 4
    assert all(said in finding.reason and "\n" not in finding.reason for finding in failed)
    assert all("test_faults.py:" in finding.reason for finding in failed if fault is Crashes)

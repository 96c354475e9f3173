"""The components that come with the package, announced as any plugin announces its own."""

from __future__ import annotations

from collections.abc import Iterable

from imbalance_derm.registry.component import Component
from imbalance_derm.registry.hookspecs import hookimpl

_ROOT = "imbalance_derm"

_MELANET = "Zunair and Ben Hamza 2020, Phys. Med. Biol., arXiv 2004.06824"

COMPONENTS = (
    Component(
        "dataset",
        "phantom",
        "Procedural dermoscopy images; needs no download.",
        f"{_ROOT}.data.sources.phantom:Phantom",
    ),
    Component(
        "dataset",
        "isic2016",
        "ISIC 2016 part 3: melanoma or benign.",
        f"{_ROOT}.data.sources.isic2016:Isic2016",
        "Gutman et al. 2016, arXiv 1605.01397",
    ),
    Component(
        "dataset",
        "ham10000",
        "HAM10000 for training, ISIC 2018 task 3 test set; 7 classes.",
        f"{_ROOT}.data.sources.ham10000:Ham10000",
        "Tschandl, Rosendahl and Kittler 2018, Scientific Data 5:180161",
    ),
    Component(
        "dataset",
        "folder",
        "A folder with one sub-folder of images per class.",
        f"{_ROOT}.data.sources.folder:Folder",
    ),
    Component(
        "dataset",
        "csv",
        "A csv file with a row per image; columns mapped by option.",
        f"{_ROOT}.data.sources.csv:Csv",
    ),
    Component("synthesizer", "none", "Real images only.", f"{_ROOT}.synth.none:NoSynthesis"),
    Component(
        "synthesizer",
        "augment",
        "Altered copies of training images, made once.",
        f"{_ROOT}.synth.augment:Augment",
        _MELANET + ", Augment-5x and -10x",
        shorthand="quota",
    ),
    Component(
        "synthesizer",
        "duplicate",
        "Exact copies of training images.",
        f"{_ROOT}.synth.duplicate:Duplicate",
    ),
    Component(
        "synthesizer",
        "augment_strong",
        "Copies altered strongly in geometry and mildly in colour.",
        f"{_ROOT}.synth.augment_strong:AugmentStrong",
    ),
    Component(
        "synthesizer",
        "smote",
        "SMOTE on embeddings, pixels or principal components.",
        f"{_ROOT}.synth.smote.smote:Smote",
        "Chawla et al. 2002, JAIR 16:321, section 4.2",
        shorthand="space",
    ),
    Component(
        "synthesizer",
        "borderline_smote",
        "SMOTE from samples that live among other classes.",
        f"{_ROOT}.synth.smote.borderline_smote:BorderlineSmote",
        "Han, Wang and Mao 2005, ICIC, LNCS 3644:878",
        shorthand="space",
    ),
    Component(
        "synthesizer",
        "svm_smote",
        "SMOTE from the support vectors of the class.",
        f"{_ROOT}.synth.smote.svm_smote:SvmSmote",
        "Nguyen, Cooper and Kamei 2011, IJKESDP 3:4",
        shorthand="space",
    ),
    Component(
        "synthesizer",
        "kmeans_smote",
        "SMOTE within clusters, most where the class is sparse.",
        f"{_ROOT}.synth.smote.kmeans_smote:KMeansSmote",
        "Douzas, Bacao and Last 2018, Information Sciences 465:1",
        shorthand="space",
    ),
    Component(
        "synthesizer",
        "adasyn",
        "SMOTE with more points where other classes are near.",
        f"{_ROOT}.synth.smote.adasyn:Adasyn",
        "He et al. 2008, IJCNN 1322, section III",
        shorthand="space",
    ),
    Component(
        "synthesizer",
        "cyclegan",
        "CycleGAN from the majority class to each other class.",
        f"{_ROOT}.synth.cyclegan.synthesizer:CycleGan",
        "Zhu et al. 2017, arXiv 1703.10593, eq. 3; as in " + _MELANET,
    ),
    Component(
        "synthesizer",
        "diffusion",
        "Class-conditional diffusion: from noise, from majority images, or lesions redrawn.",
        f"{_ROOT}.synth.diffusion.synthesizer:Diffusion",
        "Ho et al. 2020, arXiv 2006.11239; Ho and Salimans 2022, arXiv 2207.12598; "
        "Hang et al. 2023, arXiv 2303.09556; Meng et al. 2022, arXiv 2108.01073",
    ),
    Component(
        "sampler",
        "shuffle",
        "Every row once per pass, in random order.",
        f"{_ROOT}.sampling.shuffle:Shuffle",
    ),
    Component(
        "sampler",
        "class_balanced",
        "Every class equally often.",
        f"{_ROOT}.sampling.class_balanced:ClassBalanced",
        "Kang et al. 2020, arXiv 1910.09217, eq. 1 with q = 0",
    ),
    Component("mixer", "none", "Batches as they are.", f"{_ROOT}.sampling.mixers.none:NoMixing"),
    Component(
        "mixer",
        "mixup",
        "Images and labels interpolated alike.",
        f"{_ROOT}.sampling.mixers.mixup:Mixup",
        "Zhang et al. 2018, arXiv 1710.09412, section 2",
    ),
    Component(
        "mixer",
        "cutmix",
        "A rectangle of another image pasted in.",
        f"{_ROOT}.sampling.mixers.cutmix:CutMix",
        "Yun et al. 2019, arXiv 1905.04899, eqs. 1 and 2",
    ),
    Component(
        "mixer",
        "remix",
        "Mixup whose labels lean towards the rarer class.",
        f"{_ROOT}.sampling.mixers.remix:Remix",
        "Chou et al. 2020, arXiv 2007.03943",
    ),
    Component(
        "backbone",
        "efficientnet_lite0",
        "EfficientNet-Lite0 with ImageNet weights that come with the installation.",
        f"{_ROOT}.models.backbones.efficientnet_lite0:efficientnet_lite0",
        "Tan and Le 2019, arXiv 1905.11946",
    ),
    Component(
        "backbone",
        "timm",
        "Any timm model: timm/MODEL.",
        f"{_ROOT}.models.backbones.timm:timm_backbone",
        "Wightman 2019, doi 10.5281/zenodo.4414861",
        shorthand="model",
    ),
    Component(
        "backbone",
        "vgg16",
        "VGG16 with global average pooling (VGG-GAP).",
        f"{_ROOT}.models.backbones.vgg16:vgg16",
        _MELANET,
    ),
    Component(
        "head",
        "single_task",
        "One linear layer for the lesion class.",
        f"{_ROOT}.models.heads.single_task:SingleTask",
    ),
    Component(
        "head",
        "body_site_mtl",
        "Lesion class and body site on one trunk.",
        f"{_ROOT}.models.heads.body_site_mtl:BodySiteMultiTask",
        "Liao and Luo 2018, arXiv 1812.03527",
    ),
    Component("loss", "ce", "Cross-entropy.", f"{_ROOT}.losses.cross_entropy:CrossEntropy"),
    Component(
        "loss",
        "weighted_ce",
        "Cross-entropy, each class weighted by inverse frequency.",
        f"{_ROOT}.losses.cross_entropy:WeightedCrossEntropy",
        "King and Zeng 2001, Political Analysis 9:137",
        shorthand="weighting",
    ),
    Component(
        "loss",
        "focal",
        "Focal loss: easy examples count less.",
        f"{_ROOT}.losses.focal:Focal",
        "Lin et al. 2017, arXiv 1708.02002, eq. 5",
    ),
    Component(
        "loss",
        "logit_adjustment",
        "Cross-entropy on logits shifted by the class prior.",
        f"{_ROOT}.losses.logit_adjustment:LogitAdjustment",
        "Menon et al. 2021, arXiv 2007.07314, eq. 10",
    ),
    Component(
        "tracker",
        "jsonl",
        "Every event of the run as a line of JSON.",
        f"{_ROOT}.tracking.jsonl:JsonLines",
    ),
    Component(
        "tracker",
        "tensorboard",
        "Curves and figures for TensorBoard.",
        f"{_ROOT}.tracking.tensorboard:TensorBoard",
    ),
)


@hookimpl
def imbderm_components() -> Iterable[Component]:
    """Announce the built-in components."""
    return COMPONENTS

"""The built-in components of kind synthesizer."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"
_MELANET = "Zunair and Ben Hamza 2020, Phys. Med. Biol., arXiv 2004.06824"

COMPONENTS = (
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
)

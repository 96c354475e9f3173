"""The built-in components of kind stage."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"
_DECOUPLING = "Kang et al. 2020, arXiv 1910.09217, section 4"

COMPONENTS = (
    Component(
        "stage",
        "joint",
        "Everything is trained, with the parts of the run.",
        f"{_ROOT}.schedule.joint:Joint",
    ),
    Component(
        "stage",
        "deferred_reweighting",
        "Everything is trained, classes weighted by their effective number.",
        f"{_ROOT}.schedule.deferred_reweighting:DeferredReweighting",
        "Cao et al. 2019, arXiv 1906.07413, section 3.3",
    ),
    Component(
        "stage",
        "crt",
        "A new head on balanced classes, the backbone frozen.",
        f"{_ROOT}.schedule.crt:ClassifierRetraining",
        _DECOUPLING,
    ),
    Component(
        "stage",
        "lws",
        "One factor per class of a frozen model, on balanced classes.",
        f"{_ROOT}.schedule.lws:LearnableWeightScaling",
        _DECOUPLING,
    ),
    Component(
        "stage",
        "disalign",
        "The logits of a frozen model calibrated to balanced classes.",
        f"{_ROOT}.schedule.disalign:DistributionAlignment",
        "Zhang et al. 2021, arXiv 2103.16370",
    ),
    Component(
        "stage",
        "gcl_second",
        "The head on classes drawn by effective number, the backbone frozen.",
        f"{_ROOT}.schedule.gcl_second:ClassifierRebalancing",
        "Li, Cheung and Lu 2022, CVPR, arXiv 2305.11733",
    ),
    Component(
        "stage",
        "mislas_second",
        "Head and a factor per class with label-aware smoothing, on balanced classes.",
        f"{_ROOT}.schedule.mislas_second:SmoothedRebalancing",
        "Zhong et al. 2021, arXiv 2104.00466, section 3",
    ),
    Component(
        "stage",
        "conmix",
        "A contrastive warm-up on mixtures of two views.",
        f"{_ROOT}.schedule.conmix:ContrastiveMixing",
        "Li and Jia 2025, ICLR",
    ),
    Component(
        "stage",
        "m2m",
        "Images of frequent classes pushed over the border of rare ones.",
        f"{_ROOT}.schedule.m2m:MajorToMinor",
        "Kim, Jeong and Shin 2020, arXiv 2004.00431, algorithm 1",
    ),
)

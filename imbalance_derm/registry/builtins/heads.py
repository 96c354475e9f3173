"""The built-in components of kind head."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

COMPONENTS = (
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
    Component(
        "head",
        "cosine",
        "A classifier that compares directions.",
        f"{_ROOT}.models.heads.cosine:Cosine",
        "Gidaris and Komodakis 2018, arXiv 1804.09458; scale of Liu et al. 2019, arXiv 1904.05160",
        shorthand="scale",
    ),
    Component(
        "head",
        "multi_expert",
        "SADE: experts for the training, an even and the inverse distribution, averaged.",
        f"{_ROOT}.models.heads.multi_expert:MultiExpert",
        "Zhang et al. 2022, arXiv 2107.09249, without its learning at test time",
    ),
    Component(
        "head",
        "bilateral",
        "BBN: one branch for the data as they are, one fed with rare classes.",
        f"{_ROOT}.models.heads.bilateral:Bilateral",
        "Zhou et al. 2020, arXiv 1912.02413, section 4",
    ),
    Component(
        "head",
        "causal",
        "De-confounded classifier: the mean feature's direct effect is taken out in evaluation.",
        f"{_ROOT}.models.heads.causal:Causal",
        "Tang et al. 2020, arXiv 2009.12991, section 4",
    ),
    Component(
        "head",
        "knn",
        "Nearest neighbours among the features of training lesions.",
        f"{_ROOT}.models.heads.knn:NearestNeighbors",
        "Wu et al. 2018, arXiv 1805.01978; 20 neighbours of Caron et al. 2021, arXiv 2104.14294",
        shorthand="neighbors",
    ),
)

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
)

"""The built-in components of kind dataset."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

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
)

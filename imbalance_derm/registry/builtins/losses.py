"""The built-in components of kind loss."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

COMPONENTS = (
    Component("loss", "ce", "Cross-entropy.", f"{_ROOT}.losses.cross_entropy:CrossEntropy"),
    Component(
        "loss",
        "weighted_ce",
        "Cross-entropy, each class weighted by inverse frequency or effective number.",
        f"{_ROOT}.losses.cross_entropy:WeightedCrossEntropy",
        "King and Zeng 2001, Political Analysis 9:137; Cui et al. 2019, arXiv 1901.05555",
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
        "loss",
        "cb_focal",
        "Focal loss, each class weighted by its effective number of images.",
        f"{_ROOT}.losses.cb_focal:ClassBalancedFocal",
        "Cui et al. 2019, arXiv 1901.05555",
    ),
    Component(
        "loss",
        "ldam",
        "Cross-entropy with a larger margin for a rarer class; for head cosine.",
        f"{_ROOT}.losses.ldam:LabelDistributionAwareMargin",
        "Cao et al. 2019, arXiv 1906.07413",
    ),
    Component(
        "loss",
        "balanced_softmax",
        "Cross-entropy of a softmax with the counts of the fed images built in.",
        f"{_ROOT}.losses.balanced_softmax:BalancedSoftmax",
        "Ren et al. 2020, arXiv 2007.10740",
    ),
    Component(
        "loss",
        "prior_ce",
        "Cross-entropy on logits plus the log prior of the real images.",
        f"{_ROOT}.losses.prior_ce:PriorCrossEntropy",
        "Hong et al. 2021, arXiv 2012.00321, eq. 19",
    ),
    Component(
        "loss",
        "lade",
        "Balanced softmax with logits drawn towards log density ratios.",
        f"{_ROOT}.losses.lade:LabelDistributionDisentangling",
        "Hong et al. 2021, arXiv 2012.00321, eq. 16 and 20",
    ),
    Component(
        "loss",
        "vs",
        "Vector scaling: cross-entropy on logits scaled and shifted by class.",
        f"{_ROOT}.losses.vs:VectorScaling",
        "Kini et al. 2021, arXiv 2103.01550",
    ),
    Component(
        "loss",
        "equalization",
        "Cross-entropy in which examples of other classes seldom push a rare class down.",
        f"{_ROOT}.losses.equalization:Equalization",
        "Tan et al. 2020, arXiv 2003.05176",
    ),
    Component(
        "loss",
        "seesaw",
        "Cross-entropy with a weight for each pair of classes, by counts and by mistakes.",
        f"{_ROOT}.losses.seesaw:Seesaw",
        "Wang et al. 2021, arXiv 2008.10032",
    ),
    Component(
        "loss",
        "label_aware_smoothing",
        "Cross-entropy with label smoothing that grows with class frequency.",
        f"{_ROOT}.losses.label_aware_smoothing:LabelAwareSmoothing",
        "Zhong et al. 2021, arXiv 2104.00466, section 3.2",
    ),
    Component(
        "loss",
        "asymmetric",
        "Smoothed cross-entropy that focuses on the label and on other classes differently.",
        f"{_ROOT}.losses.asymmetric:Asymmetric",
        "Ridnik et al. 2021, arXiv 2009.14119",
    ),
    Component(
        "loss",
        "poly1",
        "Cross-entropy with its first polynomial term changed.",
        f"{_ROOT}.losses.poly1:Poly1",
        "Leng et al. 2022, arXiv 2204.12511",
    ),
    Component(
        "loss",
        "range",
        "Cross-entropy plus the widest ranges and nearest centres of a batch's features.",
        f"{_ROOT}.losses.range:Range",
        "Zhang et al. 2017, arXiv 1611.08976",
    ),
    Component(
        "loss",
        "center",
        "Cross-entropy plus the distance of features from their class's centre.",
        f"{_ROOT}.losses.center:Center",
        "Wen et al. 2016, ECCV, eqs. 2 and 4",
    ),
    Component(
        "loss",
        "gcl",
        "Cross-entropy on logits lowered by noise, most for the rarest class; for head cosine.",
        f"{_ROOT}.losses.gcl:GaussianCloudedLogits",
        "Li et al. 2022, arXiv 2305.11733",
    ),
)

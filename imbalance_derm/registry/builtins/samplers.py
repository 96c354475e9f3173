"""The built-in components of kind sampler."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

COMPONENTS = (
    Component(
        "sampler",
        "shuffle",
        "Every row once per pass, in random order.",
        f"{_ROOT}.sampling.shuffle:Shuffle",
    ),
    Component(
        "sampler",
        "in_order",
        "Every row once per pass, in the same order at every pass.",
        f"{_ROOT}.sampling.in_order:InOrder",
        "Zunair and Ben Hamza 2020, arXiv 2004.06824, public code",
    ),
    Component(
        "sampler",
        "class_balanced",
        "Every class equally often.",
        f"{_ROOT}.sampling.class_balanced:ClassBalanced",
        "Kang et al. 2020, arXiv 1910.09217, eq. 1 with q = 0",
    ),
    Component(
        "sampler",
        "sqrt",
        "Classes by the square root of their frequency.",
        f"{_ROOT}.sampling.square_root:SquareRoot",
        "Kang et al. 2020, arXiv 1910.09217, eq. 1 with q = 1/2",
    ),
    Component(
        "sampler",
        "progressively_balanced",
        "From the rows' own class frequencies to equal ones as training goes on.",
        f"{_ROOT}.sampling.progressively_balanced:ProgressivelyBalanced",
        "Kang et al. 2020, arXiv 1910.09217, eq. 2",
    ),
    Component(
        "sampler",
        "reversed",
        "Classes by the inverse of their frequency: the rarest most often.",
        f"{_ROOT}.sampling.reversed:Reversed",
        "Zhou et al. 2020, arXiv 1912.02413",
    ),
    Component(
        "sampler",
        "effective_number",
        "Rows weighted by the inverse effective number of their class.",
        f"{_ROOT}.sampling.effective_number:EffectiveNumber",
        "Cui et al. 2019, arXiv 1901.05555",
    ),
    Component(
        "sampler",
        "repeat_factor",
        "Every row at least once per pass, rows of rare classes several times.",
        f"{_ROOT}.sampling.repeat_factor:RepeatFactor",
        "Gupta et al. 2019, arXiv 1908.03195",
    ),
    Component(
        "sampler",
        "flex",
        "An almost balanced pool of rows that grows as the difficulty of the classes says.",
        f"{_ROOT}.sampling.flex:Flex",
        "Ju et al. 2022, arXiv 2204.03161",
    ),
    Component(
        "sampler",
        "undersample",
        "Fewer rows of the frequent classes, chosen at random or by their neighbours.",
        f"{_ROOT}.sampling.undersample:Undersample",
        "Lemaitre et al. 2017, JMLR 18(17)",
        shorthand="method",
    ),
)

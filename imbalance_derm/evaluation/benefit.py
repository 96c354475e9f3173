"""What a comparison says, in a sentence."""

from __future__ import annotations

from imbalance_derm.evaluation.seed_comparison import SeedComparison

_ONE_SEED = " One training seed each: how far another seed would move this is not known."


def benefit(comparison: SeedComparison, metric: str, first: str, second: str) -> str:
    """Say whether `first` differs from `second`, and what could have been seen.

    Parameters
    ----------
    comparison : SeedComparison
        Of `first` minus `second`.
    metric : str
        As a reader knows it, such as "AUC".
    first, second : str
        Names of the methods.

    Examples
    --------
    >>> from imbalance_derm.experiment.record import Figure
    >>> found = SeedComparison(Figure(0.012, -0.021, 0.045), 0.012, 0.011, 5, 0.047)
    >>> benefit(found, "AUC", "cyclegan", "none")
    'AUC: no detectable benefit of cyclegan over none (0.012 [-0.021, 0.045]); a benefit of 0.047 \
would have been seen.'
    """
    figure = comparison.difference
    closing = _ONE_SEED if comparison.seeds == 1 else ""
    if figure.low is None or figure.high is None:
        return (
            f"{metric}: {first} and {second} cannot be compared: too few draws of the test set "
            "hold every class."
        )
    if figure.value == figure.low == figure.high == 0.0:
        return f"{metric}: {first} and {second} do not differ on any draw of the test set.{closing}"
    interval = f"[{figure.low:.3f}, {figure.high:.3f}]"
    if figure.low > 0 or figure.high < 0:
        direction = "higher" if figure.low > 0 else "lower"
        by = f"{abs(figure.value):.3f}"
        if figure.high < 0:
            interval = f"[{-figure.high:.3f}, {-figure.low:.3f}]"
        return f"{metric}: {first} is {direction} than {second} by {by} {interval}.{closing}"
    return (
        f"{metric}: no detectable benefit of {first} over {second} ({figure.value:.3f} "
        f"{interval}); a benefit of {comparison.detectable:.3f} would have been seen.{closing}"
    )

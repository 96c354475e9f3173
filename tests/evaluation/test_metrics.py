"""Figures by name: those asked for are those of all, and within their possible values."""

import numpy as np
import pytest

from imbalance_derm.evaluation.decision import ARGMAX, decide
from imbalance_derm.evaluation.metrics import measure, possible


@pytest.mark.parametrize("counts", [(20, 9), (12, 7, 5)])
def test_a_choice_of_figures_is_as_in_all_and_possible(make_predictions, counts):
    said = make_predictions(2, counts=counts)
    decided = decide(said, ARGMAX)
    weights = np.random.default_rng(0).integers(0, 3, (15, len(said.labels))).astype(float)
    everything = measure(said, decided, weights)
    for name, values in everything.items():
        np.testing.assert_array_equal(measure(said, decided, weights, [name])[name], values)
        low, high = possible(name)
        known = values[~np.isnan(values)]
        assert ((low - 1e-12 <= known) & (known <= high + 1e-12)).all(), name
    assert set(measure(said, decided, weights, ["auc"])) < set(everything)

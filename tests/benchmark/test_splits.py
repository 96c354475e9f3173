"""Re-drawn splits of one data set: the corrected t by hand, and where nothing is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t
from statsmodels.stats.multitest import multipletests

from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.experiment.record import Figure

AUCS = {"ce": [0.70, 0.74, 0.69, 0.72], "focal": [0.75, 0.76, 0.70, 0.78], "ldam": [0.69] * 4}
TRAIN, TEST = 552 + 133, 272 + 67


def records(make_record, splits, test_set="test{}", **more):
    made = []
    for split in range(splits):
        for loss, aucs in AUCS.items():
            record = make_record(
                f"{loss}-{split}",
                parts={"data": "clinic", "synth": "none", "loss": loss},
                data={"fingerprint": f"all{split}", "test_set": test_set.format(split), **more},
                metrics={"auc": Figure(aucs[split])},
            )
            record.spec["data"]["split_seed"] = split
            made.append(record)
    return made


def said(boards):
    found = {note for board in boards for note in board.notes if "Over re-drawn splits" in note}
    assert all(any(note in board.notes for note in found) for board in boards if found)
    return found


def by_hand(ours, theirs):
    apart = np.array(ours) - np.array(theirs)
    error = np.sqrt((1 / len(apart) + TEST / TRAIN) * apart.var(ddof=1))
    freedom = len(apart) - 1
    reach = t.ppf(0.975, freedom)
    p = 2 * t.sf(abs(apart.mean()) / error, freedom)
    detectable = (reach + t.ppf(0.8, freedom)) * error
    return apart.mean(), apart.mean() - reach * error, apart.mean() + reach * error, p, detectable


def test_each_method_is_compared_with_the_baseline_over_the_splits(runs, make_record):
    (note,) = said(leaderboard([runs(*records(make_record, 4))]))
    assert "AUC minus that of the baseline, none + ce: " in note
    found = {loss: by_hand(AUCS[loss], AUCS["ce"]) for loss in ("focal", "ldam")}
    adjusted = multipletests([own[3] for own in found.values()], method="holm")[1]
    for (loss, (mean, low, high, _, detectable)), p in zip(found.items(), adjusted, strict=True):
        assert (
            f"none + {loss} {mean:+.3f} [{low:.3f}, {high:.3f}] on 4 splits, p = {p:.3f}, "
            f"{detectable:.3f} would have been seen"
        ) in note


def test_one_board_a_split_and_another_data_set_has_its_own(runs, make_record):
    other = make_record("other", parts={"data": "ward"}, data={"test_set": "w"})
    boards = leaderboard([runs(*records(make_record, 3), other)])
    assert [board.data for board in boards] == ["clinic"] * 3 + ["ward"]
    assert not any("re-drawn" in note for note in boards[-1].notes)


@pytest.mark.parametrize(
    "given",
    [
        {"splits": 2},
        # Given test images: the training sets are re-drawn, what they are tested on is not.
        {"splits": 4, "test_set": "official"},
        {"splits": 4, "leaky": "the test images validated"},
    ],
)
def test_nothing_is_said_where_that_is_no_evidence(runs, make_record, given):
    assert said(leaderboard([runs(*records(make_record, **given))])) == set()


def test_two_versions_of_the_data_are_not_two_splits(runs, make_record):
    made = records(make_record, 4)
    for number, record in enumerate(made):
        made[number] = replace(record, spec={**record.spec, "data": {"name": "clinic"}})
    assert said(leaderboard([runs(*made)])) == set()

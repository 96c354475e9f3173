"""The stream of rows: passes, processes, and going on where it stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.contract import Sampler
from imbalance_derm.sampling.shuffle import Shuffle
from imbalance_derm.training.pool import Pool
from imbalance_derm.training.rows import RowStream, share_of

WITHOUT_REPLACEMENT = ["shuffle", "in_order", "flex", "undersample", "undersample/tomek_links"]
COUNTS = (60, 31, 12)


def pool() -> Pool:
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([0, 1, 2], COUNTS))
    samples = (labels[:, None] + rng.normal(size=(len(labels), 4))).astype(np.float32)
    ids = np.array([f"i{row}" for row in range(len(labels))])
    sites = np.full(len(labels), -1)
    return Pool.of(LesionSet(samples, labels, sites, ids, ids, ("a", "b", "c"), ()))


POOL = pool()


def stream(sampler: Sampler, process: int = 0, processes: int = 1, seed=(3,)) -> RowStream:
    device = torch.device("cpu")
    return RowStream(sampler, POOL, list(seed), device, process=process, processes=processes)


def unknown() -> None:
    return None


@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize("name", WITHOUT_REPLACEMENT)
def test_processes_share_no_index_of_a_pass_and_together_take_all_of_it(name, processes):
    streams = [stream(create("sampler", name), p, processes) for p in range(processes)]
    whole = stream(create("sampler", name))
    accuracy = np.array([0.9, 0.5, np.nan])
    for progress in (0.0, 0.5, 1.0):
        for one in (whole, *streams):
            # All that is left of a pass, and a row of the next, which draws it.
            one.next(10**6, progress, lambda: accuracy)
        shares = [one.order for one in streams]
        assert len({len(share) for share in shares}) == 1
        together = np.concatenate(shares)
        assert len(set(together)) == len(together)
        assert set(together) <= set(whole.order)
        assert len(whole.order) - len(together) < processes
        for process, share in enumerate(shares):
            assert np.array_equal(share, whole.order[process::processes][: len(share)])
        # The losses are told of the whole pass in every process.
        fed = np.bincount(POOL.labels[whole.order], minlength=3).tolist()
        assert all(one.counts.classes.fed.tolist() == fed for one in streams)
        assert all(one.counts.classes.real.tolist() == list(COUNTS) for one in streams)


@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize("name", WITHOUT_REPLACEMENT)
def test_batches_of_one_update_share_no_index_over_many_passes(name, processes):
    streams = [stream(create("sampler", name), p, processes) for p in range(processes)]
    numbers, seen = set(), set()
    for update in range(60):
        batches = [one.next(5, update / 60, unknown) for one in streams]
        together = np.concatenate(batches)
        assert len(together) == 5 * processes
        assert len(set(together)) == len(together)
        assert len({(one.number, one.place) for one in streams}) == 1
        if streams[0].number not in numbers:
            numbers.add(streams[0].number)
            seen = set()
        assert not seen & set(together)
        seen |= set(together)
    assert len(numbers) > 2


def test_a_pass_shorter_than_there_are_processes_goes_to_all_of_them():
    order = np.array([4, 2])
    assert [share_of(order, p, 3).tolist() for p in range(3)] == [[4, 2]] * 3
    assert [share_of(order, p, 2).tolist() for p in range(2)] == [[4], [2]]


class Told(Sampler):
    """Feeds 10 rows in order and remembers what it was told."""

    def __init__(self) -> None:
        self.contexts = []

    def order(self, context, rng):
        self.contexts.append(context)
        return np.arange(10)


def test_a_pass_is_cut_into_batches_and_what_is_left_of_it_is_dropped():
    rows = stream(Told())
    batches = [rows.next(4, 0.0, unknown).tolist() for _ in range(4)]
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3], [4, 5, 6, 7]]
    assert rows.number == 1
    assert stream(Told()).next(64, 0.0, unknown).tolist() == list(range(10))


def test_a_sampler_is_told_of_the_time_at_which_its_pass_begins():
    told, asked = Told(), []

    def accuracy():
        asked.append(len(asked))
        return np.full(3, len(asked) / 10)

    rows = stream(told)
    for update in range(6):
        rows.next(4, update / 6, accuracy)
    assert [context.progress for context in told.contexts] == [0.0, 2 / 6, 4 / 6]
    assert [context.class_accuracy[0] for context in told.contexts] == [0.1, 0.2, 0.3]
    assert len(asked) == 3
    assert told.contexts[0].classes == 3
    assert {context.seed for context in told.contexts} == {3}
    assert np.array_equal(told.contexts[0].labels, POOL.labels)
    assert np.array_equal(told.contexts[0].samples, POOL.real.samples)


def test_passes_and_streams_of_other_seeds_differ():
    rows, other = stream(Shuffle()), stream(Shuffle(), seed=(3, 2))
    passes = [one.next(10**6, 0.0, unknown).tolist() for one in (rows, rows, other)]
    assert len({tuple(order) for order in passes}) == 3
    expected = np.random.default_rng([3, 1]).permutation(len(POOL))
    assert passes[1] == expected.tolist()


def test_rows_in_order_come_back_in_the_same_order_at_every_pass():
    rows = stream(create("sampler", "in_order"))
    batches = [rows.next(20, 0.0, unknown).tolist() for _ in range(10)]
    assert rows.number == 1
    assert batches[:5] == batches[5:]
    assert len({row for batch in batches[:5] for row in batch}) == 100


@pytest.mark.parametrize("taken", [1, 4, 9])
@pytest.mark.parametrize(
    "name", [*WITHOUT_REPLACEMENT, "progressively_balanced", "repeat_factor", "reversed"]
)
def test_a_stream_goes_on_where_it_stopped(name, taken):
    accuracies = np.random.default_rng(0).random((40, 3))

    def batch(rows: RowStream, update: int) -> list[int]:
        return rows.next(11, update / 40, lambda: accuracies[update]).tolist()

    whole = stream(create("sampler", name), 1, 2)
    expected = [batch(whole, update) for update in range(40)]
    stopped = stream(create("sampler", name), 1, 2)
    assert [batch(stopped, update) for update in range(taken)] == expected[:taken]
    resumed = stream(create("sampler", name), 1, 2)
    resumed.go_to(stopped.state())
    assert torch.equal(resumed.counts.classes.fed, stopped.counts.classes.fed)
    assert [batch(resumed, update) for update in range(taken, 40)] == expected[taken:]

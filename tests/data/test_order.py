"""Which rows the batches of an epoch hold."""

from collections import Counter

import numpy as np
import pytest

from medzoo.data.feed.order import Order


def rows_of(order, epoch=0):
    return np.concatenate([rows for rows, _ in order.batches(epoch)]).tolist()


def test_without_shuffling_rows_come_in_their_order():
    assert [rows.tolist() for rows, _ in Order(5, 2, seed=0)] == [[0, 1], [2, 3], [4]]


def test_an_epoch_follows_from_its_seed_and_number():
    first, second = Order(20, 3, seed=4, shuffle=True), Order(20, 3, seed=4, shuffle=True)
    list(first)
    for (rows, seed), (other_rows, other_seed) in zip(first.batches(7), second.batches(7), strict=True):
        assert rows.tolist() == other_rows.tolist()
        assert seed.tolist() == other_seed.tolist()


def test_every_iteration_gives_the_next_epoch():
    order = Order(20, 3, seed=4, shuffle=True)
    order.epoch = 5
    assert np.concatenate([rows for rows, _ in order]).tolist() == rows_of(order, 5)
    assert order.epoch == 6


def test_a_pinned_epoch_comes_however_often_it_is_gone_through():
    order = Order(20, 3, seed=4, shuffle=True)
    order.pin(5)
    for _ in range(2):
        assert np.concatenate([rows for rows, _ in order]).tolist() == rows_of(order, 5)


def test_batches_of_several_devices_divide_and_each_epoch_leaves_other_rows_out():
    order = Order(11, 4, seed=0, shuffle=True, multiple=2)
    assert [len(rows) for rows, _ in order.batches(0)] == [4, 4, 2]
    assert len({*range(11)} - set(rows_of(order, 0))) == 1
    assert len({tuple({*range(11)} - set(rows_of(order, epoch))) for epoch in range(5)}) > 1


def test_fewer_rows_than_devices_are_an_error():
    with pytest.raises(ValueError, match="1 images are fewer than the 2 devices"):
        Order(1, 4, seed=0, multiple=2)


def test_epochs_and_seeds_differ_in_order_and_in_the_seeds_of_batches():
    order = Order(20, 20, seed=4, shuffle=True)
    epochs = [next(order.batches(0)), next(order.batches(1)), next(Order(20, 20, seed=5, shuffle=True).batches(0))]
    assert len({tuple(rows.tolist()) for rows, _ in epochs}) == 3
    assert len({tuple(seed.tolist()) for _, seed in epochs}) == 3
    assert all(sorted(rows) == list(range(20)) for rows, _ in epochs)


def test_balanced_epochs_draw_every_label_equally_often():
    labels = [0] * 9 + [1, 1, 2]
    order = Order(12, 3, seed=0, strata=labels)
    for rows, _ in order:
        assert sorted(labels[row] for row in rows) == [0, 1, 2]


def test_a_balanced_epoch_takes_all_rows_of_a_label_before_one_comes_again():
    labels = [0] * 9 + [1, 1, 2]
    counts = Counter(rows_of(Order(12, 3, seed=0, strata=labels)))
    assert counts[11] == 4
    assert counts[9] == counts[10] == 2
    assert all(counts[row] <= 1 for row in range(9))


def test_rows_of_files_that_are_read_anew_stay_together():
    blocks = np.repeat(np.arange(20), 3)
    rows = rows_of(Order(60, 4, seed=0, shuffle=True, blocks=blocks))
    assert sorted(rows) == list(range(60))
    assert len(set(blocks[rows[:24]])) == 8
    assert rows[:24] != sorted(rows[:24])

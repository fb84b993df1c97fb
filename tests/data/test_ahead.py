"""Reading by threads, a few items ahead."""

import pytest

from medzoo.data.feed.ahead import read_ahead


def test_results_come_in_the_order_of_the_items():
    assert list(read_ahead(str, range(9), count=4)) == [str(number) for number in range(9)]


def test_only_a_few_items_are_taken_before_their_results_are():
    taken = []
    results = read_ahead(str, (taken.append(number) or number for number in range(9)), count=2)
    assert next(results) == "0"
    assert taken == [0, 1, 2]


def test_an_error_is_raised_in_its_turn():
    results = read_ahead(lambda number: 1 // number, [1, 0], count=2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)

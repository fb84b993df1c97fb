import numpy as np

from medzoo.data.audit import twins
from medzoo.data.audit.facts import Facts
from medzoo.data.audit.twins import equal_groups, near_pairs


def facts(*seeds, hashes=None, views=1):
    made = [np.random.default_rng(seed).integers(0, 256, (views, 64, 64), np.uint8) for seed in seeds]
    return [
        Facts(shape=(64, 64), digest=bytes([seed]), hash=hash_, views=view)
        for seed, view, hash_ in zip(seeds, made, hashes or [0] * len(seeds), strict=True)
    ]


def test_pairs_need_similar_hashes():
    found = near_pairs(facts(1, 1, 1, hashes=[0, 2**8 - 1, 2**9 - 1]), range(3))
    assert [(pair.first, pair.second, pair.bits) for pair in found] == [(0, 1, 8), (1, 2, 1)]


def test_pairs_need_correlated_thumbnails():
    found = near_pairs(facts(1, 2, 1), range(3))
    assert [(pair.first, pair.second, pair.correlation) for pair in found] == [(0, 2, 1.0)]


def test_pairs_are_the_same_in_blocks_of_any_size(monkeypatch):
    some = facts(*[seed % 7 for seed in range(40)])
    whole = near_pairs(some, range(40))
    monkeypatch.setattr(twins, "_CELLS", 120)
    monkeypatch.setattr(twins, "_CHUNK", 2)
    assert sorted(near_pairs(some, range(40)), key=lambda pair: (pair.first, pair.second)) == whole


def test_a_hash_of_64_set_bits_is_taken():
    assert len(near_pairs(facts(1, 1, hashes=[2**64 - 1, 2**64 - 1]), range(2))) == 1


def test_pictures_and_volumes_are_not_compared():
    assert near_pairs([*facts(1), *facts(1, views=3)], range(2)) == []


def test_only_the_given_images_are_compared():
    assert [(pair.first, pair.second) for pair in near_pairs(facts(1, 1, 1), [0, 2])] == [(0, 2)]


def test_unreadable_and_constant_images_are_in_no_group():
    assert equal_groups([Facts(error="damaged"), Facts(is_constant=True), *facts(1, 1, 2)]) == [[2, 3], [4]]

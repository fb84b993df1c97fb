import cv2
import numpy as np
import pytest

from medzoo.data.audit import likeness
from medzoo.data.audit.facts import Facts, _view
from medzoo.data.audit.likeness import TURNS, turned
from medzoo.data.audit.run import audit
from medzoo.data.audit.twins import equal_groups, near_pairs

SIDE = 224


def picture(seed):
    """Draw what an image of the body has: large shapes, fine structure, a black border."""
    random = np.random.default_rng(seed)
    layers = [
        cv2.resize(random.random((n, n)).astype(np.float32), (SIDE, SIDE), interpolation=3) / n for n in (5, 14, 40)
    ]
    outline = np.hypot(*(np.mgrid[:SIDE, :SIDE] / SIDE - 0.5) * 2) < 0.9
    return (np.clip(sum(layers) * 3, 0, 1) * outline * 255).astype(np.uint8)


def facts_of(*pictures, views=1):
    return [Facts(shape=(SIDE, SIDE), views=np.stack([_view(pixels)] * views)) for pixels in pictures]


def pairs_of(facts, indices=None):
    return [(pair.first, pair.second) for pair in near_pairs(facts, indices or range(len(facts)))]


@pytest.mark.parametrize("turn", range(8))
def test_a_copy_is_found_however_it_is_turned(turn):
    copy = np.ascontiguousarray(turned(picture(0), turn))
    (pair,) = near_pairs(facts_of(picture(0), picture(1), copy), range(3))
    assert (pair.first, pair.second, pair.turn, pair.moved) == (0, 2, turn, False)
    assert pair.value > 0.999


def shifted(pixels, x, y):
    return cv2.warpAffine(pixels, np.float32([[1, 0, x], [0, 1, y]]), (SIDE, SIDE))


CHANGES = {
    "cropped by 2 %": lambda pixels: pixels[4:-4, 4:-4],
    "cropped by 5 % on all sides": lambda pixels: pixels[11:-11, 11:-11],
    "cropped by 5 % at a corner": lambda pixels: cv2.resize(pixels[11:, 11:], (SIDE, SIDE)),
    "shifted by 5 pixels": lambda pixels: shifted(pixels, 5, -5),
    "mirrored and cropped": lambda pixels: pixels[:, ::-1][7:-7, 7:-7],
    "turned and shifted": lambda pixels: shifted(np.rot90(pixels).copy(), -5, 5),
    "half the size": lambda pixels: cv2.resize(pixels, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA),
    "another window": lambda pixels: np.clip(pixels * 1.4 - 20, 0, 255).astype(np.uint8),
    "a JPEG": lambda pixels: cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], 0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_copy_is_found_among_others(change):
    others = [picture(seed) for seed in range(1, 6)]
    copy = np.ascontiguousarray(change(picture(0)))
    assert pairs_of(facts_of(picture(0), *others, copy)) == [(0, 6)]


@pytest.mark.parametrize("change", ["shifted by 5 pixels", "turned and shifted"])
def test_a_moved_copy_of_a_grainy_picture_is_found(change):
    """Grain, as in ultrasound, forgives no alignment that is only nearly right."""
    grain, shades = (
        cv2.normalize(
            cv2.GaussianBlur(np.random.default_rng(sigma).random((SIDE, SIDE)), (0, 0), sigma),
            None,
            low,
            1,
            cv2.NORM_MINMAX,
        )
        for sigma, low in ((2, 0), (12, 0.2))
    )
    grainy = (255 * grain * shades).astype(np.uint8)
    assert pairs_of(facts_of(grainy, np.ascontiguousarray(CHANGES[change](grainy)))) == [(0, 1)]


def test_the_search_leaves_the_threads_of_opencv_as_they_are():
    threads = cv2.getNumThreads()
    near_pairs(facts_of(picture(0), picture(1)), range(2))
    assert cv2.getNumThreads() == threads


def test_the_findings_say_how_copies_differ(tmp_path):
    for name, pixels in {
        "a": picture(0),
        "b": picture(0)[:, ::-1],
        "c": picture(1),
        "d": shifted(picture(1), 5, 5),
    }.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), pixels)
    texts = [finding.text for finding in audit(tmp_path).of_kind("near-duplicates")]
    assert any("of 1 pairs 1 mirrored; correlation" in text for text in texts)
    assert any("of 1 pairs 1 shifted or cropped; correlation" in text for text in texts)


def test_pictures_with_the_same_outline_are_no_copies():
    assert pairs_of(facts_of(*map(picture, range(30)))) == []


def test_turns_have_words():
    assert len(TURNS) == len({turned(np.arange(4).reshape(2, 2), turn).tobytes() for turn in range(8)})


def test_pairs_are_the_same_in_blocks_of_any_size(monkeypatch):
    some = facts_of(*[picture(seed % 4) for seed in range(12)])
    whole = sorted(near_pairs(some, range(12)))
    assert len(whole) == 4 * 3
    for name, size in {"_IMAGES": 5, "_PAIRS": 2}.items():
        monkeypatch.setattr(likeness, name, size)
    assert sorted(near_pairs(some, range(12))) == whole


def test_pictures_and_volumes_are_not_compared():
    assert pairs_of([*facts_of(picture(0)), *facts_of(picture(0), views=3)]) == []


def test_copies_of_volumes_are_found():
    assert pairs_of(facts_of(picture(0), np.ascontiguousarray(picture(0)[:, ::-1]), picture(1), views=3)) == [(0, 1)]


def test_only_the_given_images_are_compared():
    assert pairs_of(facts_of(*[picture(1)] * 3), [0, 2]) == [(0, 2)]


def test_unreadable_and_constant_images_are_in_no_group():
    digests = [Facts(digest=bytes([seed]), views=np.zeros((1, 64, 64), np.uint8)) for seed in (1, 1, 2)]
    assert equal_groups([Facts(error="damaged"), Facts(is_constant=True), *digests]) == [[2, 3], [4]]

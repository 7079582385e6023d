"""Kinds, sets, patterns, levels and rectangles; and that the first kinds are drawn as ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from covering_digests import PINNED, coarse
from covering_faces import at, face, five, ninety_eight

from restore_recog.coverings import KINDS, cover
from restore_recog.coverings.choice import choose
from restore_recog.coverings.head import find_head
from restore_recog.coverings.kinds import SETS, WARDROBE
from restore_recog.coverings.light import read_light
from restore_recog.coverings.patterns import PRINTS
from restore_recog.coverings.rectangle import parse
from restore_recog.coverings.showcase import showcase
from restore_recog.coverings.wearing import LEVELS
from restore_recog.errors import DataError

NEW = tuple(name for name, garment in WARDROBE.items() if not garment.weight)[1:]


@pytest.mark.parametrize("case", sorted(PINNED))
def test_the_first_kinds_are_drawn_as_ever(case: tuple[str, int, int]) -> None:
    kind, seed, size = case
    points = ninety_eight(size, 1.1, 0.9) if seed % 2 else five(size)
    result = cover(face(size, light=0.5), points, kind=kind, seed=seed)
    known = np.frombuffer(bytes.fromhex(PINNED[case][2]), dtype=np.uint8)
    assert (result.kind, result.colour) == PINNED[case][:2]
    assert np.abs(coarse(result).astype(int) - known).max() <= 2


def test_sets() -> None:
    assert len(SETS["fmor"]) == len(set(SETS["fmor"])) == 27
    assert len(SETS["all"]) == len(set(SETS["all"])) == 34
    assert set(SETS["fmor"]) < set(SETS["all"]) < set(KINDS)
    assert "sunglasses" not in SETS["all"] and "rectangle" in KINDS
    assert choose("fmor, scarf").kinds == (*SETS["fmor"], "scarf")
    drawn = {cover(face(32), five(32), kind="fmor", seed=seed).kind for seed in range(120)}
    assert len(drawn) > 22 and drawn <= set(SETS["fmor"])


@pytest.mark.parametrize("kind", NEW)
def test_every_new_kind_hides_the_mouth_shows_the_eyes_and_keeps_the_rest(kind: str) -> None:
    pixels, points = face(), five()
    for seed in range(3):
        result = cover(pixels, points, kind=kind, seed=seed)
        assert result.kind == kind
        assert np.array_equal(result.pixels[result.mask == 0], pixels[result.mask == 0])
        assert at(result.mask, points[3:].mean(axis=0)) == 1
        assert at(result.mask, points[0]) == at(result.mask, points[1]) == 0
        assert 0.06 < result.mask.mean() < 0.6


def test_no_two_kinds_look_alike() -> None:
    looks = {
        kind: cover(face(64), five(64), kind=kind, colour="navy", seed=5).pixels.astype(int)
        for kind in SETS["all"]
    }
    names = list(looks)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert np.abs(looks[one] - looks[other]).mean() > 0.2, (one, other)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("kind", ["surgical", "kf94", "n95_valve", "sponge"])
def test_half_profiles_show_the_near_side_and_its_loop_alone(kind: str, sign: int) -> None:
    turned = five()
    turned[2, 0] += sign * 14  # the nose points to this side: it is the far one
    mask = cover(face(), turned, kind=kind, seed=4, difficulty="easy").mask
    nose = int(turned[2, 0])
    left, right = nose - np.flatnonzero(mask.any(axis=0))[[0, -1]]
    near, far = (left, -right) if sign > 0 else (-right, left)
    assert near > 1.5 * far
    straight = cover(face(), five(), kind=kind, seed=4, difficulty="easy").mask
    assert mask.sum() < straight.sum()


@pytest.mark.parametrize("pattern", PRINTS)
def test_patterns_are_printed(pattern: str) -> None:
    plain = cover(face(), five(), kind="surgical", colour="white", pattern="plain", seed=1)
    result = cover(face(), five(), kind="surgical", colour="white", pattern=pattern, seed=1)
    assert (plain.pattern, result.pattern) == ("plain", pattern)
    inside = plain.mask == 1
    changed = np.abs(result.pixels.astype(int) - plain.pixels).max(axis=2)[inside] > 12
    assert 0.08 < changed.mean() < 0.95
    assert np.array_equal(result.mask, plain.mask)


def test_a_pattern_replaces_the_own_one_and_leaves_what_cannot_be_printed_on() -> None:
    own = cover(face(), five(), kind="cloth_patterned", colour="white", seed=3)
    bare = cover(face(), five(), kind="cloth_patterned", colour="white", seed=3, pattern="plain")
    spread = [p.pixels[80:100, 50:80].std() for p in (own, bare)]
    assert own.pattern != "plain" == bare.pattern and spread[1] < 0.5 * spread[0]
    for seed in range(12):
        result = cover(face(64), five(64), kind="gas,kn95", pattern="dots", seed=seed)
        assert result.pattern == {"gas": "plain", "kn95": "dots"}[result.kind]


def test_levels_go_from_easy_to_hard() -> None:
    def measure(level: str) -> tuple[float, float]:
        areas, rows = [], []
        for seed in range(40):
            options = {"kind": "knitted", "seed": seed, "difficulty": level}
            result = cover(face(64), five(64), **options)
            assert result.difficulty == level
            areas.append(result.mask.sum())
            rows.append(np.flatnonzero(result.mask[:, 32])[0])
        return float(np.std(areas)), float(np.std(rows))

    easy, medium, hard = (measure(level) for level in ("easy", "medium", "hard"))
    assert easy[0] < medium[0] < hard[0], "size and slipping vary more"
    assert easy[1] < medium[1] < hard[1], "the upper edge lies at more heights"


def test_harder_coverings_are_nearer_to_the_skin_and_more_blurred() -> None:
    head = find_head(five(), (128, 128))
    light = read_light(face(), head)
    palette = np.array([[0.1, 0.1, 0.3]] * 3, dtype=np.float32)
    levels = [LEVELS[name] for name in ("usual", "easy", "medium", "hard")]
    away = [float(np.abs(level.paled(palette, light) - light.skin).mean()) for level in levels]
    assert away[0] == away[1] > away[2] > away[3]
    sharp = [level.seen(light, head).blur[0] for level in levels]
    assert sharp[0] == sharp[1] < sharp[2] < sharp[3]


def test_usual_wearing_is_what_is_drawn_unasked() -> None:
    asked = cover(face(64), five(64), kind="kf94", seed=2, difficulty="usual")
    unasked = cover(face(64), five(64), kind="kf94", seed=2)
    assert np.array_equal(asked.pixels, unasked.pixels)
    assert unasked.difficulty == "usual" and set(LEVELS) == {"usual", "easy", "medium", "hard"}
    levels = {
        cover(face(32), five(32), kind="cloth", difficulty="easy,hard", seed=seed).difficulty
        for seed in range(12)
    }
    assert levels == {"easy", "hard"}


def test_skin_coloured_coverings_look_like_skin() -> None:
    skin = cover(face(), five(), kind="sponge", colour="skin", seed=1)
    other = cover(face(), five(), kind="sponge", colour="navy", seed=1)
    target = np.array([196, 152, 128])
    near, far = (one.pixels[85:100, 50:78].mean(axis=(0, 1)) for one in (skin, other))
    assert np.abs(near - target).mean() < 0.5 * np.abs(far - target).mean()
    assert near / near.sum() == pytest.approx(target / target.sum(), abs=0.015), "the same hue"


@pytest.mark.parametrize(
    ("text", "side"), [("64", 64), ("25%", 64), ("128@face", 128), ("32@centre", 32)]
)
def test_rectangles(text: str, side: int) -> None:
    mask = cover(face(256), five(256), kind=f"rectangle:{text}", colour="white", seed=7).mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert len(rows) == len(columns) == side and mask.sum() == side * side
    if text.endswith("centre"):
        assert rows[0] == columns[0] == (256 - side) // 2


def test_a_rectangle_of_64_is_the_one_without_argument() -> None:
    for seed in range(5):
        plain = cover(face(256), five(256), kind="rectangle", seed=seed)
        asked = cover(face(256), five(256), kind="rectangle:64", seed=seed)
        assert np.array_equal(plain.pixels, asked.pixels)
        assert asked.kind == "rectangle:64"
    assert parse("") == parse("64@lower")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"kind": "sponges"}, "'sponges'.*'sponge'"),
        ({"kind": "fmr"}, "'fmr'.*'fmor'"),
        ({"kind": "surgical:5"}, "'surgical:5'.*'surgical'"),
        ({"kind": "rectangle:0"}, "rectangle:0"),
        ({"kind": "rectangle:64@top"}, "@lower, @face, @centre"),
        ({"pattern": "stripe"}, "'stripe'.*'stripes'"),
        ({"difficulty": "hrad"}, "'hrad'.*'hard'"),
        ({"colour": "skni"}, "'skni'.*'skin'"),
        ({"kind": "gas", "pattern": "dots"}, "Nothing can be printed on 'gas'"),
        ({"kind": "rectangle", "difficulty": "hard"}, "no difficulty"),
        ({"kind": "rectangle", "colour": "skin"}, "no colour 'skin'"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_sentence(asked: dict, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        cover(face(64), five(64), **asked)
    assert "\n" not in str(caught.value)


def test_showcase_shows_one_of_each() -> None:
    kinds = ("surgical", "gas", "rectangle", "lace")
    sheet = showcase(face(64), five(64), kinds, columns=3, pattern="dots", difficulty="hard")
    assert sheet.shape == (2 * (64 + 18), 3 * 64, 3) and sheet.dtype == np.uint8
    assert (sheet[82:, 128:] == 255).all(), "the last row is filled with white"


def test_garments_are_data() -> None:
    for name in NEW:
        changed = replace(WARDROBE[name], gloss=0.1)
        assert changed.shine >= 0.1 and not WARDROBE[name].weight

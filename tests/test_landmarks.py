"""The 98 landmarks by number: mirrored, in regions, and out of 68."""

from __future__ import annotations

import numpy as np
import pytest

from restore_recog import registry
from restore_recog.alignment import five_of_68, five_points
from restore_recog.coverings import cover
from restore_recog.errors import ImageError
from restore_recog.landmarks import COUNT, EYE_CORNERS, MIRRORED, OF_68, REGIONS, of_68, unknown


def phantom() -> tuple[np.ndarray, np.ndarray]:
    """Return a rendered face and its 98 landmarks."""
    data = registry.datasets.create("phantom:1x1")
    (image,) = data.read(data.samples()[:1])
    return image.pixels, image.landmarks


def test_mirroring_twice_changes_nothing_and_pairs_both_sides() -> None:
    assert np.array_equal(MIRRORED[MIRRORED], np.arange(COUNT))
    assert {n for n in range(COUNT) if MIRRORED[n] == n} == {16, 51, 52, 53, 54, 57, 79, 85, 90, 94}


def test_a_mirrored_face_is_a_face() -> None:
    """What is left of what stays so: mirrored points lie near those of the face itself."""
    _, points = phantom()
    mirrored = (points * (-1, 1))[MIRRORED]
    centred = [one - one.mean(axis=0) for one in (points, mirrored)]
    apart = np.linalg.norm(points[EYE_CORNERS[0]] - points[EYE_CORNERS[1]])
    assert np.linalg.norm(centred[0] - centred[1], axis=1).max() < 0.25 * apart


def test_every_point_is_in_one_region() -> None:
    numbers = [n for region in REGIONS.values() for n in region]
    assert sorted(numbers) == list(range(COUNT))
    for name, region in REGIONS.items():
        assert sorted(MIRRORED[list(region)]) == sorted(region), name


def test_68_points_stand_among_the_98() -> None:
    """The points of a face that both schemes have keep their places; the others are not known."""
    _, points = phantom()
    many = of_68(points[OF_68])
    known = np.isfinite(many).all(axis=1)
    assert known.sum() == 68 and np.array_equal(many[known], points[known])
    assert np.flatnonzero(~known).tolist() == [
        *range(1, 32, 2),
        *(38, 39, 40, 41, 47, 48, 49, 50),
        *(62, 66, 70, 74, 96, 97),
    ]
    # Jaw, brows, nose, eyes and mouth of iBUG begin at 0, 17, 27, 36 and 48.
    assert OF_68[[0, 8, 16, 17, 26, 30, 36, 45, 48, 54, 60, 67]].tolist() == [
        *(0, 16, 32, 33, 46, 54, 60, 72, 76, 82, 88, 95)
    ]
    with pytest.raises(ValueError, match=r"shape \(98, 2\); \(68, 2\) is expected"):
        of_68(points)


def test_five_points_of_68_are_what_they_were() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 200, (68, 2)).astype(np.float32)
    assert np.array_equal(five_points(of_68(points)), five_of_68(points))
    assert np.isnan(five_points(unknown())).all()


def test_a_covering_wants_the_whole_outline_or_goes_by_five() -> None:
    pixels, points = phantom()
    few = of_68(points[OF_68])
    five = cover(pixels, five_points(few), kind="surgical", seed=1)
    assert np.array_equal(cover(pixels, few, kind="surgical", seed=1).pixels, five.pixels)
    for broken in (unknown(), np.where(np.arange(98)[:, None] == 5, np.inf, points)):
        with pytest.raises(ImageError, match="some landmarks are not finite numbers"):
            cover(pixels, broken, kind="surgical", seed=1)

"""Tight framing: what lies outside the frame repeats its border, alike in all images."""

from __future__ import annotations

import numpy as np
import pytest

from restore_recog.training import augmentation
from restore_recog.training.augmentation import tighten

SIDE = 64
WHOLE = np.ones((SIDE, SIDE), np.uint8)


def images() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.uint8)
    return np.stack([x, y, x], axis=2), (x > 40).astype(np.uint8)


def test_all_images_are_cut_along_the_same_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "TIGHT", 1.0)
    for seed in range(20):
        (colour, mask), valid = tighten(images(), WHOLE, np.random.default_rng(seed))
        # The first channel holds the column that each pixel came from; the mask must agree.
        assert np.array_equal(mask, colour[:, :, 0] > 40)
        # And where the frame ends, the map does too: all that lies inside is as it was.
        assert 0 < valid.mean() < 1
        assert np.array_equal(colour[valid > 0], images()[0][valid > 0])


def test_the_border_is_repeated_and_the_middle_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "TIGHT", 1.0)
    before = images()[0]
    (after,), _ = tighten([before], WHOLE, np.random.default_rng(3))
    assert np.array_equal(after[28:36, 28:36], before[28:36, 28:36])
    assert not np.array_equal(after, before)
    assert after[:, :, 0].max() < SIDE - 1 or after[:, :, 1].max() < SIDE - 1


def test_the_share_of_tight_frames_is_as_stated() -> None:
    before = images()[0]
    rng = np.random.default_rng(0)
    changed = sum(not tighten([before], WHOLE, rng)[1].all() for _ in range(1000))
    assert changed == pytest.approx(1000 * augmentation.TIGHT, abs=40)

"""Detected masks have no holes and no islands."""

from __future__ import annotations

import torch

from restore_recog.nn.masks import tidied


def test_holes_are_filled_and_islands_dropped() -> None:
    want = torch.zeros(1, 1, 32, 32)
    want[:, :, 14:30, 4:28] = 1
    found = want.clone()
    found[:, :, 20:23, 10:14] = 0
    found[:, :, 2:4, 2:4] = 1
    assert torch.equal(tidied(found), want)


def test_pieces_of_some_size_stay() -> None:
    found = torch.zeros(1, 1, 32, 32)
    found[:, :, 16:30, 2:12] = 1
    found[:, :, 16:30, 20:30] = 1
    assert torch.equal(tidied(found), found)


def test_an_empty_mask_stays_empty_and_masks_do_not_touch_each_other() -> None:
    found = torch.zeros(2, 1, 16, 16)
    found[1, :, 4:8, 4:8] = 1
    assert torch.equal(tidied(found), found)

"""Partial convolution against its definition."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from restore_recog.nn.partial import PartialConv


def known(side: int = 9) -> Tensor:
    mask = torch.ones(1, 1, side, side)
    mask[:, :, 2:8, 3:9] = 0
    return mask


def test_one_part_by_its_definition() -> None:
    torch.manual_seed(0)
    layer, x, mask = PartialConv((2,), 3, 3), torch.rand(1, 2, 9, 9), known()
    made, where = layer((x, mask))
    for row, column in ((0, 0), (1, 4), (3, 3), (4, 6)):
        window = F.pad(x * mask, (1,) * 4)[0, :, row : row + 3, column : column + 3]
        seen = float(F.pad(mask, (1,) * 4)[0, 0, row : row + 3, column : column + 3].sum())
        wanted = (layer.conv.weight * window).sum((1, 2, 3)) * (9 / seen if seen else 0)
        torch.testing.assert_close(made[0, :, row, column], wanted)
        assert bool(where[0, 0, row, column]) == (seen > 0)
    assert not where[0, 0, 4, 6] and not made[0, :, 4, 6].any()


def test_what_is_hidden_counts_for_nothing() -> None:
    layer, mask = PartialConv((2,), 3, 5, 2), known()
    x = torch.rand(1, 2, 9, 9)
    other = torch.where(mask > 0, x, 7.0)
    assert torch.equal(layer((x, mask))[0], layer((other, mask))[0])
    assert layer((x, mask))[0].shape == (1, 3, 5, 5)


def test_where_all_is_known_it_is_a_convolution() -> None:
    layer, x = PartialConv((2,), 3, 3), torch.rand(1, 2, 9, 9)
    made, where = layer((x, torch.ones(1, 1, 9, 9)))
    torch.testing.assert_close(made[:, :, 1:-1, 1:-1], layer.conv(x)[:, :, 1:-1, 1:-1])
    assert where.all()


def test_a_flat_image_is_as_bright_beside_a_hole_as_far_from_it() -> None:
    layer = PartialConv((2,), 3, 3)
    layer.conv.weight.data.fill_(0.1)
    made, where = layer((torch.ones(1, 2, 9, 9), known()))
    seen = made[where.expand_as(made) > 0]
    torch.testing.assert_close(seen, torch.full_like(seen, 0.1 * 2 * 9))


def test_parts_have_masks_of_their_own() -> None:
    torch.manual_seed(0)
    layer = PartialConv((1, 3), 2, 3)
    a, b, mask = torch.rand(1, 1, 9, 9), torch.rand(1, 3, 9, 9), known()
    everywhere = torch.ones_like(mask)
    made, where = layer((a, everywhere), (b, mask))
    assert where.all()  # by the first part
    joined = torch.cat([a, b * mask], 1)
    count = F.conv2d(everywhere + 3 * mask, torch.ones(1, 1, 3, 3), padding=1)
    torch.testing.assert_close(made, layer.conv(joined) * 36 / count)


def test_shares_are_counted_in_float32() -> None:
    layer, mask = PartialConv((512, 512), 4, 3), known(33)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = layer.share([mask, mask])
    assert half.dtype == torch.float32
    assert torch.equal(half, layer.share([mask, mask]))

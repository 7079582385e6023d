"""The losses that inpainters share."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from restore_recog.nn.inpainting.losses import (
    feature_loss,
    gram,
    over_hole,
    style_loss,
    variation,
)


def test_the_mean_over_the_image_is_divided_by_the_share_of_its_hole() -> None:
    clean, hole = torch.zeros(3, 3, 4, 4), torch.zeros(3, 1, 4, 4)
    hole[0, :, :2], hole[1, :, 0] = 1, 1  # a half, a quarter, nothing
    made = torch.full_like(clean, 0.2)
    assert float(over_hole(made[:1], clean[:1], hole[:1])) == pytest.approx(0.2 / 0.5)
    assert float(over_hole(made, clean, hole)) == pytest.approx((0.4 + 0.8 + 0) / 3)


def test_an_image_without_a_hole_asks_for_nothing() -> None:
    made = torch.rand(1, 3, 4, 4, requires_grad=True)
    loss = over_hole(made, torch.rand(1, 3, 4, 4), torch.zeros(1, 1, 4, 4))
    (gradient,) = torch.autograd.grad(loss, made)
    assert float(loss.detach()) == 0 and not bool(gradient.any())


def test_gram_matrices_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # (1, 2, 1, 2)
    wanted = torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / 4
    torch.testing.assert_close(gram(features), wanted)
    assert float(style_loss([features], [0 * features])) == pytest.approx(52 / 4 / 4)
    assert float(feature_loss([features] * 2, [0 * features] * 2)) == pytest.approx(2 * 2.5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_style_pulls_in_half_precision_where_it_pulls_in_float32(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    clean = torch.rand(2, 8, 16, 16) * 3
    made = (clean + 0.05 * torch.randn_like(clean)).requires_grad_()
    both = []
    for enabled in (False, True):
        with torch.autocast("cpu", dtype=dtype, enabled=enabled):
            both.append(torch.autograd.grad(style_loss([made], [clean]), made)[0].flatten())
    assert float(F.cosine_similarity(*both, dim=0)) > 0.99


def test_variation_by_hand() -> None:
    image = torch.tensor([[0.0, 1.0], [0.0, 0.5]]).expand(1, 3, 2, 2)
    assert float(variation(image)) == pytest.approx((1 + 0.5) / 2 + (0 + 0.5) / 2)

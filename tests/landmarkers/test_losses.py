"""The adaptive wing loss: continuous at theta, exact in half precision, blind to the unknown."""

from __future__ import annotations

import pytest
import torch

from restore_recog.landmarkers.hourglass.losses import (
    ALPHA,
    EPSILON,
    OMEGA,
    THETA,
    adaptive_wing,
    heatmap_loss,
)
from restore_recog.landmarkers.hourglass.networks import HourglassNet


def test_the_published_constants() -> None:
    assert (ALPHA, OMEGA, EPSILON, THETA) == (2.1, 14.0, 1.0, 0.5)


@pytest.mark.parametrize("height", [0.0, 0.3, 1.0])
def test_both_branches_meet_at_theta_in_value_and_slope(height: float) -> None:
    away = torch.tensor([THETA - 1e-6, THETA + 1e-6], dtype=torch.float64, requires_grad=True)
    target = torch.full((2,), height, dtype=torch.float64)
    loss = adaptive_wing(target + away, target)
    (slope,) = torch.autograd.grad(loss.sum(), away)
    loss = loss.detach()
    assert float(loss[1] - loss[0]) == pytest.approx(2e-6 * float(slope[0]), rel=1e-3)
    assert float(slope[1]) == pytest.approx(float(slope[0]), rel=1e-4)


def test_its_values() -> None:
    """By hand: 14 ln(1 + 0.2^1.1) on a peak, 14 ln(1 + 0.2^2.1) off it."""
    loss = adaptive_wing(torch.tensor([0.8, 0.2, 0.0]), torch.tensor([1.0, 0.0, 0.0]))
    assert loss.tolist() == pytest.approx([2.20126, 0.46881, 0.0], rel=1e-4, abs=1e-9)
    # Beyond theta it is a straight line.
    far = adaptive_wing(torch.tensor([1.0, 2.0, 3.0]), torch.zeros(3))
    assert float(far[2] - far[1]) == pytest.approx(float(far[1] - far[0]), rel=1e-5)


def test_a_perfect_guess_has_a_finite_gradient() -> None:
    target = torch.rand(2, 3, 8, 8)
    guess = target.clone().requires_grad_()
    heatmap_loss(guess, target, torch.ones(2, 3, dtype=torch.bool)).backward()
    assert guess.grad is not None and bool(guess.grad.isfinite().all())


def test_blobs_and_what_is_beside_them_count_eleven_times() -> None:
    target = torch.zeros(1, 1, 9, 9)
    target[..., 4, 4] = 1.0
    known = torch.ones(1, 1, dtype=torch.bool)
    losses = []
    for place in ((0, 0), (5, 5)):
        guess = target.clone()
        guess[0, 0][place] += 0.4
        losses.append(float(heatmap_loss(guess, target, known)))
    assert losses[1] == pytest.approx(11 * losses[0], rel=1e-5)


def test_what_is_not_known_counts_nothing() -> None:
    target, guess = torch.rand(2, 4, 8, 8), torch.rand(2, 4, 8, 8, requires_grad=True)
    known = torch.tensor([[True, False, True, False], [False] * 4])
    heatmap_loss(guess, target, known).backward()
    assert guess.grad is not None
    assert not guess.grad[~known].any() and bool(guess.grad[known].any())
    nothing = heatmap_loss(guess, target, torch.zeros_like(known))
    assert float(nothing.detach()) == 0
    nothing.backward()


def test_under_bfloat16_its_gradient_is_that_of_float32() -> None:
    torch.manual_seed(0)
    net = HourglassNet({"stacks": 1, "features": 16, "depth": 2}).eval()
    images, target = torch.rand(2, 3, 32, 32), torch.rand(2, 99, 8, 8)
    known = torch.ones(2, 99, dtype=torch.bool)
    maps = net(images)[-1].detach()
    gradients = []
    for mixed in (False, True):
        guess = maps.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            shown = guess.bfloat16() if mixed else guess
            heatmap_loss(shown, target, known).backward()
        assert guess.grad is not None
        gradients.append(guess.grad.flatten())
    assert float(torch.nn.functional.cosine_similarity(*gradients, dim=0)) > 0.99

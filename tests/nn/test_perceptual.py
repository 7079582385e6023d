"""Several layers of a recogniser as a perceptual loss."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from restore_recog import registry
from restore_recog.nn.perceptual import (
    LAYERS,
    RecognizerFeatures,
    RecognizerLayers,
    feature_net,
    layer_net,
    perceptual_loss,
    relative_loss,
)
from restore_recog.types import FaceBatch


@cache
def net() -> RecognizerLayers:
    return RecognizerLayers()


def images(seed: int, side: int = 128) -> Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(seed))


def test_layers_are_4_8_and_16_times_smaller_and_the_middle_one_is_the_one_of_before() -> None:
    assert net().recognizer.image_size == (96, 96)
    maps = net()(images(0))
    assert [tuple(one.shape[2:]) for one in maps] == [(24, 24), (12, 12), (6, 6)]
    one = maps[1] / maps[1].square().mean().sqrt()
    assert torch.equal(one, RecognizerFeatures()(images(0)))


def test_the_loss_by_hand() -> None:
    clean = [torch.full((2, 1, 2, 2), 10.0), torch.full((2, 1, 1, 1), 0.5)]
    made = [clean[0] + torch.tensor([0.0, 1.0]).view(2, 1, 1, 1), clean[1] + 0.5]
    # (0 + 1) / 2 of the first image; (0.01 + 1) / 2 of the second.
    assert relative_loss(made, clean).tolist() == pytest.approx([0.5, 0.505])
    assert relative_loss(clean, clean).tolist() == [0, 0]


def test_no_layer_dominates_and_an_image_does_not_depend_on_its_neighbours() -> None:
    clean, made = images(0), (images(0) + 0.1 * images(1)).clamp(0, 1)
    with torch.no_grad():
        seen, wanted = net()(made), net()(clean)
        shares = torch.stack([relative_loss([a], [b]) for a, b in zip(seen, wanted, strict=True)])
        whole = perceptual_loss(net(), made, clean)
        alone = perceptual_loss(net(), made[:1], clean[:1])
    torch.testing.assert_close(shares.mean(0), whole)
    assert float(shares.max() / shares.min()) < 20
    torch.testing.assert_close(alone, whole[:1])


def test_its_gradient_reaches_the_image_in_float32_whatever_the_training_computes_in() -> None:
    clean, gradients, losses = images(0), [], []
    for enabled in (False, True):
        made = images(1).requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            loss = perceptual_loss(net(), made, clean)
            assert loss.dtype == torch.float32 and loss.shape == (2,)
            loss.sum().backward()
        assert made.grad is not None and made.grad.dtype == torch.float32
        assert bool((made.grad != 0).flatten(1).any(1).all())
        gradients.append(made.grad)
        losses.append(loss.detach())
    assert torch.equal(*losses) and torch.equal(*gradients)
    assert all(parameter.grad is None for parameter in net().recognizer.net.parameters())  # type: ignore[attr-defined]


def test_both_doors_lead_to_it() -> None:
    assert isinstance(feature_net(LAYERS), RecognizerLayers)
    assert isinstance(layer_net(LAYERS), RecognizerLayers)


@pytest.mark.parametrize("name", ["ganmasker", "fmodr", "ecgan"])
def test_trainings_take_it(name: str) -> None:
    torch.manual_seed(0)
    model = registry.restorers.load(name).trainable("tiny", perceptual=LAYERS)
    clean, masks = images(2, side=32), torch.zeros(2, 1, 32, 32)
    masks[:, :, 12:] = 1
    batch = FaceBatch(clean * (1 - masks), masks, clean=clean)
    losses = dict(model.phases[-1].step(batch, 0.5))
    assert losses["per"] > 0

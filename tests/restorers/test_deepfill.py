"""DeepFill's networks and losses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from inpainters import faces

from restore_recog.restorers.deepfill.networks import CoarseNet, DeepFillNets, SNPatchGAN
from restore_recog.restorers.deepfill.presets import FAMILY
from restore_recog.restorers.deepfill.training import DeepFillTraining


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def convolutions(layers: list[tuple[int, int, int]]) -> int:
    """Return the parameters of (kernel, inputs, outputs) convolutions with biases."""
    return sum(k * k * a * b + b for k, a, b in layers)


def test_parameters_of_the_papers_networks() -> None:
    with torch.device("meta"):
        nets, critic = DeepFillNets(FAMILY.presets["paper"]), SNPatchGAN()
    # (kernel, inputs, nominal width): a layer gives half of its nominal width to the next.
    coarse = [(5, 5, 48), (3, 24, 96), (3, 48, 96), (3, 48, 192)]
    coarse += [(3, 96, 192)] * 8 + [(3, 96, 96), (3, 48, 96), (3, 48, 48), (3, 24, 24), (3, 12, 3)]
    start = [(5, 3, 48), (3, 24, 48), (3, 24, 96)]
    dilated = [*start, (3, 48, 96), (3, 48, 192), *[(3, 96, 192)] * 5]
    attending = [*start, (3, 48, 192), *[(3, 96, 192)] * 4]
    after = [(3, 192, 192), (3, 96, 192), *coarse[-5:]]
    assert count(nets.coarse) == convolutions(coarse)
    assert count(nets) == convolutions(coarse + dilated + attending + after) == 4_052_478
    sizes = [4, 64, 128, 256, 256, 256, 256]
    pairs = zip(sizes, sizes[1:], strict=False)
    assert count(critic) == convolutions([(5, a, b) for a, b in pairs]) == 5_946_816


def test_the_discriminator_answers_in_every_channel_at_every_place() -> None:
    critic = SNPatchGAN((2, 2, 2, 2, 2, 7))
    assert critic(torch.zeros(2, 3, 256, 256), torch.zeros(2, 1, 256, 256)).shape == (2, 7, 4, 4)


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_the_coarse_network_works_at_a_quarter_of_the_size(upsampling: str) -> None:
    net = CoarseNet((4, 6, 8), upsampling=upsampling)
    shapes: list[tuple[int, ...]] = []
    net.middle.register_forward_hook(lambda _, __, made: shapes.append(tuple(made.shape)))
    made = net(torch.zeros(1, 3, 64, 96), torch.zeros(1, 1, 64, 96))
    assert made.shape == (1, 3, 64, 96) and shapes == [(1, 8, 16, 24)]
    assert [layer.conv.dilation[0] for layer in net.middle] == [2, 4, 8, 16, 1, 1]


def test_the_refine_network_sees_the_image_with_the_coarse_face_in_the_hole() -> None:
    nets = DeepFillTraining("tiny", refine_in=3, residual=False).nets
    seen: list[torch.Tensor] = []
    nets.refine.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    batch = faces()
    with torch.no_grad():
        coarse, _ = nets.stages(batch.images, batch.masks)
    expected = torch.where(batch.masks > 0, coarse, batch.images)
    torch.testing.assert_close(seen[0] / 2 + 0.5, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("part", ["attention", "refine"])
def test_each_part_changes_what_is_made(part: str) -> None:
    torch.manual_seed(0)
    nets = DeepFillTraining("tiny", residual=False).nets
    batch = faces()
    with torch.no_grad():
        coarse, fine = nets.stages(batch.images, batch.masks)
        if part == "refine":
            assert float((coarse - fine).abs().mean()) > 1e-3
        else:
            nets.refine.attention.register_forward_hook(lambda *_: torch.zeros(2, 8, 8, 8))
            changed = nets.stages(batch.images, batch.masks)[1]
            assert float((changed - fine).abs().max()) > 1e-4


def test_every_image_of_a_batch_is_filled_by_its_own_mask() -> None:
    torch.manual_seed(0)
    nets = DeepFillTraining("tiny").nets
    batch = faces(3)
    masks = torch.stack([batch.masks[0], batch.masks[1].roll(6, 2), batch.masks[2].roll(-8, 1)])
    with torch.no_grad():
        whole = nets.fill(batch.images, masks)
        single = [nets.fill(batch.images[n : n + 1], masks[n : n + 1]) for n in range(3)]
    torch.testing.assert_close(whole, torch.cat(single), rtol=1e-4, atol=1e-5)


def test_every_tensor_of_the_networks_gets_a_gradient() -> None:
    torch.manual_seed(0)
    model = DeepFillTraining("tiny")
    scene = model._scene(faces(), 0)
    model.total(model.terms(model.outputs(scene), scene)).backward()
    for name, parameter in model.nets.named_parameters():
        assert parameter.grad is not None and float(parameter.grad.abs().sum()) > 0, name


def test_terms_by_hand() -> None:
    model = DeepFillTraining("tiny")
    scene = model._scene(faces(), 0)
    answers = torch.tensor([[0.5, -3.0]]).view(1, 2, 1, 1)
    model.critics["critic"].forward = lambda *_: answers  # type: ignore[method-assign]
    made = {"face": scene.clean + 0.1, "coarse": scene.clean - 0.2}
    terms = {name: float(loss) for name, loss in model.terms(made, scene).items()}
    # On images in [-1, 1] differences are twice as large.
    assert terms == pytest.approx({"pixel": 0.2, "coarse": 0.4, "adv": 1.25}, abs=1e-5)
    assert float(model.game.critic(answers, answers)) == pytest.approx((0.5 + 4) / 2 + 0.75)


def test_the_discriminator_is_shown_the_face_in_its_image_and_the_hole() -> None:
    model = DeepFillTraining("tiny")
    scene = model._scene(faces(), 0)
    made = {"face": torch.full_like(scene.clean, 0.25), "coarse": scene.clean}
    shown = model.shown(made, scene)
    assert torch.equal(shown, torch.where(scene.hole > 0, 0.25, scene.occluded))
    seen: list[Any] = []
    model.critics["critic"].register_forward_pre_hook(lambda _, given: seen.append(given))
    model.judgement(model.critics["critic"], torch.cat([scene.clean, shown]), scene)
    images, masks = seen[0]
    assert torch.equal(masks, scene.hole.repeat(2, 1, 1, 1))
    assert torch.equal(images[:2], 2 * scene.clean - 1)


def test_the_papers_schedule() -> None:
    paper = FAMILY.presets["paper"]
    assert [paper[name] for name in ("coarse", "pixel", "adv")] == [1, 1, 1]
    assert (paper["lr"], paper["lr_critic"], paper["batch_size"]) == (1e-4, 1e-4, 16)
    assert (paper["decay"], DeepFillTraining.betas) == (1, (0.5, 0.999))
    assert (paper["refine_in"], paper["residual"], paper["attention"]) == (3, False, True)

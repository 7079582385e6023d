"""AOT-GAN's networks and losses."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from inpainters import faces

from restore_recog.errors import TrainingError
from restore_recog.nn.patchgan import PatchGAN
from restore_recog.restorers.aotgan.networks import AOTBlock, AOTGANNets, Generator, standardised
from restore_recog.restorers.aotgan.presets import FAMILY
from restore_recog.restorers.aotgan.training import (
    AOTGANTraining,
    critic_loss,
    generator_loss,
    soft_target,
)


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_of_the_papers_networks() -> None:
    with torch.device("meta"):
        nets, critic = AOTGANNets(FAMILY.presets["paper"]), PatchGAN(3, last_bias=True)
    # (kernel, inputs, outputs) of the encoder, of a block's four branches, its fusion and its
    # gate, and of the decoder.
    encoder = [(7, 4, 64), (4, 64, 128), (4, 128, 256)]
    block = [*[(3, 256, 64)] * 4, (3, 256, 256), (3, 256, 256)]
    decoder = [(3, 256, 128), (3, 128, 64), (3, 64, 3)]
    layers = encoder + 8 * block + decoder
    assert count(nets) == sum(k * k * a * b + b for k, a, b in layers) == 15_200_835
    widths = [3, 64, 128, 256, 512, 1]
    weights = sum(16 * a * b for a, b in zip(widths, widths[1:], strict=False))
    assert count(critic) == weights + 1 == 2_763_777


def test_blocks_work_at_a_quarter_of_the_size() -> None:
    net = Generator(4, 2, (1, 2))
    shapes: list[tuple[int, ...]] = []
    net[1].register_forward_hook(lambda _, __, made: shapes.append(tuple(made.shape)))
    assert net(torch.zeros(2, 4, 64, 96)).shape == (2, 3, 64, 96)
    assert shapes == [(2, 16, 16, 24)]


def test_a_block_by_hand() -> None:
    torch.manual_seed(0)
    block = AOTBlock(8, (1, 2))
    features = torch.rand(1, 8, 6, 6)

    def convolved(x: torch.Tensor, layer: torch.nn.Module, rate: int = 1) -> torch.Tensor:
        x = F.pad(x, (rate,) * 4, mode="reflect")
        return F.conv2d(x, layer.weight, layer.bias, dilation=rate)  # type: ignore[arg-type]

    parts = [convolved(features, block.branches[n][1], n + 1).relu() for n in range(2)]
    merged = convolved(torch.cat(parts, 1), block.fuse[1])
    logits = convolved(features, block.gate[1])
    mean, deviation = logits.mean((2, 3), keepdim=True), logits.std((2, 3), keepdim=True)
    gate = torch.sigmoid(5 * (2 * (logits - mean) / deviation - 1))
    expected = features * (1 - gate) + merged * gate
    torch.testing.assert_close(block(features), expected, rtol=1e-3, atol=1e-4)


def test_standardised_maps_that_are_constant_have_finite_gradients() -> None:
    maps = torch.ones(1, 2, 4, 4, requires_grad=True)
    made = standardised(maps)
    assert not made.any()
    made.square().sum().backward()
    assert maps.grad is not None and torch.isfinite(maps.grad).all()


def test_the_gate_pulls_in_half_precision_where_it_pulls_in_float32() -> None:
    maps = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0)) + 30
    both = []
    for enabled in (False, True):
        leaf = maps.clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            loss = standardised(leaf).pow(3).sum()
        both.append(torch.autograd.grad(loss, leaf)[0].flatten())
    assert float(F.cosine_similarity(*both, dim=0)) > 0.99


def test_the_hole_is_shown_white_and_as_a_plane() -> None:
    nets = AOTGANNets(FAMILY.presets["tiny"])
    seen: list[torch.Tensor] = []
    nets.generator.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    batch = faces()
    nets.fill(batch.images, batch.masks)
    visible = torch.where(batch.masks > 0, 1.0, 2 * batch.images - 1)
    assert torch.equal(seen[0], torch.cat([visible, batch.masks], 1))


def test_the_discriminators_target_is_real_but_in_the_hole() -> None:
    hole = torch.zeros(1, 1, 64, 64)
    hole[:, :, :, 32:] = 1
    target = soft_target(hole, (8, 8), 4.0)[0, 0]
    assert float(target[:, 0].min()) > 0.99 and float(target[:, -1].max()) < 0.01
    assert (target.diff(dim=1) <= 1e-6).all() and 0.2 < float(target[4, 3]) < 0.95
    torch.testing.assert_close(target[:, 3] + target[:, 4], torch.ones(8))  # its rim, in the middle
    assert torch.equal(soft_target(torch.zeros(1, 1, 64, 64), (6, 6), 4.0), torch.ones(1, 1, 6, 6))


def test_losses_by_hand() -> None:
    hole = torch.zeros(1, 1, 32, 32)
    hole[:, :, :, 16:] = 1
    answers = torch.tensor([[0.5, 0.5], [0.5, 0.0]]).view(1, 1, 2, 2)
    target = soft_target(hole, (2, 2), 0.5)
    by_hand = (0.25 * 3 + 1) / 4 + float((answers - target).square().mean())
    assert float(critic_loss(answers, answers, hole, 0.5)) == pytest.approx(by_hand)
    assert float(generator_loss(answers, hole)) == pytest.approx((0.25 + 1) / 2)
    assert float(generator_loss(answers, 0 * hole)) == 0
    # Whoever paints what passes for real everywhere has won, and the discriminator has not.
    real = torch.ones(1, 1, 2, 2)
    assert float(generator_loss(real, hole)) == 0
    assert float(critic_loss(real, real, hole, 0.5)) > float(critic_loss(real, target, hole, 0.5))


def test_terms_by_hand() -> None:
    model = AOTGANTraining("tiny")
    scene = model._scene(faces(), 0)
    model.critics["critic"].forward = lambda *_: torch.full((2, 1, 2, 2), 0.5)  # type: ignore[method-assign]
    terms = model.terms({"face": scene.clean + 0.1}, scene)
    assert float(terms["pixel"]) == pytest.approx(0.2, abs=1e-5)  # on images in [-1, 1]
    assert float(terms["adv"]) == pytest.approx(0.25)
    assert set(terms) == {"pixel", "adv"}


def test_features_pull_where_they_are_asked_for() -> None:
    model = AOTGANTraining("tiny", perceptual="recognizer")
    scene = model._scene(faces(), 0)
    face = (scene.clean * 0.8).requires_grad_()
    terms = model.terms({"face": face}, scene)
    for name in ("per", "style"):
        assert float(torch.autograd.grad(terms[name], face, retain_graph=True)[0].norm()) > 0


def test_every_tensor_of_the_networks_gets_a_gradient() -> None:
    torch.manual_seed(0)
    model = AOTGANTraining("tiny")
    scene = model._scene(faces(), 0)
    model.total(model.terms(model.outputs(scene), scene)).backward()
    for name, parameter in model.nets.named_parameters():
        assert parameter.grad is not None, name
        # Standardising takes the gate's bias away again.
        nothing = name.endswith("gate.1.bias")
        assert float(parameter.grad.abs().sum()) > 0 or nothing, name


def test_a_dilation_as_wide_as_the_map_is_refused() -> None:
    with pytest.raises(TrainingError, match="cannot hold 8 at a size of 32: .* maps of 8"):
        AOTGANTraining("tiny", rates="1,8")


def test_the_papers_schedule() -> None:
    paper = FAMILY.presets["paper"]
    weights = [paper[name] for name in ("pixel", "per", "style", "adv")]
    assert weights == [1, 0.1, 250, 0.01] and paper["images_whole"] == 8_000_000
    assert (paper["lr"], paper["lr_critic"], paper["batch_size"], paper["size"]) == (
        1e-4,
        1e-4,
        8,
        512,
    )
    assert (paper["rates"], paper["blocks"], paper["blur"]) == ((1, 2, 4, 8), 8, 10)
    assert AOTGANTraining.betas == (0.5, 0.999)

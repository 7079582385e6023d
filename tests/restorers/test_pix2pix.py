"""pix2pix's networks and losses."""

from __future__ import annotations

import pytest
import torch
from inpainters import faces

from restore_recog.nn.patchgan import PatchGAN
from restore_recog.restorers.pix2pix.networks import UNet
from restore_recog.restorers.pix2pix.presets import FAMILY
from restore_recog.restorers.pix2pix.training import Pix2PixTraining


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_of_the_papers_networks() -> None:
    with torch.device("meta"):
        generator, critic = UNet(256), PatchGAN(6, norm="batch", bias=True)
    # Weights 4 x 4 of the layers named in the appendix, their biases, two numbers a channel for
    # batch normalisation.
    down = [3, 64, 128, 256, 512, 512, 512, 512, 512]
    up = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
    weights = sum(16 * a * b + b for a, b in zip(down, down[1:], strict=False))
    weights += sum(16 * a * b + b for a, b in [*up, (128, 3)])
    norms = 2 * (sum(down[2:8]) + sum(b for _, b in up))
    assert count(generator) == weights + norms == 54_419_459
    assert count(critic) == 2_769_601


def test_the_image_is_halved_down_to_one_place() -> None:
    net = UNet(32, 4)
    sides: list[int] = []
    for layer in net.down:
        layer.register_forward_hook(lambda _, __, made: sides.append(made.shape[-1]))
    net.eval()
    assert net(torch.zeros(1, 3, 32, 32)).shape == (1, 3, 32, 32)
    assert sides == [16, 8, 4, 2, 1]


def test_the_papers_schedule() -> None:
    paper = FAMILY.presets["paper"]
    assert (paper["pixel"], paper["batch_size"], paper["lr"]) == (100, 1, 2e-4)
    assert Pix2PixTraining.betas == (0.5, 0.999) and paper["dropout"] == 0.5


def test_the_discriminator_is_shown_what_the_generator_is_shown() -> None:
    model = Pix2PixTraining("tiny")
    model.critics.eval()
    scene = model._scene(faces(), 0)
    answer = model.judgement(model.critics["critic"], scene.clean, scene)
    other = model._scene(faces(cloth=0.9), 0)
    torch.testing.assert_close(answer, model.judgement(model.critics["critic"], scene.clean, other))
    seen = Pix2PixTraining("tiny", cloth="seen")
    answers = [
        seen.judgement(seen.critics["critic"].eval(), where.clean, where)
        for where in (scene, other)
    ]
    assert not torch.allclose(*answers)


def test_terms_by_hand() -> None:
    model = Pix2PixTraining("tiny")
    scene = model._scene(faces(), 0)
    terms = model.terms({"face": scene.clean + 0.1}, scene)
    assert float(terms["pixel"]) == pytest.approx(0.2, abs=1e-6)
    assert set(terms) == {"pixel", "adv"}
    assert set(model.weighted(terms)) == set(terms)

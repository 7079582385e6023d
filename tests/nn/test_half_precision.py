"""Losses of the restorers' phases pull in half precision where they pull in float32."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.restorers.ecgan.training import OPPONENTS, ECGANTraining
from restore_recog.restorers.fmodr.losses import Generated, Scene
from restore_recog.restorers.fmodr.training import FMODRTraining
from restore_recog.restorers.ganmasker.training import GANMaskerTraining
from restore_recog.types import FaceBatch

SIDE = 128
UNTAUGHT = {"size": SIDE, "perceptual": "none", "identity": 0.0, "margin": 0.0}
"""Losses by other networks are tested where these are (test_teachers.py)."""

LEGS = ["C1", "C3", "R1", "R3", "R4"]
"""Those in which one of FMODR's generators learns."""

half = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])


@cache
def fmodr() -> FMODRTraining:
    torch.manual_seed(0)
    return FMODRTraining("compact", **UNTAUGHT)


@cache
def ganmasker() -> GANMaskerTraining:
    torch.manual_seed(0)
    return GANMaskerTraining("compact", **UNTAUGHT)


@cache
def ecgan() -> ECGANTraining:
    torch.manual_seed(0)
    return ECGANTraining("compact", **UNTAUGHT)


def faces() -> FaceBatch:
    noise = torch.Generator().manual_seed(0)
    clean = F.interpolate(torch.rand(2, 3, 4, 4, generator=noise), SIDE, mode="bicubic").clamp(0, 1)
    masks = torch.zeros(2, 1, SIDE, SIDE)
    masks[:, :, SIDE // 2 : -8, 24:-24] = 1
    return FaceBatch(clean * (1 - masks) + 0.2 * masks, masks, clean=clean)


def restored(clean: Tensor) -> Tensor:
    """Return images that differ from the clean ones by little, as after some training."""
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    return clean + 0.05 * noise


def scene() -> Scene:
    given = faces()
    assert given.clean is not None
    return Scene(2 * given.images - 1, 2 * given.clean - 1, *[given.masks] * 3, None)


def alike(gradient: Callable[[], Tensor], dtype: torch.dtype) -> float:
    """Return the cosine between a gradient under autocast and the same without."""
    both = []
    for enabled in (False, True):
        with torch.autocast("cpu", dtype=dtype, enabled=enabled):
            both.append(gradient().flatten().double())
    return float(F.cosine_similarity(*both, dim=0))


def learnt(net: nn.Module, step: Callable[[], object]) -> Tensor:
    """Return the gradient that a step leaves in a network, whose tensors are put back."""
    before = deepcopy(net.state_dict())
    step()
    net.load_state_dict(before)
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])


def reaching(net: nn.Module, step: Callable[[], object]) -> Tensor:
    """Return the gradient that a step sends into a network's output."""
    caught: list[Tensor] = []

    def watch(_: nn.Module, given: object, output: Tensor) -> None:
        output.register_hook(lambda gradient: caught.append(gradient.float()))

    with_hook = net.register_forward_hook(watch)
    learnt(net, step)
    with_hook.remove()
    return caught[0]


@half
@pytest.mark.parametrize("name", LEGS)
def test_fmodrs_generator(name: str, dtype: torch.dtype) -> None:
    model, where = fmodr(), scene()
    leg = next(leg for leg in model.legs if leg.name == name)
    output = restored(where.clean).requires_grad_()
    coarse = output if leg.joint else None
    names = list(model.terms(leg, where, Generated(output, coarse)))
    assert names == ["rec"] + ["coarse_rec"] * leg.joint + ["adv"] * (leg.adv > 0)

    def gradient(loss: str) -> Tensor:
        return torch.autograd.grad(
            model.terms(leg, where, Generated(output, coarse))[loss][0], output
        )[0]

    for loss in names:
        assert alike(lambda loss=loss: gradient(loss), dtype) > 0.99, loss


@half
@pytest.mark.parametrize("name", ["C3", "R4"])
def test_fmodrs_discriminators(name: str, dtype: torch.dtype) -> None:
    model, where = fmodr(), scene()
    leg = next(leg for leg in model.legs if leg.name == name)
    critic = model.critics["coarse" if leg.coarse else "refine"]
    made = Generated(restored(where.clean))

    def gradient() -> Tensor:
        return learnt(critic, lambda: model._critic_step(leg, where, made, 0.0))

    assert alike(gradient, dtype) > 0.99


@half
def test_fmodrs_detector(dtype: torch.dtype) -> None:
    model, where = fmodr(), scene()

    def gradient() -> Tensor:
        return reaching(model.nets.detector, lambda: model._detector_step(where, 0.0))

    assert alike(gradient, dtype) > 0.99


@half
def test_mseg(dtype: torch.dtype) -> None:
    model = ganmasker()
    mseg = model.nets.mseg
    assert mseg is not None

    def gradient() -> Tensor:
        return reaching(mseg, lambda: model._mseg_step(faces(), 1.0))

    assert alike(gradient, dtype) > 0.99


@half
def test_funet(dtype: torch.dtype) -> None:
    model, given = ganmasker(), faces()
    assert given.clean is not None
    fused = restored(given.clean).requires_grad_()
    names = list(model._terms(fused, given.clean, given))
    assert names == ["rec", "adv"]

    def gradient(loss: str) -> Tensor:
        return torch.autograd.grad(model._terms(fused, given.clean, given)[loss], fused)[0]

    for loss in names:
        assert alike(lambda loss=loss: gradient(loss), dtype) > 0.99, loss


@half
def test_ganmaskers_discriminator(dtype: torch.dtype) -> None:
    model, given = ganmasker(), faces()
    assert given.clean is not None
    clean, fake = given.clean, restored(given.clean)

    def gradient() -> Tensor:
        return learnt(model.critic, lambda: model._critic_step(fake, clean, 0.0))

    assert alike(gradient, dtype) > 0.99


@half
def test_ecgans_generator(dtype: torch.dtype) -> None:
    model = ecgan()
    where = model._scene(faces())
    made = restored(where.clean).requires_grad_()
    model.critics.eval()  # the region's discriminator has dropout
    names = list(model.terms(made, where, OPPONENTS["mask"]))
    assert names == ["rec", "adv_whole", "adv_mask"]

    def gradient(loss: str) -> Tensor:
        return torch.autograd.grad(model.terms(made, where, OPPONENTS["mask"])[loss], made)[0]

    for loss in names:
        assert alike(lambda loss=loss: gradient(loss), dtype) > 0.99, loss


@half
@pytest.mark.parametrize("name", ["whole", "mask"])
def test_ecgans_discriminators(name: str, dtype: torch.dtype) -> None:
    model = ecgan()
    where = model._scene(faces())
    model.critics.eval()
    fake = restored(where.clean)

    def gradient() -> Tensor:
        return learnt(model.critics[name], lambda: model._critic_step(name, fake, where, 0.0))

    assert alike(gradient, dtype) > 0.99


@half
def test_ecgans_classifier(dtype: torch.dtype) -> None:
    model, given = ecgan(), faces()
    given = replace(given, attributes={"expression": torch.tensor([0, 3])})
    net = model.nets.visible
    assert net is not None

    def gradient() -> Tensor:
        torch.manual_seed(0)  # the width of the hole
        return reaching(net, lambda: model._visible_step(given, 1.0))

    assert alike(gradient, dtype) > 0.99

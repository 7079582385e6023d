"""Pluralistic's networks, distributions and losses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from inpainters import faces
from torch import Tensor
from torch.distributions import Normal as Reference
from torch.distributions import kl_divergence

from restore_recog.errors import TrainingError
from restore_recog.restorers.pluralistic.networks import Decoder, Discriminator, Encoder, Normal
from restore_recog.restorers.pluralistic.presets import FAMILY
from restore_recog.restorers.pluralistic.training import (
    PluralisticTraining,
    apart,
    distances,
    divergence,
    spread,
)


def training(**options: Any) -> PluralisticTraining:
    torch.manual_seed(0)
    return PluralisticTraining("tiny", **options)


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def conv(inputs: int, outputs: int, side: int = 3) -> int:
    return side * side * inputs * outputs + outputs


def block(inputs: int, outputs: int, hidden: int) -> int:
    return conv(inputs, hidden) + conv(hidden, outputs) + conv(inputs, outputs, 1)


def doubling(inputs: int, outputs: int) -> int:
    norms = 2 * (inputs + outputs)
    return norms + conv(inputs, outputs) + conv(outputs, outputs) + conv(inputs, outputs)


def test_parameters_of_the_papers_networks() -> None:
    encoder = Encoder(32, 5, 128, 6)
    decoder = Decoder(32, 5, 128, 4, "deconv")
    critic = Discriminator(32, 5)
    # The published layers, width by width: 3 x 3 convolutions with 1 x 1 ones beside them.
    down = block(3, 32, 32) + block(32, 64, 32) + block(64, 128, 64) + 2 * block(128, 128, 128)
    inferred = 6 * block(128, 128, 128) + 2 * block(128, 256, 128)
    assert count(encoder) == down + inferred == 3_604_224
    up = [(128, 128), (128, 128), (131, 128), (131, 64), (67, 32)]
    images = sum(conv(inputs, 3) for inputs in (128, 128, 64, 32))
    attention = conv(128, 32, 1) + 2 + block(256, 128, 128)
    made = block(128, 128, 128) + sum(doubling(*pair) for pair in up) + images + attention
    assert count(decoder) == made == 2_374_016
    looking = conv(128, 32, 1) + 1  # without the published one's dead block
    assert count(critic) == down + looking + block(128, 128, 128) + conv(128, 1) == 1_099_554


def test_shapes_at_the_papers_size() -> None:
    encoder, decoder = Encoder(4, 5, 6, 1), Decoder(4, 5, 6, 4, "deconv")
    hole = torch.zeros(1, 1, 256, 256)
    maps, prior, posterior = encoder(*torch.zeros(2, 1, 3, 256, 256))
    assert [tuple(one.shape[1:]) for one in maps] == [
        (4, 128, 128),
        (8, 64, 64),
        (16, 32, 32),
        (16, 16, 16),
        (16, 8, 8),
    ]
    assert prior.mean.shape == posterior.deviation.shape == (1, 6, 8, 8)
    assert encoder(torch.zeros(1, 3, 256, 256))[2] is None
    seen: list[tuple[int, ...]] = []
    decoder.attention.register_forward_hook(lambda _, __, made: seen.append(tuple(made.shape)))
    images = decoder(torch.zeros(2, 6, 8, 8), maps, hole)
    assert [tuple(one.shape) for one in images] == [(2, 3, s, s) for s in (32, 64, 128, 256)]
    assert seen == [(2, 16, 32, 32)]
    assert Discriminator(4, 5)(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 6, 6)


def test_the_papers_schedule() -> None:
    paper = FAMILY.presets["paper"]
    assert (paper["lr"], paper["lr_critic"], paper["batch_size"]) == (1e-4, 1e-4, 8)
    assert (paper["pixel"], paper["kl"], paper["adv"], paper["match"]) == (20, 20, 1, 1)
    assert paper["compared"] == "visible" and PluralisticTraining.betas == (0.0, 0.999)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scales": 4}, "'scales' is at most 'layers'"),
        (
            {"layers": 4},
            "'layers' cannot be 4 with images of 32 pixels: the discriminators need 64",
        ),
        ({"compared": "hidden"}, "choose one of visible, whole"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        training(**options)


def normal(seed: int) -> Normal:
    made = torch.Generator().manual_seed(seed)
    return Normal(
        torch.randn(2, 3, 4, 4, generator=made), torch.rand(2, 3, 4, 4, generator=made) + 0.1
    )


def test_distances_of_distributions() -> None:
    one, other = normal(0), normal(1)
    wanted = kl_divergence(Reference(*one), Reference(*other)).mean()
    torch.testing.assert_close(divergence(one, other), wanted)
    assert float(divergence(one, one)) == pytest.approx(0, abs=1e-6)


def test_the_assumed_deviation_grows_with_the_hole() -> None:
    holes = torch.zeros(3, 1, 10, 10)
    holes[1, :, :5] = 1
    holes[2] = 1
    none, half, whole = spread(holes).flatten().tolist()
    assert none == pytest.approx(1 / (1 + torch.e**1.6)) and whole == pytest.approx(
        0.99834, abs=1e-5
    )
    assert none < half < whole


def test_the_prior_is_drawn_to_the_posterior_and_not_the_other_way_round() -> None:
    hole = torch.ones(2, 1, 4, 4)
    prior, posterior = (
        Normal(*(part.requires_grad_() for part in normal(seed))) for seed in (0, 1)
    )
    assumed = Normal(torch.zeros(2, 3, 4, 4), spread(hole).expand(2, 3, 4, 4))
    distances(prior, posterior, hole).backward()
    moved = posterior.mean.grad
    (alone,) = torch.autograd.grad(divergence(posterior, assumed), posterior.mean)
    assert moved is not None and prior.mean.grad is not None
    torch.testing.assert_close(moved, alone)
    assert float(prior.mean.grad.abs().sum()) > 0


def test_faces_of_all_sizes_are_compared_in_what_is_seen() -> None:
    clean = torch.zeros(1, 3, 8, 8)
    made = [torch.full((1, 3, side, side), 0.1) for side in (8, 4)]
    assert float(apart(made, clean)) == pytest.approx(2 * 0.2)
    seen = torch.zeros(1, 1, 8, 8)
    assert float(apart(made, clean, seen)) == 0
    seen[:, :, :4] = 1
    assert 0 < float(apart(made[:1], clean, seen)) == pytest.approx(0.1)


def test_terms_by_hand() -> None:
    model = training()
    scene = model._scene(faces(), 0)
    made = dict(model.outputs(scene))
    terms = model.terms(made, scene)
    assert set(terms) == {"pixel", "kl", "adv", "match"}
    assert set(model.weighted(terms)) == set(terms)
    torch.testing.assert_close(terms["kl"], 3 * made["kl"])
    assert float(model.matching(scene.clean, scene)) == pytest.approx(0, abs=1e-9)


def test_what_is_compared_with_the_truth_of_the_generative_path() -> None:
    pulls = {}
    for compared in ("visible", "whole"):
        model = training(compared=compared, adv=0.0, match=0.0)
        scene = model._scene(faces(), 0)
        made = dict(model.outputs(scene))
        face = made["face"] = made["face"].detach().requires_grad_()
        (pull,) = torch.autograd.grad(model.total(model.terms(made, scene)), face)
        pulls[compared] = float((pull.abs() * scene.hole).sum()), float(pull.abs().sum())
    assert pulls["visible"][0] == 0 < pulls["visible"][1]
    assert pulls["whole"][0] > 0


def test_training_draws_and_use_takes_the_mean() -> None:
    model = training()
    scene = model._scene(faces(), 0)

    def twice(path: str) -> tuple[Tensor, Tensor]:
        return model.outputs(scene)[path], model.outputs(scene)[path]

    model.nets.train()
    assert all(not torch.equal(*twice(path)) for path in ("face", "rec"))
    model.nets.eval()
    assert all(torch.equal(*twice(path)) for path in ("face", "rec"))
    torch.testing.assert_close(
        model.outputs(scene)["face"], model.nets.fill(scene.occluded, scene.hole)
    )


def test_only_the_reconstructive_path_is_shown_what_is_hidden() -> None:
    model = training()
    model.nets.eval()
    scene = model._scene(faces(), 0)
    other = model._scene(faces(), 0)
    other.clean.add_(scene.hole * 0.1)
    made, changed = model.outputs(scene), model.outputs(other)
    assert torch.equal(made["face"], changed["face"])
    assert not torch.equal(made["rec"], changed["rec"])


def test_every_parameter_moves_and_the_attention_comes_to_matter() -> None:
    model = training()
    before = {name: value.clone() for name, value in model.nets.named_parameters()}
    critics = {name: value.clone() for name, value in model.critics.named_parameters()}
    for step in range(3):
        model.phases[0].step(faces(), step / 3)
    still = [name for name, value in model.nets.named_parameters() if value.equal(before[name])]
    still += [
        name for name, value in model.critics.named_parameters() if value.equal(critics[name])
    ]
    assert still == []
    model.nets.eval()
    scene = model._scene(faces(), 0)
    with torch.no_grad():
        on, off = (
            model.nets.fill(scene.occluded, scene.hole, looks=looks) for looks in (True, False)
        )
    assert not torch.equal(on, off)

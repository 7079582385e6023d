"""EdgeConnect's networks, losses and stages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from inpainters import faces
from torch import Tensor

from restore_recog.nn.edges import canny, greyed
from restore_recog.nn.patchgan import PatchGAN
from restore_recog.restorers.edgeconnect.networks import Generator
from restore_recog.restorers.edgeconnect.presets import FAMILY
from restore_recog.restorers.edgeconnect.training import EdgeConnectTraining, LinedScene


def training(**options: Any) -> EdgeConnectTraining:
    torch.manual_seed(0)
    return EdgeConnectTraining("tiny", **options)


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def copies(net: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def moved(before: dict[str, Tensor], net: torch.nn.Module) -> set[str]:
    return {name for name, value in net.named_parameters() if not torch.equal(value, before[name])}


def test_parameters_of_the_papers_networks() -> None:
    with torch.device("meta"):
        edges, inpainter = (
            Generator(inputs, outputs, spectral=spectral, upsampling="deconv")
            for inputs, outputs, spectral in ((3, 1, True), (4, 3, False))
        )
        critics = [PatchGAN(inputs) for inputs in (2, 4)]
    # 7 x 7 to 64, 4 x 4 to 128 and 256, eight times twice 3 x 3, and back: weights and biases.
    ends = 16 * (64 * 128 + 128 * 256) * 2 + (64 + 128 + 256) + (128 + 64)
    blocks, biases = 8 * 2 * 9 * 256 * 256, 8 * 2 * 256
    sketching = 49 * 64 * (3 + 1) + 1 + ends + blocks  # no biases beside spectral norm in blocks
    painting = 49 * 64 * (4 + 3) + 3 + ends + blocks + biases
    assert count(edges) == sketching == 10_761_089
    assert count(inpainter) == painting == 10_774_595
    judging = [16 * (n * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) for n in (2, 4)]
    assert [count(critic) for critic in critics] == judging == [2_762_752, 2_764_800]


def test_the_body_is_a_quarter_of_the_side_and_both_generators_share_it() -> None:
    model = training()
    seen: list[tuple[int, ...]] = []
    for net in (model.nets.edges, model.nets.inpainter):
        net.blocks.register_forward_hook(lambda _, __, made: seen.append(tuple(made.shape)))
    with torch.no_grad():
        face = model.nets.eval().fill(torch.rand(2, 3, 32, 64), torch.ones(2, 1, 32, 64))
    assert face.shape == (2, 3, 32, 64)
    assert seen == [(2, 16, 8, 16)] * 2
    assert float(face.min()) >= 0 and float(face.max()) <= 1


def test_edges_are_spectrally_normalised_and_images_are_not() -> None:
    def normed(net: torch.nn.Module) -> list[bool]:
        layers = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
        return [hasattr(layer, "parametrizations") for layer in layers]

    nets = training().nets
    assert normed(nets.edges) == [True] * 21 + [False]  # all but the last
    assert not any(normed(nets.inpainter))


def test_the_papers_schedule_and_weights() -> None:
    paper = FAMILY.presets["paper"]
    assert (paper["batch_size"], paper["lr"], paper["lr_critic"], paper["size"]) == (
        8,
        1e-4,
        1e-5,
        256,
    )
    assert (paper["adv_edge"], paper["matching"], paper["sigma"]) == (1, 10, 2)
    assert paper["entropy"] == 0
    assert (paper["pixel"], paper["adv"], paper["per"], paper["style"]) == (1, 0.1, 0.1, 250)
    assert EdgeConnectTraining.betas == (0, 0.9)
    model = training(lr_joint=0.01, decay=0.1)
    shares = [[model.share(stage, at) for at in (0, 1)] for stage in ("edge", "joint")]
    assert shares[0] == pytest.approx([1, 0.1]) and shares[1] == pytest.approx([0.01, 0.001])


def test_networks_are_shown_no_edge_of_the_covering_or_of_the_truth() -> None:
    model = training()
    grey = F.interpolate(torch.rand(2, 3, 4, 4), (32, 32), mode="bilinear")
    batch = faces(cloth=1.0)
    shown: list[tuple[Tensor, ...]] = []
    model.nets.edges.register_forward_hook(lambda _, given, __: shown.append(given))
    for clean in (batch.clean, grey):
        assert clean is not None
        occluded = torch.where(batch.masks > 0, batch.images, clean)
        scene = model._scene(replace(batch, images=occluded, clean=clean), 1)
        model.sketched(scene)
        given, known, hole = shown[-1]
        assert torch.equal(hole, scene.hole)
        assert (given[hole > 0] == 1).all() and not known[hole > 0].any()
        around = F.max_pool2d(scene.hole, 3, 1, 1)
        assert not known[around > 0].any()
    true = scene.true
    assert torch.equal(true, canny(greyed(scene.clean), model.nets.sigma))


def test_lines_are_the_known_ones_and_sketched_ones_in_the_hole() -> None:
    model = training()
    scene = model._scene(faces(), 1)
    model.nets.eval()
    with torch.no_grad():
        made = model.outputs(scene)
        sketched = model.sketched(scene)
    inside = scene.hole > 0
    torch.testing.assert_close(made["lines"][inside], sketched[inside])
    assert torch.equal(made["lines"][~inside], scene.known[~inside])
    torch.testing.assert_close(
        made["face"], model.nets.fill(scene.occluded, scene.hole), rtol=0, atol=1e-5
    )


def test_the_face_follows_its_lines() -> None:
    model = training()
    scene = model._scene(faces(), 1)
    lines = torch.zeros_like(scene.hole)
    lines[:, :, 20, 8:24] = 1
    with torch.no_grad():
        drawn, blank = (
            model.nets.eval().painted(scene.occluded, scene.hole, shown)
            for shown in (lines, torch.zeros_like(lines))
        )
    assert float((drawn - blank).abs().mean()) > 1e-3


def test_each_stage_moves_its_own_networks() -> None:
    model = training()
    parts = {
        "edges": model.nets.edges,
        "inpainter": model.nets.inpainter,
        "critic_edge": model.critics["critic_edge"],
        "critic": model.critics["critic"],
    }
    wanted = {
        "edge": {"edges", "critic_edge"},
        "inpainting": {"inpainter", "critic"},
        "joint": {"edges", "inpainter", "critic"},  # the edges' discriminator is no more
    }
    for phase in model.phases:
        before = {name: copies(net) for name, net in parts.items()}
        phase.step(faces(), 0.0)
        changed = {name: moved(before[name], net) for name, net in parts.items()}
        assert {name for name, names in changed.items() if names} == wanted[phase.name]
        for name in wanted[phase.name]:
            assert changed[name] == {key for key, _ in parts[name].named_parameters()}, name
        if phase.name == "inpainting":  # not even the vectors of spectral norm
            after = copies(model.nets.edges)
            assert all(torch.equal(after[key], value) for key, value in before["edges"].items())


def test_terms_of_the_face_by_hand() -> None:
    model = training()
    model.critics.eval()
    scene = model._scene(faces(), 0)
    made = dict(model.outputs(scene)) | {"face": scene.clean + 0.1}
    terms = model.terms(made, scene)
    assert float(terms["pixel"]) == pytest.approx(0.1 / float(scene.hole.mean()), rel=1e-5)
    with torch.no_grad():
        critic = model.critics["critic"]
        answers = critic(made["face"], made["lines"])
    assert float(terms["adv"].detach()) == pytest.approx(
        float(F.softplus(-answers).mean()), rel=0.05
    )
    assert set(model.weighted(terms)) == set(terms) == {"pixel", "adv"}


def test_terms_of_the_edges_by_hand() -> None:
    model = training()
    model.critics.eval()
    scene = model._scene(faces(), 0)
    assert isinstance(scene, LinedScene)
    sketched = torch.rand_like(scene.true).requires_grad_()
    terms = {name: loss.detach() for name, loss in model.sketch_terms(sketched, scene).items()}
    critic = model.critics["critic_edge"]
    assert isinstance(critic, PatchGAN)
    with torch.no_grad():
        true, made = (critic.features(scene.grey, edges) for edges in (scene.true, sketched))
    matching = sum(float((a - b).abs().mean()) for a, b in zip(true, made, strict=True))
    assert float(terms["matching"]) == pytest.approx(matching, rel=1e-4)
    assert float(terms["adv_edge"]) == pytest.approx(float(F.softplus(-made[-1]).mean()), rel=1e-4)
    chances = torch.where(scene.true > 0, sketched, 1 - sketched)
    assert float(terms["entropy"]) == pytest.approx(-float(chances.log().mean().detach()), rel=1e-4)
    assert set(model.weighted(terms)) == {"matching", "adv_edge", "entropy"}
    assert float(model.sketch_terms(scene.true, scene)["matching"]) == 0
    assert set(training(adv_edge=0, entropy=0).sketch_terms(sketched, scene)) == {"matching"}


def test_discriminators_see_edges_beside_grey_and_images_beside_lines() -> None:
    model = training()
    model.critics.eval()
    scene = model._scene(faces(), 0)
    drawn = replace(scene, lines=scene.known)
    images = torch.cat([scene.clean, scene.occluded])
    answers = model.judgement(model.critics["critic"], images, drawn)
    lines = torch.cat([scene.known, scene.known])
    torch.testing.assert_close(answers, model.critics["critic"](images, lines))
    answers = model.judgement(model.critics["critic_edge"], scene.true, scene)
    torch.testing.assert_close(answers, model.critics["critic_edge"](scene.grey, scene.true))
    assert model.real("critic_edge", scene) is scene.true
    assert model.real("critic", scene) is scene.clean


def test_edges_are_learnt_and_counted() -> None:
    model = training(lr=4e-3, matching=0, adv_edge=0)
    batch = faces()
    clean = torch.zeros_like(batch.images)
    clean[:, :, :, 16:] = 1  # a step that goes on behind the covering
    batch = replace(batch, images=torch.where(batch.masks > 0, 0.5, clean), clean=clean)
    phase = model.phases[0]
    figures = [model.validate(batch)]
    for _ in range(60):
        phase.step(batch, 0.0)
    figures.append(model.validate(batch))
    before, after = (one["edge_precision"] * one["edge_recall"] for one in figures)
    assert before < 0.2 and after > 0.5

"""GCF's networks, parts of the face, stages and losses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from inpainters import faces
from landmark_fakes import RingLandmarker, known_parts

from restore_recog.errors import RestoreRecogError, TrainingError
from restore_recog.restorers.gcf.networks import Discriminator, GCFNets, Generator, Parser, down, up
from restore_recog.restorers.gcf.presets import FAMILY
from restore_recog.restorers.gcf.regions import PARTS, UNKNOWN, regions
from restore_recog.restorers.gcf.training import GCFTraining, painted

PAPER = FAMILY.presets["paper"]


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def convolutions(*widths: int, side: int = 3) -> int:
    """Return the parameters of convolutions between these widths."""
    return sum(side**2 * a * b + b for a, b in zip(widths, widths[1:], strict=False))


def training(**options: Any) -> GCFTraining:
    torch.manual_seed(0)
    return GCFTraining("tiny", **options)


def test_parameters_of_the_papers_networks() -> None:
    with torch.device("meta"):
        net = Generator(PAPER["widths"], PAPER["hidden"], PAPER["size"])
        whole = Discriminator(PAPER["critic_widths"], PAPER["size"])
        part = Discriminator(PAPER["local_widths"], PAPER["local"])
        parser = Parser(11)  # as many parts as the published one tells
    encoder = convolutions(3, 32, 32, 64, 64, 128, 128, 256, 256, 256, 256)
    decoder = convolutions(256, 64, 64, 64, 128, 64, 64, 64, 32, 32, 32, 3)
    connected = 16_384 * 4096 + 4096 + 4096 * 16_384 + 16_384
    assert count(net) == encoder + connected + decoder == 137_071_331
    for critic, levels in ((whole, (32, 64, 128, 256, 512)), (part, (64, 128, 256, 512))):
        halving = sum(convolutions(width, width, side=4) for width in levels)
        assert count(critic) == convolutions(3, *levels) + halving + convolutions(512, 1, side=4)
    vgg = convolutions(3, *[64] * 2, *[128] * 2, *[256] * 4, *[512] * 8)
    assert vgg == 20_024_384  # VGG-19 without its fully connected layers
    assert count(parser) == vgg + convolutions(512, 512, 256, 128, 64, 32, 11)


def test_the_decoder_puts_values_where_the_largest_were() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4)
    same = torch.nn.ModuleList([torch.nn.Identity()])
    small, places = down(same, image)
    assert small.flatten().tolist() == [5, 7, 13, 15]
    large = up(same, -small, places)
    assert torch.equal(large, torch.where(torch.isin(image, small), -image, 0))


def test_all_but_places_goes_through_the_connected_layers() -> None:
    torch.manual_seed(0)
    net = Generator((4, 4, 8, 8), 16, 32)
    seen: list[tuple[int, ...]] = []
    net.compress.register_forward_hook(lambda _, given, made: seen.append(made.shape))
    assert net(torch.rand(2, 3, 32, 32)).shape == (2, 3, 32, 32)
    assert seen == [(2, 16)]
    torch.nn.init.zeros_(net.expand.weight)
    torch.nn.init.zeros_(net.expand.bias)
    assert torch.equal(net(torch.rand(1, 3, 32, 32)), net(torch.rand(1, 3, 32, 32)))


def test_the_hole_is_shown_as_noise_the_same_in_use_and_another_in_training() -> None:
    nets = GCFNets(FAMILY.presets["tiny"]).eval()
    seen: list[torch.Tensor] = []
    nets.generator.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    batch = faces()
    inside = batch.masks[0, 0] > 0
    for mode in (False, False, True, True):
        nets.train(mode)
        nets.fill(batch.images, batch.masks)
    for shown in seen:
        torch.testing.assert_close(shown[:, :, ~inside], 2 * batch.images[:, :, ~inside] - 1)
        assert -1 <= float(shown.min()) < -0.8 and 0.8 < float(shown.max()) <= 1
    assert torch.equal(seen[0], seen[1]) and torch.equal(*seen[0][:, :, inside])
    assert not torch.equal(seen[2], seen[3])
    assert not torch.equal(*seen[2][:, :, inside])


def upright(side: int = 100) -> torch.Tensor:
    """Return (98, 2) landmarks of a face drawn with a ruler: every part is a rectangle."""
    parts = {"skin": (10, 30, 90, 95)}  # left, top, right, bottom
    parts |= {"left brow": (20, 30, 40, 34), "right brow": (60, 30, 80, 34)}
    parts |= {"left eye": (20, 40, 40, 46), "right eye": (60, 40, 80, 46), "nose": (45, 40, 55, 60)}
    points = torch.full((98, 2), 50.0)
    for name, (left, top, right, bottom) in parts.items():
        numbers = range(33) if name == "skin" else PARTS[name]
        corners = [(left, top), (left, bottom), (right, bottom), (right, top)]
        for place, number in enumerate(numbers):
            points[number] = torch.tensor(corners[place * 4 // len(numbers)], dtype=torch.float)
    for numbers, height in ((range(76, 83), 70), (range(87, 82, -1), 82)):
        for place, number in enumerate(numbers):
            points[number] = torch.tensor([35 + 30 * place / (len(numbers) - 1), height])
    for place, number in enumerate(range(88, 93)):
        points[number] = torch.tensor([40 + 5 * place, 74])
    for place, number in enumerate(range(93, 96)):
        points[number] = torch.tensor([55 - 5 * place, 78])
    return points * side / 100


def test_parts_of_a_face_by_its_landmarks() -> None:
    labels = regions(upright()[None], (100, 100))[0]
    names = list(PARTS)
    places = {
        (5, 5): "beyond",
        (50, 90): "skin",
        (30, 32): "left brow",
        (70, 32): "right brow",
        (30, 43): "left eye",
        (70, 43): "right eye",
        (50, 50): "nose",
        (50, 72): "upper lip",
        (50, 76): "mouth",
        (50, 80): "lower lip",
    }
    assert {at: names[int(labels[at[1], at[0]])] for at in places} == places
    assert set(labels.unique().tolist()) == set(range(len(PARTS)))


def test_a_face_with_an_unknown_landmark_teaches_nothing_and_points_may_lie_outside() -> None:
    points = upright().repeat(2, 1, 1)
    points[0, 97] = torch.nan
    points[1] += 1e6
    labels = regions(points, (40, 60))
    assert labels.shape == (2, 40, 60)
    assert (labels[0] == UNKNOWN).all() and (labels[1] == 0).all()


def test_the_parser_learns_the_parts() -> None:
    model = training(lr_parser=3e-3, parser_base=8)
    points = upright(32).repeat(2, 1, 1)
    batch = replace(faces(), clean=painted(regions(points, (32, 32))), landmarks98=points)
    first = model.phases[0].step(batch, 0.0)
    for _ in range(120):
        last = model.phases[0].step(batch, 0.0)
    assert last["entropy"] < first["entropy"] / 2
    figures = model.figures(model.outputs(model._scene(batch, 0)), model._scene(batch, 0))
    assert figures["parser right"] > 0.5 > 1 / len(PARTS)
    assert 0 <= figures["same parts"] <= 1


def test_a_landmarker_says_where_nothing_is_annotated() -> None:
    batch = faces()
    with known_parts():
        model = training(landmarker="ring")
    assert isinstance(model.landmarker, RingLandmarker)
    known = model._labels(model._scene(batch, 0))
    torch.testing.assert_close(known, regions(batch.landmarks98, (32, 32)))
    points = batch.landmarks98.clone()
    points[1, 5] = torch.nan
    batch = replace(batch, landmarks98=points)
    told = model._labels(model._scene(batch, 0))
    assert torch.equal(told[0], known[0]) and (told[1] != UNKNOWN).all()
    assert (model._labels(model._scene(replace(batch, landmarks98=None), 0)) != UNKNOWN).all()


def test_a_batch_without_a_known_face_leaves_the_parser_as_it_is() -> None:
    with known_parts():
        model = training(landmarker="ring")
    batch = faces()
    dark = batch.clean.clone()
    dark[:, 0] = 0  # on which the landmarker finds nobody
    batch = replace(batch, clean=dark, landmarks98=None)
    losses = model.phases[0].step(batch, 0.0)
    assert losses == {"entropy": 0, "right": 0}


def test_what_each_stage_trains() -> None:
    model = training()
    nets = {"nets": model.nets, "parser": model.parser, **dict(model.critics.items())}
    moved, losses = {}, {}
    for phase in model.phases:
        before = {
            name: {key: value.clone() for key, value in net.state_dict().items()}
            for name, net in nets.items()
        }
        losses[phase.name] = set(phase.step(faces(), 0.0)) & set(FAMILY.presets["paper"])
        moved[phase.name] = {
            name
            for name, net in nets.items()
            if any(not torch.equal(before[name][key], v) for key, v in net.state_dict().items())
        }
    assert moved == {
        "parser": {"parser"},
        "pixel": {"nets"},
        "local": {"nets", "critic_local"},
        "both": {"nets", "critic_local", "critic_global"},
    }
    assert losses == {
        "parser": set(),
        "pixel": {"pixel"},
        "local": {"pixel", "adv_local"},
        "both": {"pixel", "adv_local", "adv", "parsing"},
    }


def test_every_tensor_of_the_generator_gets_a_gradient() -> None:
    model = training()
    scene = model._scene(faces(), 0)
    model.total(model.terms(model.outputs(scene), scene)).backward()
    for name, parameter in model.nets.named_parameters():
        assert parameter.grad is not None and float(parameter.grad.abs().sum()) > 0, name
    assert all(parameter.grad is None for parameter in model.parser.parameters())


@pytest.mark.parametrize(("distance", "wanted"), [("squares", 0.02), ("absolute", 0.2)])
def test_terms_by_hand(distance: str, wanted: float) -> None:
    model = training(distance=distance)
    scene = model._scene(faces(), 0)
    for critic in model.critics.values():
        critic.forward = lambda images: torch.zeros(2, 1)  # type: ignore[method-assign]
    logits = torch.zeros(2, len(PARTS), 32, 32)
    logits[:, 3] = 1.0
    model.parser.forward = lambda images: logits  # type: ignore[method-assign]
    terms = model.terms({"face": scene.clean + 0.1}, scene)
    assert float(terms["pixel"]) == pytest.approx(wanted, rel=1e-4)
    assert float(terms["adv"]) == pytest.approx(0.6931, abs=1e-4)
    assert float(terms["adv_local"]) == pytest.approx(0.6931, abs=1e-4)
    chance = torch.tensor(1.0).exp() / (torch.tensor(1.0).exp() + len(PARTS) - 1)
    assert float(terms["parsing"]) == pytest.approx(-float(chance.log()), rel=1e-5)


def test_what_the_discriminators_are_shown() -> None:
    model = training()
    scene = model._scene(faces(), 0)
    made = {"face": torch.full_like(scene.clean, 0.25)}
    shown = {name: model._seen(name, made, scene) for name in model.critics}
    assert torch.equal(shown["critic_local"], made["face"])
    assert torch.equal(shown["critic_global"], torch.where(scene.hole > 0, 0.25, scene.occluded))
    sides = {}
    for name, critic in model.critics.items():
        critic.register_forward_pre_hook(lambda _, given, name=name: sides.update({name: given}))
        model.judgement(critic, torch.cat([scene.clean, scene.clean]), scene)
    assert sides["critic_local"][0].shape == (4, 3, 24, 24)
    assert torch.equal(sides["critic_global"][0], 2 * scene.clean.repeat(2, 1, 1, 1) - 1)


def test_the_parser_pulls_towards_what_it_sees_in_the_clean_face() -> None:
    model = training()
    scene = model._scene(faces(), 0)
    face = torch.rand_like(scene.clean).requires_grad_()
    before = model._parsed(face, scene)
    (gradient,) = torch.autograd.grad(before, face)
    with torch.no_grad():
        assert model._parsed(face - gradient / gradient.norm(), scene) < before


def test_the_papers_schedule_and_weights() -> None:
    sums = {"adv_local": 300, "adv": 300, "parsing": 0.05 * 128 * 128}
    assert {name: PAPER[name] * 3 * 128 * 128 for name in sums} == pytest.approx(sums)
    assert (PAPER["batch_size"], PAPER["lr"], PAPER["distance"]) == (2, 1e-4, "squares")
    stages = [PAPER[f"images_{stage}"] for stage in ("pixel", "local", "both")]
    assert sum(stages) == 15_000_000 * 2
    assert GCFTraining.betas == (0.9, 0.999)


def test_without_its_loss_there_is_no_parser() -> None:
    model = training(parsing=0, landmarker="none there is")
    assert [phase.name for phase in model.phases] == ["pixel", "local", "both"]
    assert "parser" not in {**model.state(), **model.networks(), **model.learners()}
    losses = model.phases[-1].step(faces(), 0.0)
    assert "parsing" not in losses and len(model.preview(faces())) == 4 * 2
    assert not {"same parts", "parser right"} & model.validate(faces()).keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images_parser": 0}, "'images_parser' is 0, .* --set parsing=0"),
        ({"landmarker": "nobody"}, "needs the landmarker 'nobody' .* --set parsing=0"),
        ({"parser_weights": "no/such.pth"}, "There is no weights file no/such.pth"),
        ({"local": 64}, "'local' cannot be 64: images have 32 pixels"),
        ({"local": 3}, "'local' cannot be 3: 2 levels .* choose 4 or more"),
        ({"distance": "cubes"}, "'distance'"),
        ({"widths": (4, 4, 8)}, "'widths'"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RestoreRecogError, match=message):
        training(**options)


def vgg(base: int) -> dict[str, torch.Tensor]:
    """Return a state dict of torchvision's names, of a VGG-19 with another width."""
    widths = [3, *[base] * 2, *[2 * base] * 2, *[4 * base] * 4, *[8 * base] * 8]
    places = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    state = {}
    for place, a, b in zip(places, widths, widths[1:], strict=False):
        state[f"features.{place}.weight"] = torch.randn(b, a, 3, 3)
        state[f"features.{place}.bias"] = torch.randn(b)
    return state | {"classifier.0.weight": torch.zeros(1)}


def test_a_parser_begins_at_the_weights_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "vgg19.pth"
    torch.save(vgg(4), file)
    model = training(parser_weights=str(file))
    convs = [
        layer for layer in model.parser.encoder.modules() if isinstance(layer, torch.nn.Conv2d)
    ]
    state = vgg(4) | torch.load(file, weights_only=True)
    assert torch.equal(convs[0].weight, state["features.0.weight"])
    assert torch.equal(convs[-1].bias, state["features.34.bias"])
    torch.save(vgg(8), file)
    with pytest.raises(TrainingError, match="do not fit a parser with another 'parser_base'"):
        training(parser_weights=str(file))
    torch.save({"a": torch.zeros(1)}, file)
    with pytest.raises(TrainingError, match="are not VGG-19's weights"):
        training(parser_weights=str(file))


def test_pictures_of_parts() -> None:
    parts = torch.arange(len(PARTS)).view(1, 1, -1)
    colours = painted(parts)[0, :, 0].T  # (parts, 3)
    assert colours[0].tolist() == [0, 0, 0]
    assert len({tuple(colour.tolist()) for colour in colours}) == len(PARTS)
    assert 0 <= float(colours.min()) <= float(colours.max()) <= 1


def test_a_training_goes_on_with_the_parser_it_had() -> None:
    model, other = training(), GCFTraining("tiny")
    for name, part in model.state().items():
        other.state()[name].load_state_dict(part.state_dict())
    batch = faces()
    with torch.no_grad():
        answers = [one.parser.eval()(2 * batch.images - 1) for one in (model, other)]
    assert torch.equal(*answers)
    assert F.cross_entropy(answers[0], answers[1].argmax(1)) > 0

"""GLCIC's networks, stages and losses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from inpainters import faces

from restore_recog.errors import TrainingError
from restore_recog.nn.critic_branch import around
from restore_recog.restorers.glcic.networks import CompletionNet, ContextCritic, GLCICNets
from restore_recog.restorers.glcic.presets import FAMILY
from restore_recog.restorers.glcic.training import GLCICTraining


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_of_the_papers_networks() -> None:
    with torch.device("meta"):
        net, critic = CompletionNet(), ContextCritic()
    # (kernel, inputs, outputs) of the 17 layers of table 1.
    layers = [(5, 4, 64), (3, 64, 128), (3, 128, 128), (3, 128, 256), *[(3, 256, 256)] * 8]
    layers += [(4, 256, 128), (3, 128, 128), (4, 128, 64), (3, 64, 32), (3, 32, 3)]
    assert len(net) == len(layers) == 17
    norms = 2 * sum(outputs for _, _, outputs in layers[:-1])
    assert count(net) == sum(k * k * a * b + b for k, a, b in layers) + norms == 6_072_131
    sizes = [3, 64, 128, 256, 512, 512, 512]
    convs = [25 * a * b + 3 * b for a, b in zip(sizes, sizes[1:], strict=False)]
    compress = 1024 * (512 * 4 * 4) + 1024
    assert count(critic) == sum(convs) + sum(convs[:-1]) + 2 * compress + 2048 + 1 == 45_063_681


@pytest.mark.parametrize("upsampling", ["deconv", "bilinear"])
def test_dilated_layers_work_at_a_quarter_of_the_size(upsampling: str) -> None:
    net = CompletionNet((4, 6, 8), upsampling=upsampling).eval()
    shapes: list[tuple[int, ...]] = []
    for number in range(6, 10):
        net[number].register_forward_hook(lambda _, __, made: shapes.append(tuple(made.shape)))
    made = net(torch.zeros(1, 4, 64, 96)).detach()
    assert made.shape == (1, 3, 64, 96) and 0 <= float(made.min()) <= float(made.max()) <= 1
    assert shapes == [(1, 8, 16, 24)] * 4
    assert [net[number][0].dilation[0] for number in range(6, 10)] == [2, 4, 8, 16]


def test_the_hole_is_shown_in_the_mean_colour_and_as_a_plane() -> None:
    nets = GLCICNets(FAMILY.presets["tiny"]).eval()
    seen: list[torch.Tensor] = []
    nets.completion.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    batch = faces()
    nets.fill(batch.images, batch.masks)
    inside = batch.masks[0, 0] > 0
    colour = torch.tensor(FAMILY.presets["tiny"]["colour"])
    assert torch.equal(seen[0][0, :3, inside], colour[:, None].expand(3, int(inside.sum())))
    assert torch.equal(seen[0][:, :3, ~inside], batch.images[:, :, ~inside])
    assert torch.equal(seen[0][:, 3:], batch.masks)


def test_each_image_is_cropped_around_its_own_hole() -> None:
    rows = torch.arange(16.0).view(1, 1, 16, 1).expand(3, 1, 16, 16)
    places = torch.cat([rows, rows.mT], 1)  # (3, 2, 16, 16): of every pixel its row and column
    holes = torch.zeros(3, 1, 16, 16)
    holes[0, :, 4:8, 6:12] = 1  # its middle is between rows 5 and 6, columns 8 and 9
    holes[1, :, 14:, :2] = 1  # a corner, which the crop may not leave
    crops = around(places, holes, 6)  # of the third image, which has no hole, the middle
    assert crops[:, :, 0, 0].tolist() == [[3, 6], [10, 0], [5, 5]]
    assert crops[:, :, -1, -1].tolist() == [[8, 11], [15, 5], [10, 10]]


def test_both_views_count() -> None:
    torch.manual_seed(0)
    critic = ContextCritic((4, 4, 8), (4, 4), hidden=8, size=32, local=16, norm="none")
    holes = torch.zeros(1, 1, 32, 32)
    holes[:, :, 8:16, 8:16] = 1
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(critic.head(torch.cat([critic.whole(image)] * 2, 1)), image)
    assert float(gradient[:, :, 28:, 28:].abs().sum()) > 0
    near = critic.part(around(image, holes, 16))
    (gradient,) = torch.autograd.grad(near.sum(), image)
    assert float(gradient[:, :, 4:20, 4:20].abs().sum()) > 0
    assert not gradient[:, :, 20:].any() and not gradient[:, :, :4].any()


def test_what_each_stage_trains() -> None:
    model = GLCICTraining("tiny")
    moved: dict[str, set[str]] = {}
    for phase in model.phases:
        nets = {"nets": model.nets, "critic": model.critics["critic"]}
        before = {
            name: {key: value.clone() for key, value in net.state_dict().items()}
            for name, net in nets.items()
        }
        losses = phase.step(faces(), 0.0)
        moved[phase.name] = {
            name
            for name, net in nets.items()
            if any(not torch.equal(before[name][key], v) for key, v in net.state_dict().items())
        }
        assert ("adv" in losses) == (phase.name == "both")
        assert ("pixel" in losses) == (phase.name != "critic")
    assert moved == {"completion": {"nets"}, "critic": {"critic"}, "both": {"nets", "critic"}}


def test_every_tensor_of_the_networks_gets_a_gradient() -> None:
    torch.manual_seed(0)
    model = GLCICTraining("tiny")
    scene = model._scene(faces(), 0)
    model.total(model.terms(model.outputs(scene), scene)).backward()
    for name, parameter in model.nets.named_parameters():
        assert parameter.grad is not None, name
        # What batch normalisation takes away again has a gradient of rounding errors only.
        assert float(parameter.grad.abs().sum()) > 0 or name.endswith(".bias"), name


def test_terms_by_hand() -> None:
    model = GLCICTraining("tiny")
    scene = model._scene(faces(), 0)
    model.critics["critic"].forward = lambda *_: torch.zeros(2, 1)  # type: ignore[method-assign]
    terms = model.terms({"face": scene.clean + 0.1}, scene)
    share = float(scene.hole.mean())  # outside the hole nothing is asked
    assert float(terms["pixel"]) == pytest.approx(0.01 * share, rel=1e-4)
    assert float(terms["adv"]) == pytest.approx(0.6931, abs=1e-4)
    paper = {"pixel": 1.0, "adv": 4e-4}
    assert {name: FAMILY.presets["paper"][name] for name in paper} == paper


def test_the_discriminator_is_shown_the_face_in_its_image_and_every_hole() -> None:
    model = GLCICTraining("tiny")
    scene = model._scene(faces(), 0)
    shown = model.shown({"face": torch.full_like(scene.clean, 0.25)}, scene)
    assert torch.equal(shown, torch.where(scene.hole > 0, 0.25, scene.occluded))
    seen: list[Any] = []
    model.critics["critic"].register_forward_pre_hook(lambda _, given: seen.append(given))
    model.judgement(model.critics["critic"], torch.cat([scene.clean, shown]), scene)
    assert torch.equal(seen[0][1], scene.hole.repeat(2, 1, 1, 1))


def test_the_papers_schedule_and_optimiser() -> None:
    paper = FAMILY.presets["paper"]
    iterations = [paper[f"images_{stage}"] // 96 for stage in FAMILY.stages]
    assert iterations == [90_000, 10_000, 400_000]
    assert (paper["batch_size"], paper["decay"]) == (96, 1)
    model = GLCICTraining("tiny", optimizer="adadelta", lr=1.0)
    assert isinstance(model.optimizers["adam_nets"], torch.optim.Adadelta)
    before = [parameter.clone() for parameter in model.nets.parameters()]
    model.phases[0].step(faces(), 0.0)
    after = model.nets.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_local_view_larger_than_the_image_is_refused() -> None:
    with pytest.raises(TrainingError, match="'local' cannot be 64: images have 32 pixels"):
        GLCICTraining("tiny", local=64)

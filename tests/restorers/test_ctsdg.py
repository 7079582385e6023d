"""CTSDG's networks, losses and stages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small_vgg
import torch
import torch.nn.functional as F
from inpainters import faces
from torch import Tensor, nn

from restore_recog.errors import TrainingError
from restore_recog.nn.inpainting.losses import feature_loss, style_loss
from restore_recog.nn.inpainting.sketched import SketchedScene
from restore_recog.restorers.ctsdg.critics import EdgeDetector, TwoStreams
from restore_recog.restorers.ctsdg.networks import (
    ContextualAggregation,
    GatedFusion,
    Generator,
    decoder,
    encoder,
)
from restore_recog.restorers.ctsdg.presets import FAMILY
from restore_recog.restorers.ctsdg.training import VGG16, CTSDGTraining


def training(**options: Any) -> CTSDGTraining:
    torch.manual_seed(0)
    return CTSDGTraining("tiny", **options)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def copies(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def test_parameters_of_the_papers_networks() -> None:
    with torch.device("meta"):
        whole, critic = Generator(), TwoStreams()
        streams = {n: (encoder(n, 64, 7), decoder(n, 64, 7)) for n in (2, 3)}
    down, kernels = (64, 128, 256, 512, 512, 512, 512), (7, 5, 5, 3, 3, 3, 3)
    for inputs, (encoding, decoding) in streams.items():
        widths = (inputs, *down)
        layers = zip(widths, widths[1:], kernels, strict=False)
        assert count(encoding) == sum(k * k * a * b for a, b, k in layers) + 2 * sum(down[1:])
        up = [(512, 512, 512)] * 3 + [(512, 256, 256), (256, 128, 128), (128, 64, 64)]
        up.append((64, inputs, 64))
        assert count(decoding) == sum(9 * (a + b) * c + 2 * c for a, b, c in up)
    # Bottlenecks 64-16-64 and what they become; two gates; shrinking, joining, mixing, last.
    projections = 2 * (2 * 9 * 64 * 16 + 2 * (16 + 64)) + 65 * (3 + 1)
    fusion = 2 * (9 * 128 * 64 + 64 + 1)
    mixing = 4 * (9 * 64 * 64 + 64) + (9 * 64 * 64 + 64) + 4 * 65
    ends = 2 * (9 * 128 * 64 + 64) + 3 * (192 + 1)
    parts = sum(count(steps) for pair in streams.values() for steps in pair)
    assert count(whole) == parts + projections + fusion + mixing + ends == 52_147_789
    assert count(critic.detector) == 5_201
    assert count(critic) == 2_763_776 + 2_762_752 + 5_201


def test_each_decoder_starts_at_the_other_streams_encoder() -> None:
    net = training().nets.generator.eval()
    seen: dict[str, Tensor] = {}
    for name in ("texture", "structure"):
        first = getattr(net, f"{name}_decoder")[0]
        last = getattr(net, f"{name}_encoder")[-1]
        first.register_forward_hook(lambda _, g, __, n=name: seen.update({f"{n} in": g[0][0]}))
        last.register_forward_hook(lambda _, __, made, n=name: seen.update({f"{n} out": made[0]}))
    face, image, edges = net(
        torch.rand(2, 3, 32, 64), torch.rand(2, 2, 32, 64), torch.ones(2, 1, 32, 64)
    )
    assert face.shape == image.shape == (2, 3, 32, 64) and edges.shape == (2, 1, 32, 64)
    assert seen["texture out"].shape == (2, 32, 2, 4)
    for start, other in (("texture", "structure"), ("structure", "texture")):
        larger = F.interpolate(seen[f"{other} out"], scale_factor=2.0, mode="bilinear")
        torch.testing.assert_close(seen[f"{start} in"], larger)


def test_gates_open_as_their_scalars_grow() -> None:
    torch.manual_seed(0)
    fusion, (texture, structure) = GatedFusion(2), torch.rand(2, 1, 2, 4, 4)
    joined = torch.cat([texture, structure], 1)
    assert torch.equal(fusion(texture, structure), joined)  # both start at 0
    fusion.alpha.data.fill_(2)
    gate = fusion.to_texture(joined).sigmoid()
    wanted = torch.cat([texture + 2 * gate * structure, structure], 1)
    torch.testing.assert_close(fusion(texture, structure), wanted)


def test_places_are_made_of_places_like_them() -> None:
    torch.manual_seed(0)
    layer, x = ContextualAggregation(3), torch.rand(1, 3, 8, 8)
    keys = F.unfold(x[:, :, ::2, ::2], 3, padding=1)[0].T  # (16, 27)
    keys = keys / keys.norm(dim=1, keepdim=True)
    weights = (10 * keys @ keys.T).softmax(1).T.reshape(1, 16, 4, 4)  # channel: where from
    patches = F.unfold(x, 4, stride=2, padding=1)[0].T.reshape(16, 3, 4, 4)
    pasted, times = (
        F.conv_transpose2d(given, kernels, stride=2, padding=1)
        for given, kernels in ((weights, patches), (torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4)))
    )
    torch.testing.assert_close(layer.gathered(x), pasted / times)
    weights = layer.weigh(torch.rand(1, 3, 8, 8))
    torch.testing.assert_close(weights.sum(1), torch.ones(1, 8, 8))
    assert [scale.dilation for scale in layer.scales] == [(1, 1), (2, 2), (4, 4), (8, 8)]


def test_networks_are_shown_nothing_of_the_covering_or_of_the_truth() -> None:
    model = training()
    shown: list[tuple[Tensor, ...]] = []
    model.nets.generator.register_forward_hook(lambda _, given, __: shown.append(given))
    batch = faces()
    for cloth, clean in ((0.1, 0.2), (0.9, 0.6)):
        assert batch.clean is not None
        hidden = batch.masks > 0
        occluded = torch.where(hidden, cloth, batch.images)
        truth = torch.where(hidden, clean, batch.clean)
        scene = model._scene(replace(batch, images=occluded, clean=truth), 1)
        model.outputs(scene)
    assert all(torch.equal(a, b) for a, b in zip(*shown, strict=True))
    image, edges, known = shown[0]
    assert torch.equal(known, 1 - scene.hole)  # 1 is known inside
    assert not image[scene.hole.expand_as(image) > 0].any()
    assert not edges[F.max_pool2d(scene.hole, 3, 1, 1).expand(-1, 2, -1, -1) > 0][0].any()
    assert float(image.min()) < 0 <= float(edges.min())


def test_the_papers_schedule_and_weights() -> None:
    paper = FAMILY.presets["paper"]
    assert (paper["batch_size"], paper["lr"], paper["lr_critic"]) == (6, 2e-4, 2e-5)
    assert paper["images_whole"] == 300_000 * 6 and paper["sigma"] == 2
    weights = [paper[name] for name in ("hole", "valid", "per", "style", "adv", "intermediate")]
    assert weights == [60, 10, 0.1, 250, 0.1, 1]
    model = training(decay=1.0)
    assert paper["lr"] * model.share("finetune", 0.5) == pytest.approx(5e-5)
    assert model.share("whole", 0.5) == 1


def test_the_innermost_map_has_more_than_one_place() -> None:
    with pytest.raises(TrainingError, match="'levels' cannot be 5 at 32 pixels.* choose 4 or less"):
        training(levels=5)
    assert len(training(levels=5, size=64).nets.generator.texture_encoder) == 5


def test_fine_tuning_keeps_the_encoders_averages() -> None:
    model = training()
    whole, finetune = model.phases
    for phase, keeps in ((whole, False), (finetune, True), (whole, False)):
        before = copies(model.nets.generator)
        phase.step(faces(), 0.0)
        after = copies(model.nets.generator)
        for part in ("texture_encoder", "structure_encoder", "texture_decoder"):
            names = [n for n in before if n.startswith(part) and "running_mean" in n]
            assert names
            same = all(torch.equal(before[name], after[name]) for name in names)
            assert same == (keeps and part.endswith("encoder")), (phase.name, part)


def test_every_parameter_learns() -> None:
    model = training()
    learning = {"nets": model.nets, "critic": model.critics["critic"]}
    before = {name: copies(net) for name, net in learning.items()}
    for _ in range(3):  # the gates follow their scalars, which start at 0
        model.phases[0].step(faces(), 0.0)
    for name, net in learning.items():
        for key, value in net.named_parameters():
            assert not torch.equal(value, before[name][key]), key


def test_terms_by_hand() -> None:
    model = training()
    model.critics.eval()
    scene = model._scene(faces(), 0)
    assert isinstance(scene, SketchedScene)
    made = {"face": scene.clean + 0.1 * scene.hole, "image": scene.clean + 0.05}
    made["edges"] = torch.full_like(scene.true, 0.25)
    terms = {name: float(loss.detach()) for name, loss in model.terms(made, scene).items()}
    share, lined = float(scene.hole.mean()), float(scene.true.mean())
    assert terms["hole"] == pytest.approx(0.2 * share, rel=1e-4) and terms["valid"] == 0
    entropy = -(lined * torch.tensor(0.25).log() + (1 - lined) * torch.tensor(0.75).log())
    assert terms["intermediate"] == pytest.approx(float(entropy) + 0.1, rel=1e-4)
    answers, edges = model.critics["critic"](2 * made["face"] - 1, scene.grey)
    fooled = F.softplus(-answers).mean() + F.binary_cross_entropy(edges, scene.true)
    assert terms["adv"] == pytest.approx(float(fooled.detach()), rel=1e-4)
    assert set(model.options) > set(terms) == {"hole", "valid", "adv", "intermediate"}


def test_features_are_those_of_vgg_16_of_the_face_made_and_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small_vgg.stored(tmp_path, monkeypatch, "vgg16")
    options = {"perceptual": "vgg16", "perceptual_weights": str(file), "vgg_norm": False}
    both = training(compared="both", **options)
    net = both.features.net
    assert net is not None and VGG16.ends == (5, 10, 17)
    scene = both._scene(faces(), 0)
    made = dict(both.outputs(scene))
    made["face"] = face = (scene.clean + 0.1 * torch.rand_like(scene.clean)).detach()
    clean, *others = (net(image) for image in (scene.clean, face, scene.pasted(face)))
    assert [maps.shape[2] for maps in clean] == [16, 8, 4]
    torch.testing.assert_close(clean[0], net.parts[0](2 * scene.clean - 1))
    terms = both.terms(made, scene)
    for name, loss in (("per", feature_loss), ("style", style_loss)):
        wanted = [float(loss(maps, clean)) for maps in others]
        assert float(terms[name]) == pytest.approx(sum(wanted), rel=1e-4)
        alone = training(compared="pasted", **options)
        assert float(alone.terms(made, scene)[name]) == pytest.approx(wanted[1], rel=1e-4)


def test_the_discriminator_judges_real_structure_by_true_edges() -> None:
    critic = training().critics["critic"].eval()
    assert isinstance(critic, TwoStreams)
    images, grey = torch.rand(2, 3, 32, 32), torch.rand(2, 1, 32, 32)
    true = (torch.rand(1, 1, 32, 32) > 0.8).float()
    answers, edges = critic(images, grey, true)
    assert answers.shape == (2, 2, 2, 2) and edges.shape == (2, 1, 32, 32)
    torch.testing.assert_close(answers[:1, 1:], critic.structure(true, grey[:1]))
    torch.testing.assert_close(answers[1:, 1:], critic.structure(edges[1:], grey[1:]))
    torch.testing.assert_close(answers[:, :1], critic.texture(images))
    torch.testing.assert_close(edges, critic.detector(images))


def test_the_edge_detector_learns_edges() -> None:
    torch.manual_seed(0)
    model = training(lr_critic=2e-3)
    scene = model._scene(faces(), 0)
    losses = [model.teach("critic", scene.clean, scene, 1.0)["detecting"] for _ in range(30)]
    assert float(losses[-1].detach()) < 0.6 * float(losses[0].detach())
    assert isinstance(model.critics["critic"].detector, EdgeDetector)

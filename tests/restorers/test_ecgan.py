"""ECGAN and DeepGAN: their networks' sizes, their losses, and what the restorers are told."""

from __future__ import annotations

from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny import stored

from restore_recog import registry
from restore_recog.errors import PluginError, WeightsError
from restore_recog.labels import EXPRESSIONS
from restore_recog.nn.adversarial import discriminator_loss, generator_loss
from restore_recog.nn.masks import hidden
from restore_recog.restorers.ecgan import ECGAN, DeepGAN
from restore_recog.restorers.ecgan.losses import perceptual_loss, reconstruction_loss
from restore_recog.restorers.ecgan.model import ECGANNets
from restore_recog.restorers.ecgan.networks import (
    Discriminator,
    Generator,
    LabelPlanes,
    SqueezeExcitation,
)
from restore_recog.restorers.ecgan.presets import PRESETS
from restore_recog.types import FaceBatch

HAPPY = EXPRESSIONS.index("happiness")


def batch(n: int = 2, side: int = 32, **attributes: Any) -> FaceBatch:
    coarse = torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    clean = F.interpolate(coarse, (side, side), mode="bilinear")
    masks = torch.zeros(n, 1, side, side)
    masks[:, :, side // 2 : -4, 8:-8] = 1
    images = clean * (1 - masks) + 0.2 * masks
    return FaceBatch(images, masks, clean=clean, attributes=attributes)


def count(*nets: torch.nn.Module | None) -> int:
    return sum(p.numel() for net in nets if net is not None for p in net.parameters())


def made(folder: Path, argument: str | None = None, **options: Any) -> ECGAN:
    return ECGAN(argument, weights=stored(folder, "ecgan", **options))


# Networks -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, 56_632_276),
        ({"shared_bn": True}, 56_626_132),
        ({"shared_bn": True, "label": False}, 56_625_859),
        ({"map": False}, 56_632_276 - 3 * 32),
        ({"label_planes": "full"}, 56_632_276 + 49 * (256 * 256 - 1)),
    ],
)
def test_the_papers_generator_has_as_many_parameters_as_counted(
    options: dict[str, Any], parameters: int
) -> None:
    with torch.device("meta"):
        nets = ECGANNets(PRESETS["paper"] | options)
    assert count(nets.generator, nets.planes) == parameters


@pytest.mark.parametrize("region", [False, True])
def test_the_discriminators_have_as_many_parameters_as_counted(region: bool) -> None:
    assert count(Discriminator(region=region, see_masked=True)) == 98_414
    assert count(Discriminator(region=region, see_masked=True, label=False)) == 98_369
    assert count(Discriminator(region=region)) == 98_414 - 3 * 8


def shapes(net: Generator, given: torch.Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Return name and output (C, H, W) of the generator's parts, in order."""
    seen: list[tuple[str, tuple[int, ...]]] = []
    for name, part in net.named_modules():
        if name.count(".") <= 1 and not isinstance(part, torch.nn.ModuleList) and name:
            part.register_forward_hook(
                lambda _, __, out, name=name: seen.append((name, tuple(out.shape[1:])))
            )
    net(given)
    return [one for one in seen if not one[0].startswith("atrous.")]


@pytest.mark.parametrize("upsampling", ["deconv", "bilinear"])
def test_the_shape_table_of_the_generator(upsampling: str) -> None:
    net = Generator(13, 4, upsampling=upsampling).eval()
    assert shapes(net, torch.zeros(1, 13, 256, 256)) == [
        ("stem", (4, 256, 256)),
        ("encoder.0", (8, 128, 128)),
        ("squeezed.0", (8, 128, 128)),
        ("encoder.1", (16, 64, 64)),
        ("squeezed.1", (16, 64, 64)),
        ("encoder.2", (32, 32, 32)),
        ("squeezed.2", (32, 32, 32)),
        ("encoder.3", (64, 16, 16)),
        ("encoder.4", (128, 8, 8)),
        ("atrous", (128, 8, 8)),
        ("decoder.0", (64, 16, 16)),
        ("decoder.1", (32, 32, 32)),
        ("decoder.2", (16, 64, 64)),
        ("decoder.3", (8, 128, 128)),
        ("decoder.4", (4, 256, 256)),
        ("last", (3, 256, 256)),
    ]


def test_four_blocks_leave_the_atrous_layers_a_larger_map() -> None:
    seen = dict(shapes(Generator(6, 4, depth=4).eval(), torch.zeros(1, 6, 128, 128)))
    assert seen["atrous"] == (64, 8, 8) and seen["last"] == (3, 128, 128)


def test_the_atrous_layers_dilate_and_share_their_norm_on_request() -> None:
    for shared, norms in ((False, 4), (True, 1)):
        layers = list(Generator(6, 2, shared_bn=shared).atrous)
        assert [layer[0].dilation[0] for layer in layers] == [2, 4, 8, 16]
        assert len({id(layer[1]) for layer in layers}) == norms


def test_only_the_first_three_blocks_have_dropout() -> None:
    blocks = Generator(6, 2, dropout=0.5).encoder
    assert [block[2].p for block in blocks] == [0.5, 0.5, 0.5, 0, 0]
    norms = [block[1] for block in blocks]
    assert isinstance(norms[0], torch.nn.Identity)
    assert all(not norm.affine for norm in norms[1:])


def test_squeeze_and_excitation_only_weighs() -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 8, 6, 6)
    share = SqueezeExcitation(8)(features) / features
    assert bool((share > 0).all()) and bool((share < 1).all())
    torch.testing.assert_close(share, share[:, :, :1, :1].expand_as(share))
    assert count(SqueezeExcitation(64)) == 2 * 64 * 4


def test_planes_are_even_and_empty_for_an_unknown_label() -> None:
    planes = LabelPlanes(7)(torch.tensor([2, -1]), (4, 6))
    assert planes.shape == (2, 7, 4, 6) and not bool(planes[1].any())
    assert torch.equal(planes[0], planes[0, :, :1, :1].expand(7, 4, 6))
    full = LabelPlanes(3, 8)
    assert full(torch.tensor([0]), (8, 8)).unique().numel() == 3 * 64
    assert full(torch.tensor([0]), (16, 8)).shape == (1, 3, 16, 8)


def test_modulation_starts_at_nothing_and_knows_nothing_of_an_unknown_label() -> None:
    torch.manual_seed(0)
    net, labels = Generator(13, 2, depth=4, modulated=True).eval(), torch.tensor([HAPPY, -1])
    given = torch.rand(2, 13, 32, 32)
    assert torch.equal(net(given, labels), net(given))
    for block in net.decoder:
        torch.nn.init.normal_(block.told.embedding.weight)
    told, untold = net(given, labels), net(given)
    assert not torch.equal(told[0], untold[0]) and torch.equal(told[1], untold[1])
    assert count(net) - count(Generator(13, 2, depth=4)) == 7 * 2 * (16 + 8 + 4 + 2)


def test_the_regions_discriminator_sees_nothing_outside_the_map() -> None:
    torch.manual_seed(0)
    given, labels = batch(), torch.tensor([0, -1])
    other = torch.where(given.masks > 0, given.images, 0.9)
    for region in (True, False):
        net = Discriminator(region=region, see_masked=True).eval()
        ones = [net(x, given.masks, labels, x) for x in (given.images, other)]
        assert ones[0].shape == (2, 1, 2, 2)
        assert torch.equal(*ones) == region


def test_the_discriminators_are_told_the_label() -> None:
    torch.manual_seed(0)
    given, net = batch(), Discriminator(region=False).eval()
    told = [net(given.images, given.masks, torch.tensor([n, n]), given.images) for n in (0, 3, -1)]
    assert not torch.equal(told[0], told[1]) and not torch.equal(told[0], told[2])
    spectral = Discriminator(region=True, spectral=True)
    assert any("parametrizations" in name for name, _ in spectral.named_parameters())


# Losses -------------------------------------------------------------------------------


def test_reconstruction_by_hand() -> None:
    a = torch.full((1, 3, 16, 16), 0.5)
    b = torch.full((1, 3, 16, 16), 0.7)
    alike = (2 * 0.5 * 0.7 + 1e-4) / (0.5**2 + 0.7**2 + 1e-4)
    assert float(reconstruction_loss(a, b)) == pytest.approx(0.4 + 1 - alike, abs=1e-4)
    half = float(reconstruction_loss(a, b, half=True))
    assert half == pytest.approx((0.4 + 1 - alike) / 2, abs=1e-4)


def test_perceptual_loss_sums_the_layers_means() -> None:
    a, b = torch.zeros(1, 2, 2, 2), torch.full((1, 2, 2, 2), 0.5)
    far = torch.full((1, 2, 4, 4), 3.0)
    layers = [a, torch.zeros_like(far)], [b, far]
    assert float(perceptual_loss(*layers)) == pytest.approx(0.5 + 3)
    assert float(perceptual_loss(*layers, squared=True)) == pytest.approx(0.25 + 9)


def test_the_discriminators_loss_falls_where_it_is_right() -> None:
    """Equation 3 with its sign corrected."""
    sure = torch.full((2, 4), 3.0)
    assert bool((discriminator_loss(sure, -sure) < discriminator_loss(-sure, sure)).all())
    zero = torch.zeros(1, 4)
    assert float(discriminator_loss(zero, zero)) == pytest.approx(2 * log(2))
    assert bool((generator_loss(sure) < generator_loss(-sure)).all())


def test_a_smoothed_discriminator_should_say_no_more_than_that_of_real_images() -> None:
    wanted, none = torch.tensor([[log(0.9 / 0.1)]]), torch.tensor([[-30.0]])
    losses = [float(discriminator_loss(wanted + d, none, 0.9)) for d in (-0.1, 0, 0.1)]
    assert losses[1] == min(losses)
    entropy = -(0.9 * log(0.9) + 0.1 * log(0.1))
    assert losses[1] == pytest.approx(entropy, abs=1e-5)


# What the restorers are told ----------------------------------------------------------


def test_both_are_registered() -> None:
    assert registry.restorers.load("ecgan:happiness") is ECGAN
    assert registry.restorers.load("deepgan") is DeepGAN
    assert ECGAN.needs == {"masks", "expression"} and DeepGAN.needs == {"masks"}


def test_an_expression_by_name_is_told_and_changes_the_fill_alone(tmp_path: Path) -> None:
    given = batch()
    happy, sad = (made(tmp_path, name) for name in ("happiness", "sadness"))
    assert happy.labels(given)["expression"].tolist() == [HAPPY, HAPPY]
    one, other = happy.restore(given), sad.restore(given)
    outside = given.masks.expand_as(one) == 0
    assert torch.equal(one[outside], given.images[outside])
    assert torch.equal(other[outside], given.images[outside])
    assert not torch.equal(one, other)


def test_predicted_is_the_default_and_looks_at_the_visible_half_alone(tmp_path: Path) -> None:
    given, model = batch(), made(tmp_path)
    assert torch.equal(model.labels(given)["expression"], model.predictions(given))
    assert torch.equal(model.restore(given), made(tmp_path, "predicted").restore(given))
    other = FaceBatch(torch.where(given.masks > 0, 0.9, given.images), given.masks)
    assert torch.equal(
        model.nets.visible(given.images, given.masks), model.nets.visible(other.images, given.masks)
    )
    assert torch.equal(hidden(given.images, given.masks), hidden(other.images, given.masks))


def test_the_truth_goes_first_where_it_is_given(tmp_path: Path) -> None:
    given = batch(expression=torch.tensor([HAPPY, -1]))
    sad = made(tmp_path, "sadness")
    assert sad.labels(given)["expression"].tolist() == [HAPPY, EXPRESSIONS.index("sadness")]
    assert made(tmp_path, "no-label").labels(given) == {}
    predicted = made(tmp_path).labels(given)["expression"]
    assert predicted[0] == HAPPY and predicted[1] == made(tmp_path).predictions(given)[1]


def test_a_withheld_input_is_a_column_cut_out(tmp_path: Path) -> None:
    given = batch()
    model = made(tmp_path, cloth="seen")
    stem, nets = model.nets.generator.stem, model.nets
    whole = stem.weight.clone()
    told = made(tmp_path, "no-label", cloth="seen").restore(given)
    stem.weight[:, 6:] = 0
    happy = torch.tensor([HAPPY, HAPPY])
    cut = nets.generate(given.images, F.max_pool2d(given.masks, 5, 1, 2), happy)
    inside = given.masks.expand_as(told) > 0
    assert not torch.equal(told[inside], given.images[inside])
    feathered = made(tmp_path, "no-label", cloth="seen", feather=0).restore(given)
    torch.testing.assert_close(feathered[inside], cut.clamp(0, 1)[inside])
    stem.weight.copy_(whole)
    stem.weight[:, 3:6] = 0
    cut = nets.generate(
        given.images,
        torch.zeros_like(given.masks),
        nets.predicted(given.images, F.max_pool2d(given.masks, 5, 1, 2)),
    )
    without = made(tmp_path, "no-map", cloth="seen", feather=0).restore(given)
    torch.testing.assert_close(without[inside], cut.clamp(0, 1)[inside])


def test_without_the_map_the_covering_is_seen(tmp_path: Path) -> None:
    given = batch()
    other = FaceBatch(torch.where(given.masks > 0, 0.9, given.images), given.masks)
    for argument, same in (("neutral", True), ("no-map", False)):
        model = made(tmp_path, argument, dilate=0, dilate_spread=0, feather=0)
        inside = given.masks.expand_as(given.images) > 0
        both = [model.restore(one)[inside] for one in (given, other)]
        assert torch.equal(*both) == same, argument


def test_trained_without_a_label_it_is_told_none(tmp_path: Path) -> None:
    model = made(tmp_path, label=False)
    assert model.needs == {"masks"} and model.nets.visible is None
    assert model.labels(batch()) == {}
    with pytest.raises(PluginError, match="trained without labels and predict none"):
        model.predictions(batch())
    with pytest.raises(PluginError, match="trained without labels, so that 'ecgan:fear'"):
        made(tmp_path, "fear", label=False)
    with pytest.raises(PluginError, match="have never seen; leave 'no-map' out"):
        made(tmp_path, "no-map", map=False)


def test_deepgan_is_the_same_network_without_planes(tmp_path: Path) -> None:
    model = DeepGAN(weights=stored(tmp_path, "deepgan"))
    assert model.nets.generator.stem.in_channels == 6
    assert model.nets.planes is None and model.nets.visible is None
    assert model.labels(batch()) == {}
    given = batch(expression=torch.tensor([1, 2]))
    plain = FaceBatch(given.images, given.masks)
    assert torch.equal(model.restore(given), model.restore(plain))
    with pytest.raises(WeightsError, match="holds weights for 'ecgan'"):
        DeepGAN(weights=stored(tmp_path, "ecgan"))


@pytest.mark.parametrize("word", ["contempt", "Happiness", "truth", ""])
def test_another_expression_is_refused_and_the_seven_are_listed(word: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        made(tmp_path, word)
    assert f"no argument '{word}'" in str(caught.value)
    assert ", ".join(EXPRESSIONS) in str(caught.value) and "no-map" in str(caught.value)
    with pytest.raises(PluginError, match="choose one of no-map"):
        DeepGAN("happiness", weights=stored(tmp_path, "deepgan"))


def test_without_composite_the_face_is_as_generated(tmp_path: Path) -> None:
    given, model = batch(), made(tmp_path, "neutral", composite=False)
    hole = F.max_pool2d(given.masks, 5, 1, 2)
    codes = torch.full((2,), EXPRESSIONS.index("neutral"))
    assert torch.equal(
        model.restore(given), model.nets.generate(given.images, hole, codes).clamp(0, 1)
    )


@pytest.mark.parametrize("size", [(50, 70), (33, 32)])
@pytest.mark.parametrize("planes", ["broadcast", "full"])
def test_any_size_is_padded_and_cropped_back(
    tmp_path: Path, size: tuple[int, int], planes: str
) -> None:
    model = made(tmp_path, label_planes=planes)
    images, masks = torch.rand(1, 3, *size), torch.zeros(1, 1, *size)
    masks[:, :, 10:20, 10:20] = 1
    restored = model.restore(FaceBatch(images, masks))
    outside = masks.expand(-1, 3, -1, -1) == 0
    assert torch.equal(restored[outside], images[outside])
    assert not torch.equal(restored, images)
    assert torch.equal(model.restore(FaceBatch(images, 0 * masks)), images)

"""GANMasker: its networks' sizes, its fusion, its losses and its schedule."""

from __future__ import annotations

from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny import stored
from torch import Tensor

from restore_recog import weights as weights_file
from restore_recog.errors import TrainingError, WeightsError
from restore_recog.metrics import quality
from restore_recog.nn.adversarial import squares_discriminator_loss, squares_generator_loss
from restore_recog.nn.masks import padded
from restore_recog.nn.ssim import ssim
from restore_recog.restorers.ganmasker import GANMasker
from restore_recog.restorers.ganmasker.losses import (
    perceptual_loss,
    reconstruction_loss,
    segmentation_loss,
)
from restore_recog.restorers.ganmasker.model import GANMaskerNets
from restore_recog.restorers.ganmasker.networks import CBAM, Discriminator, FUNet, MSeg, murf
from restore_recog.restorers.ganmasker.presets import PRESETS, read_options
from restore_recog.restorers.ganmasker.training import GANMaskerTraining
from restore_recog.training.stepper import Stepper
from restore_recog.types import FaceBatch


def batch(n: int = 2, side: int = 32) -> FaceBatch:
    coarse = torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    clean = F.interpolate(coarse, (side, side), mode="bilinear")
    masks = torch.zeros(n, 1, side, side)
    masks[:, :, side // 2 : -4, 8:-8] = 1
    return FaceBatch(clean * (1 - masks) + 0.2 * masks, masks, clean=clean)


def training(**options: Any) -> GANMaskerTraining:
    torch.manual_seed(0)
    return GANMaskerTraining("tiny", **options)


def count(net: torch.nn.Module) -> float:
    return round(sum(p.numel() for p in net.parameters()) / 1e6, 2)


# Networks -----------------------------------------------------------------------------


@pytest.mark.parametrize(("base", "millions"), [(16, 1.19), (32, 4.75)])
def test_mseg_has_as_many_parameters_as_counted_by_hand(base: int, millions: float) -> None:
    assert count(MSeg(base)) == millions


def test_funet_has_as_many_parameters_as_counted_by_hand() -> None:
    assert count(FUNet(32)) == 17.51


def test_shapes() -> None:
    images = torch.rand(2, 3, 64, 96)
    assert MSeg(4)(images).shape == (2, 1, 64, 96)
    assert FUNet(4)(torch.rand(2, 4, 64, 96)).shape == (2, 3, 64, 96)
    assert FUNet(4, inputs=3)(images).shape == (2, 3, 64, 96)
    assert Discriminator(4)(torch.rand(2, 3, 64, 64)).shape == (2, 1, 6, 6)


def test_cbam_only_weighs_and_never_flips_a_sign() -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 8, 6, 6)
    out = CBAM(8).eval()(features)
    share = out / features
    assert bool((share > 0).all()) and bool((share < 1).all())
    assert sum(p.numel() for p in CBAM(4).channel.parameters()) == 4 + 1 + 4 + 4


def test_the_discriminators_layers_have_unit_spectral_norm() -> None:
    torch.manual_seed(0)
    net = Discriminator(4).train()
    for _ in range(30):
        net(torch.rand(1, 3, 64, 64))
    for layer in net:
        if isinstance(layer, torch.nn.Conv2d):
            largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
            assert float(largest) == pytest.approx(1, abs=0.05)


# Fusion -------------------------------------------------------------------------------


def test_murf_takes_each_region_from_its_source() -> None:
    made, seen = torch.full((1, 3, 2, 2), 0.75), torch.full((1, 3, 2, 2), 0.25)
    mask = torch.tensor([[[[1.0, 0.0], [0.5, 0.0]]]])
    fused = murf(made, seen, mask)[0, 0]
    assert fused.tolist() == [[0.75, 0.25], [0.5, 0.25]]


def test_an_empty_mask_gives_the_image_back_bit_for_bit(tmp_path: Path) -> None:
    images = torch.rand(2, 3, 32, 32)
    restored = GANMasker(weights=stored(tmp_path, "ganmasker")).restore(
        FaceBatch(images, torch.zeros(2, 1, 32, 32))
    )
    assert torch.equal(restored, images)


def test_a_full_mask_leaves_nothing_of_the_image(tmp_path: Path) -> None:
    model = GANMasker(weights=stored(tmp_path, "ganmasker"))
    images, full = torch.rand(2, 3, 32, 32), torch.ones(2, 1, 32, 32)
    assert torch.equal(
        model.restore(FaceBatch(images, full)), model.nets.generate(images, full).clamp(0, 1)
    )


def test_a_mask_that_is_not_binary_counts_from_a_half_on(tmp_path: Path) -> None:
    model = GANMasker(weights=stored(tmp_path, "ganmasker"))
    images = torch.rand(1, 3, 32, 32)
    soft = torch.rand(1, 1, 32, 32)
    hard = (soft > 0.5).float()
    assert torch.equal(
        model.restore(FaceBatch(images, soft)), model.restore(FaceBatch(images, hard))
    )


@pytest.mark.parametrize("size", [(50, 70), (33, 32), (31, 65)])
def test_any_size_is_padded_and_cropped_back(tmp_path: Path, size: tuple[int, int]) -> None:
    model = GANMasker(weights=stored(tmp_path, "ganmasker"))
    images, masks = torch.rand(1, 3, *size), torch.zeros(1, 1, *size)
    masks[:, :, 10:20, 10:20] = 1
    restored = model.restore(FaceBatch(images, masks))
    assert restored.shape == images.shape
    outside = masks.expand(-1, 3, -1, -1) == 0
    assert torch.equal(restored[outside], images[outside])
    assert all(side % 32 == 0 for side in padded(images, 32).shape[2:])


def test_the_detector_takes_any_size_and_gives_a_binary_mask(tmp_path: Path) -> None:
    segmenter = GANMasker(weights=stored(tmp_path, "ganmasker")).segmenter()
    assert segmenter is not None
    masks = segmenter.segment(torch.rand(2, 3, 48, 40))
    assert masks.shape == (2, 1, 48, 40) and set(masks.unique().tolist()) <= {0.0, 1.0}


def test_one_stage_has_neither_mask_nor_fusion(tmp_path: Path) -> None:
    model = GANMasker(weights=stored(tmp_path, "ganmasker", two_stage=False))
    assert model.segmenter() is None and model.nets.mseg is None and not model.needs
    images = torch.rand(1, 3, 32, 32)
    empty, full = torch.zeros(1, 1, 32, 32), torch.ones(1, 1, 32, 32)
    restored = model.restore(FaceBatch(images, empty))
    assert torch.equal(restored, model.restore(FaceBatch(images, full)))
    assert not torch.equal(restored, images)


# Losses -------------------------------------------------------------------------------


def test_segmentation_loss_by_hand() -> None:
    logits, mask = torch.zeros(1, 1, 1, 2), torch.tensor([[[[1.0, 0.0]]]])
    dice = (2 * 0.5 + 1) / (1 + 1 + 1)
    assert float(segmentation_loss(logits, mask)) == pytest.approx(log(2) + 1 - dice)
    perfect = torch.tensor([[[[40.0, -40.0]]]])
    assert float(segmentation_loss(perfect, mask)) == pytest.approx(0, abs=1e-6)


def test_ssim_is_the_one_that_is_measured() -> None:
    a = torch.rand(3, 3, 24, 20, generator=torch.Generator().manual_seed(1))
    b = (a + 0.2 * torch.rand(a.shape, generator=torch.Generator().manual_seed(2))).clamp(0, 1)
    measured = quality.ssim(a.permute(0, 2, 3, 1).numpy(), b.permute(0, 2, 3, 1).numpy())
    assert ssim(a, b).tolist() == pytest.approx(measured.tolist(), abs=1e-5)


def test_reconstruction_by_hand() -> None:
    a = torch.full((1, 3, 16, 16), 0.5)
    b = torch.full((1, 3, 16, 16), 0.7)
    alike = (2 * 0.5 * 0.7 + 1e-4) / (0.5**2 + 0.7**2 + 1e-4)
    assert float(reconstruction_loss(a, b)) == pytest.approx((0.02 + 1 - alike) / 2, abs=1e-4)
    sharper = float(reconstruction_loss(a, b, beta=0.05))
    assert sharper == pytest.approx((0.2 - 0.05 / 2 + 1 - alike) / 2, abs=1e-4)


def test_least_squares_by_hand() -> None:
    real, fake = torch.tensor([0.9, 1.1]), torch.tensor([0.5, -0.5])
    assert float(squares_discriminator_loss(real, fake)) == pytest.approx((0.01 + 0.25) / 2)
    assert float(squares_generator_loss(fake)) == pytest.approx((0.25 + 2.25) / 2)


def test_perceptual_loss_sums_over_layers() -> None:
    a, b = torch.zeros(1, 2, 2, 2), torch.full((1, 2, 2, 2), 0.5)
    far = torch.full((1, 2, 2, 2), 3.0)
    assert float(perceptual_loss([a, a], [b, far])) == pytest.approx(0.125 + 2.5)


def test_standard_is_the_whole_model_under_40_megabytes_in_half_precision() -> None:
    standard, compact = PRESETS["standard"], PRESETS["compact"]
    with torch.device("meta"):
        nets = GANMaskerNets(read_options("standard", {}))
    assert nets.mseg is not None
    assert (count(nets.mseg), count(nets.funet)) == (1.19, 13.41)
    assert 2 * sum(value.numel() for value in nets.state_dict().values()) < 40e6
    assert nets.generate(*torch.empty(2, 4, 256, 256, device="meta").split([3, 1], 1)).shape == (
        *(2, 3, 256, 256),
    )
    assert (standard["size"], standard["batch_size"]) == (256, 32)
    assert standard["images_mseg"] + standard["images_funet"] == 2_000_000
    same = ("upsampling", "final", "cloth", "cbam", "identity", "margin", "clip", "covered", "beta")
    assert {name: standard[name] for name in same} == {name: compact[name] for name in same}
    assert standard["dilate"] > compact["dilate"] > 0


# Schedule and training ----------------------------------------------------------------


def test_the_papers_schedule() -> None:
    paper = PRESETS["paper"]
    assert paper["images_mseg"] / paper["batch_size"] == 15_625
    assert paper["images_funet"] / paper["batch_size"] == 62_500
    assert [drop // 32 for drop in paper["drops"]] == [30_000, 40_000, 45_000]
    assert (PRESETS["paper512"]["size"], PRESETS["paper512"]["batch_size"]) == (512, 8)
    assert PRESETS["compact"].keys() == paper.keys()


def test_the_learning_rate_falls_tenfold_at_each_drop() -> None:
    model = training(drops="10,20,30", drops_mseg="20", images_funet=40, images_mseg=40)
    shares = [model._share("funet", seen / 40) for seen in (0, 9, 10, 20, 29, 30)]
    assert shares == pytest.approx([1, 1, 0.1, 0.01, 0.01, 0.001])
    assert [model._share("mseg", seen / 40) for seen in (10, 20)] == pytest.approx([1, 0.1])


def test_masks_of_several_widths_are_learnt_from() -> None:
    model = training(dilate=2, dilate_spread=2)
    assert {model._width() for _ in range(100)} == {0, 1, 2, 3, 4}
    assert {training(dilate=3, dilate_spread=0)._width() for _ in range(5)} == {3}
    with pytest.raises(TrainingError, match="between 0 and 'dilate' \\(1\\), not at 2"):
        training(dilate=1, dilate_spread=2)


def test_each_phase_moves_its_own_networks_only() -> None:
    model = training()
    before = {name: value.clone() for name, value in model.nets.state_dict().items()}

    def moved() -> set[str]:
        now = model.nets.state_dict()
        return {name.split(".")[0] for name in now if not torch.equal(now[name], before[name])}

    mseg, funet = model.phases
    assert set(mseg.step(batch(), 0.0)) == {"segmentation", "dice"}
    assert moved() == {"mseg"}
    before = {name: value.clone() for name, value in model.nets.state_dict().items()}
    losses = funet.step(batch(), 0.0)
    assert {"rec", "adv", "critic", "real_accuracy", "fake_accuracy"} <= set(losses)
    assert moved() == {"funet"}


def test_one_stage_trains_one_phase() -> None:
    model = training(two_stage=False)
    assert [phase.name for phase in model.phases] == ["FU-Net"]
    assert model.phases[0].step(batch(), 0.5)["rec"] > 0


def test_a_stage_of_no_images_keeps_what_it_starts_from(tmp_path: Path) -> None:
    file = stored(tmp_path, "ganmasker")
    model = training(images_mseg=0, init=str(file))
    assert [phase.name for phase in model.phases] == ["FU-Net"]
    assert model.nets.mseg is not None
    assert [phase.name for phase in training(images_funet=0, init=str(file)).phases] == ["M-Seg"]
    with pytest.raises(TrainingError, match="'images_mseg' is 0.*init=FILE"):
        training(images_mseg=0)
    with pytest.raises(TrainingError, match="'images_funet' cannot be -8"):
        training(images_funet=-8)
    with pytest.raises(TrainingError, match="to train: 0 images in images_mseg, images_funet"):
        training(images_mseg=0, images_funet=0, init=str(file))


class TestIdentity:
    def test_the_papers_have_none(self) -> None:
        assert [PRESETS[name]["identity"] for name in ("paper", "paper512")] == [0, 0]
        assert training(identity=0, margin=0).identity is None
        assert PRESETS["compact"]["identity"] > 0

    def test_it_trains_the_generator_and_leaves_the_recogniser(self) -> None:
        model = training(identity=1.0, margin=0.0, rec=0.0, adv=0.0, per=0.0, size=64)
        assert model.identity is not None
        before = [value.clone() for value in model.identity.parameters()]
        weights = [value.clone() for value in model.nets.funet.parameters()]
        losses = model.phases[1].step(batch(side=64), 0.0)
        assert 0 < losses["identity"] <= 2
        pairs = zip(weights, model.nets.funet.parameters(), strict=True)
        assert not all(torch.equal(a, b) for a, b in pairs)
        pairs = zip(before, model.identity.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_mseg_learns_to_find_a_rectangle() -> None:
    model = training(lr=1e-2)
    faces = batch(4)
    for _ in range(25):
        losses = model.phases[0].step(faces, 0.0)
    assert losses["dice"] > 0.9


def test_funet_learns_an_image() -> None:
    model = training(adv=0, lr=1e-2)
    faces = batch()
    first = model.phases[1].step(faces, 0.0)["rec"]
    for _ in range(25):
        last = model.phases[1].step(faces, 0.0)["rec"]
    assert last < 0.5 * first


def test_masks_of_mseg_may_train_funet() -> None:
    model = training(map_source="mseg")
    assert model.nets.mseg is not None
    with torch.no_grad():
        model.nets.mseg.last[1].bias.fill_(-100.0)
    masks = model._mask(batch().images, batch().masks)
    assert not bool(masks.any())


def test_training_may_start_from_weights(tmp_path: Path) -> None:
    path = stored(tmp_path, "ganmasker")
    torch.manual_seed(5)
    again = GANMaskerTraining("tiny", init=str(path))
    _, tensors = weights_file.load(path, "ganmasker")
    for name, value in again.nets.state_dict().items():
        assert torch.equal(value, tensors[name]), name


def test_preview_shows_five_rows() -> None:
    images = training().preview(batch(3))
    assert images.shape == (15, 3, 32, 32)
    assert float(images.min()) >= 0 and float(images.max()) <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 48}, "must be a multiple of 32, not 48"),
        ({"lr": 0}, "'lr' must be positive"),
        ({"final": "tanh"}, "choose one of bn_sigmoid, sigmoid"),
        ({"colour": 1}, "no option 'colour'; valid options are adv"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        training(**options)


def test_another_models_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights_file.save(path, "fmodr", {}, {"a": Tensor([1.0])})
    with pytest.raises(WeightsError, match="holds weights for 'fmodr'"):
        GANMasker(weights=path)


def test_steps_run_in_float16_with_a_scale_for_every_optimiser() -> None:
    model = training()
    stepper = Stepper(model, "cpu", "fp16", 0.0)
    for phase in model.phases:
        losses = stepper.step(phase, batch(), 0.0)
        assert all(value == value and abs(value) < 1e4 for value in losses.values())
    assert losses["balance"] == pytest.approx(losses["adv"] / losses["critic"])
    assert stepper.precision.scaling is not None
    assert stepper.precision.scaling.used == set(model.optimizers)
    assert set(model.networks()) == {"mseg", "funet", "critic"}


def test_validation_is_what_the_restorer_would_reach() -> None:
    model = training()
    given = batch()
    figures = model.validate(given)
    assert given.clean is not None
    fused = model.preview(given)[4:6]
    arrays = [tensor.permute(0, 2, 3, 1).numpy() for tensor in (fused, given.clean)]
    inside = quality.psnr(*arrays, given.masks[:, 0].bool().numpy())
    assert figures["psnr_mask"] == pytest.approx(float(inside.mean()), abs=1e-3)
    assert list(figures)[:3] == ["psnr_mask", "psnr", "dice"]
    shares = {name: value for name, value in figures.items() if name.startswith("share of")}
    assert list(shares) == ["share of rec", "share of adv"]
    assert sum(shares.values()) == pytest.approx(1)

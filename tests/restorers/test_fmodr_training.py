"""FMODR's losses, schedule, switches and what each phase moves."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

import pytest
import torch
from tiny import sizes
from torch import Tensor

from restore_recog.api import Phase
from restore_recog.errors import NotTrainableError, TrainingError
from restore_recog.metrics import quality
from restore_recog.nn.adversarial import discriminator_loss, generator_loss
from restore_recog.nn.perceptual import perceptual_loss
from restore_recog.restorers.fmodr.losses import hole_l1, reconstruction_loss, weighted_mean
from restore_recog.restorers.fmodr.presets import PRESETS, SCHEDULES, read_options
from restore_recog.restorers.fmodr.training import FMODRTraining
from restore_recog.restorers.none import NoRestorer
from restore_recog.training.stepper import Stepper
from restore_recog.types import FaceBatch


def batch(n: int = 2) -> FaceBatch:
    coarse = torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    clean = torch.nn.functional.interpolate(coarse, (32, 32), mode="bilinear")
    masks = torch.zeros(n, 1, 32, 32)
    masks[:, :, 16:28, 8:24] = 1
    return FaceBatch(clean * (1 - masks) + 0.2 * masks, masks, clean=clean)


def training(preset: str = "tiny", **options: Any) -> FMODRTraining:
    """Return a small model; one of another preset has the tiny one's sizes."""
    torch.manual_seed(0)
    return FMODRTraining(preset, **(sizes(PRESETS) | options))


def phase(model: FMODRTraining, name: str) -> Phase:
    return next(phase for phase in model.phases if phase.name == name)


def moved(model: FMODRTraining, before: dict[str, Tensor]) -> dict[str, set[str]]:
    """Return, for each network, the names of the learnable tensors that changed."""
    result: dict[str, set[str]] = {}
    for name, value in learnable(model).items():
        if not torch.equal(value, before[name]):
            result.setdefault(name.split("/")[0], set()).add(name)
    return result


def learnable(model: FMODRTraining) -> dict[str, Tensor]:
    nets = {**dict(model.nets.named_children())}
    nets |= {f"critic_{name}": net for name, net in model.critics.items()}
    return {
        f"{name}/{key}": value.detach()
        for name, net in nets.items()
        for key, value in net.named_parameters()
    }


# Schedule -----------------------------------------------------------------------------


def test_paper_schedule_is_the_papers() -> None:
    table = [
        (leg.name, leg.images // 4, leg.generator, leg.critic, leg.rec, leg.adv, leg.per)
        for leg in SCHEDULES["paper"]
    ]
    assert table == [
        ("C1", 10_000, True, False, 1.0, 0.0, 0.0),
        ("C2", 1_000, False, True, 0.0, 0.0, 0.0),
        ("C3", 24_000, True, True, 1.0, 0.05, 0.0),
        ("R1", 10_000, True, False, 1.0, 0.0, 0.0),
        ("R2", 1_000, False, True, 0.0, 0.0, 0.0),
        ("R3", 20_000, True, True, 0.5, 0.1, 0.0),
        ("R4", 80_000, True, True, 0.0, 0.1, 1.0),
    ]
    assert all(leg.rate == (1.0, 1.0) for leg in SCHEDULES["paper"])
    paper = PRESETS["paper"]
    assert (paper["lr"], paper["batch_size"], paper["size"]) == (1.5e-5, 4, 256)
    assert (paper["perceptual"], paper["gate"], paper["hole"]) == ("vgg16", False, 0.0)


def test_presets_differ_by_the_detectors_own_leg_only() -> None:
    assert PRESETS["paper"].keys() == PRESETS["compact"].keys()
    paper, compact = ([leg.name for leg in SCHEDULES[name]] for name in ("paper", "compact"))
    assert compact == ["D", *paper]


def test_standard_has_the_legs_of_compact_and_two_million_images() -> None:
    standard, compact = SCHEDULES["standard"], SCHEDULES["compact"]
    assert [replace(leg, images=0) for leg in standard] == [
        replace(leg, images=0) for leg in compact
    ]
    assert sum(leg.images for leg in standard) == 2_006_800


def test_learning_rate_falls_along_a_leg() -> None:
    model = training()
    rates = []
    for progress in (0.0, 0.5, 0.999):
        phase(model, "C3").step(batch(), progress)
        rates.append(model.optimizers["coarse"].param_groups[0]["lr"])
    assert rates[0] == pytest.approx(3e-4)
    assert rates[1] == pytest.approx(3e-4 * 0.51)
    assert rates[2] == pytest.approx(3e-4 * 0.02, rel=1e-3)
    assert model.optimizers["coarse"].param_groups[0]["betas"] == (0.5, 0.999)


# Losses -------------------------------------------------------------------------------


def test_reconstruction_by_hand() -> None:
    output, clean = torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    hole = torch.zeros(2, 1, 2, 2)
    hole[0, 0, 0, 0] = 1
    output[0, :, 0, 0] = torch.tensor([0.3, -0.6, 0.9])
    output[0, :, 1, 1] = 0.2
    torch.testing.assert_close(hole_l1(output, clean, hole), torch.tensor([0.6, 0.0]))
    whole = (1.8 + 0.6) / 12
    got = reconstruction_loss(output, clean, hole, 0.0)
    torch.testing.assert_close(got, torch.tensor([whole, 0.0]))
    got = reconstruction_loss(output, clean, hole, 2.0)
    torch.testing.assert_close(got, torch.tensor([whole + 1.2, 0.0]))


def test_adversarial_by_hand() -> None:
    def logit(p: float) -> float:
        return log(p / (1 - p))

    real = torch.tensor([[logit(0.9), logit(0.5)]])
    fake = torch.tensor([[logit(0.2), logit(0.25)]])
    expected = (-log(0.9) - log(0.8) - log(0.5) - log(0.75)) / 2
    assert discriminator_loss(real, fake).item() == pytest.approx(expected, rel=1e-5)
    assert generator_loss(fake).item() == pytest.approx((-log(0.2) - log(0.25)) / 2, rel=1e-5)
    assert generator_loss(torch.tensor([[-200.0]])).isfinite().all()


def test_perceptual_by_hand() -> None:
    net = torch.nn.AvgPool2d(2)
    images, clean = torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    clean[0, 0] = 0.5
    assert perceptual_loss(net, images, clean).item() == pytest.approx((0.25 + 1 + 1) / 3)


def test_weighted_mean_by_hand() -> None:
    losses = torch.tensor([1.0, 5.0, 3.0])
    assert weighted_mean(losses, None) == 3
    assert weighted_mean(losses, torch.tensor([1.0, 0.0, 1.0])) == 2
    assert weighted_mean(losses, torch.zeros(3)) == 0


def test_first_losses_are_those_of_an_undecided_discriminator() -> None:
    model = training()
    losses = phase(model, "C2").step(batch(), 0.0)
    assert losses["critic"] == pytest.approx(2 * log(2), abs=0.3)
    assert {"real_accuracy", "fake_accuracy", "pixel"} < set(losses)


# Phases -------------------------------------------------------------------------------

MOVES = {
    "D": {"detector"},
    "C1": {"detector", "coarse"},
    "C2": {"detector", "critic_coarse"},
    "C3": {"detector", "coarse", "critic_coarse"},
    "R1": {"refine"},
    "R2": {"critic_refine"},
    "R3": {"refine", "critic_refine"},
    "R4": {"refine", "critic_refine"},
}


@pytest.mark.parametrize("preset", ["paper", "compact"])
def test_each_phase_moves_just_its_networks(preset: str) -> None:
    model = training(preset)
    for leg in model.phases:
        before = {name: value.clone() for name, value in learnable(model).items()}
        buffers = {k: v.clone() for k, v in model.nets.coarse.named_buffers()}
        leg.step(batch(), 0.0)
        together = preset == "compact" and leg.name in ("R3", "R4")
        moves = MOVES[leg.name] | ({"coarse"} if together else set())
        assert set(moved(model, before)) == moves, leg.name
        if leg.name not in ("C1", "C3") and not together:
            now = dict(model.nets.coarse.named_buffers())
            assert all(torch.equal(now[name], value) for name, value in buffers.items())


@pytest.mark.parametrize("attention", ["sca", "ca", "none"])
def test_every_learnable_tensor_moves(attention: str) -> None:
    model = training(residual=False, attention=attention, rate=1, heads="two")
    before = {name: value.clone() for name, value in learnable(model).items()}
    for name in ("C3", "R3"):
        phase(model, name).step(batch(), 0.0)
    changed = {name for names in moved(model, before).values() for name in names}
    assert changed == set(before)


def test_training_learns_one_image() -> None:
    model = training(lr=3e-3)
    leg = phase(model, "C1")
    first = leg.step(batch(), 0.0)
    for _ in range(30):
        last = leg.step(batch(), 0.0)
    assert last["rec"] < 0.6 * first["rec"]
    assert last["pixel"] < first["pixel"]


def test_same_seed_same_losses() -> None:
    runs = [[p.step(batch(), 0.0) for p in training().phases] for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_bad_image_shows_as_a_loss_that_is_not_finite() -> None:
    broken = batch()
    assert broken.clean is not None
    broken.clean[0] = float("nan")
    loss = phase(training(), "C1").step(broken, 0.0)["rec"]
    assert loss != loss


def test_state_round_trip_continues_bit_for_bit(tmp_path: Any) -> None:
    one, two = training(), training()
    for name in ("C1", "C2", "C3"):
        phase(one, name).step(batch(), 0.0)
    torch.save({k: v.state_dict() for k, v in one.state().items()}, tmp_path / "state.pt")
    stored = torch.load(tmp_path / "state.pt", weights_only=True)
    for name, part in two.state().items():
        part.load_state_dict(stored[name])
    for name in ("C3", "R3"):
        assert phase(one, name).step(batch(), 0.3) == phase(two, name).step(batch(), 0.3)


# Switches -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"attention": "ca"},
        {"attention": "none"},
        {"prop": "eye"},
        {"prop": "none"},
        {"prop": "spatial"},
        {"prop": "feature"},
        {"norm": "sum"},
        {"norm": "softmax"},
        {"rate": 1},
        {"heads": "two"},
        {"share": True},
        {"refine_in": 3},
        {"coarse_in": 3},
        {"gated": False},
        {"gate": True},
        {"mask_source": "detector"},
        {"residual": False},
        {"dilate": 0},
    ],
    ids=str,
)
def test_switches_build_and_step(options: dict[str, Any]) -> None:
    model = training(**options)
    for leg in model.phases:
        assert all(value == value for value in leg.step(batch(), 0.5).values())
    assert model.preview(batch()).shape == (10, 3, 32, 32)


def test_coarse_only_leaves_refinement_out() -> None:
    model = training(coarse_only=True)
    assert [phase.name for phase in model.phases] == ["D", "C1", "C2", "C3"]
    assert not any(name.startswith("refine") for name in model.weights()[1])
    assert set(model.critics) == {"coarse"}
    phase(model, "C3").step(batch(), 0.0)
    assert model.preview(batch()).isfinite().all()


def test_without_discriminators_nothing_adversarial_is_left() -> None:
    model = training(gm_disc=False)
    assert [leg.name for leg in model.phases] == ["D", "C1", "C3", "R1", "R3", "R4"]
    assert not model.critics
    for leg in model.phases:
        assert {"adv", "critic"}.isdisjoint(leg.step(batch(), 0.0))


def test_gate_skips_images_that_the_coarse_network_restores_well() -> None:
    model = training(gate=True, coarse_norm="instance")
    phase = next(p for p in model.phases if p.name == "R3")
    assert phase.step(batch(), 0.0)["kept"] == 1
    good = batch()
    # With a zero last layer the coarse image is mid-grey, which here is the truth.
    torch.nn.init.zeros_(model.nets.coarse.head.weight)
    torch.nn.init.zeros_(model.nets.coarse.head.bias)
    assert good.clean is not None
    good.clean.fill_(0.5)
    before = {name: value.clone() for name, value in learnable(model).items()}
    losses = phase.step(good, 0.0)
    assert losses["kept"] == 0
    assert losses["rec"] == 0
    assert moved(model, before) == {}
    good.clean[0] = 1.0
    assert phase.step(good, 0.0)["kept"] == 0.5
    assert "refine" in moved(model, before)


def test_perceptual_loss_reaches_the_attention_kernels() -> None:
    model = training("paper", perceptual="none")
    model.terms = replace(model.terms, features=torch.nn.AvgPool2d(4))
    model.legs = SCHEDULES["paper"]
    kernels = model.nets.refine.attention.kernels.clone()
    losses = model.phases[-1].step(batch(), 0.0)
    assert losses["per"] > 0
    assert not torch.equal(model.nets.refine.attention.kernels, kernels)


def test_without_a_perceptual_network_the_last_leg_reconstructs() -> None:
    assert training("paper").legs[-1].rec == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lrr": 1}, "no option 'lrr'; valid options are amp|attention"),
        ({"attention": "self"}, "choose one of sca, ca, none"),
        ({"gate": "maybe"}, "'gate' cannot be 'maybe'"),
        ({"coarse_widths": "16,x"}, "'coarse_widths' cannot be '16,x'"),
        ({"size": 100}, "multiple of 64"),
        ({"batch_size": 0}, "must be positive"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message.replace("amp|", "")):
        read_options("compact", options)


def test_options_may_be_text() -> None:
    got = read_options(
        "paper", {"gate": "true", "lr": "1e-4", "coarse_widths": "8,16", "rate": "2"}
    )
    assert (got["gate"], got["lr"], got["coarse_widths"], got["rate"]) == (True, 1e-4, (8, 16), 2)


def test_unknown_preset_is_explained() -> None:
    with pytest.raises(TrainingError, match="paper or compact"):
        read_options("huge", {})


def test_vgg_without_weights_says_what_to_do(tmp_path: Any) -> None:
    with pytest.raises(TrainingError, match="perceptual=recognizer or none"):
        training("paper", perceptual="vgg16", perceptual_weights=str(tmp_path / "none.pth"))


def test_what_cannot_be_trained_says_so() -> None:
    with pytest.raises(NotTrainableError, match="'none'"):
        NoRestorer.trainable()


def test_steps_run_in_bfloat16() -> None:
    model = training()
    with torch.autocast("cpu", torch.bfloat16):
        for phase in model.phases:
            assert all(value == value for value in phase.step(batch(), 0.5).values()), phase.name
        assert model.preview(batch()).isfinite().all()
    assert all(value.dtype == torch.float32 for value in learnable(model).values())


def test_steps_run_in_float16_with_a_scale_for_every_optimiser() -> None:
    model = training()
    stepper = Stepper(model, "cpu", "fp16", 0.0)
    for phase in model.phases:
        losses = stepper.step(phase, batch(), 0.0)
        assert all(value == value and abs(value) < 1e4 for value in losses.values())
    assert stepper.precision.scaling is not None
    assert stepper.precision.scaling.used == set(model.optimizers)


def test_validation_is_what_the_restorer_would_reach() -> None:
    """The figures are those of the final image, by the metrics' own PSNR."""
    model = training()
    given = batch()
    figures = model.validate(given)
    assert given.clean is not None
    with torch.no_grad():
        final = model.preview(given)[4:6]
    arrays = [tensor.permute(0, 2, 3, 1).numpy() for tensor in (final, given.clean)]
    inside = quality.psnr(*arrays, given.masks[:, 0].bool().numpy())
    assert figures["psnr_mask"] == pytest.approx(float(inside.mean()), abs=1e-3)
    assert figures["psnr"] == pytest.approx(float(quality.psnr(*arrays).mean()), abs=1e-3)
    assert next(iter(figures)) == "psnr_mask"


def test_balance_is_the_ratio_of_the_two_losses() -> None:
    model = training()
    losses = phase(model, "C3").step(batch(), 0.0)
    assert losses["balance"] == pytest.approx(losses["adv"] / losses["critic"])
    assert "balance" not in phase(model, "C1").step(batch(), 0.0)
    names = {"detector", "coarse", "refine", "critic_coarse", "critic_refine"}
    assert set(model.networks()) == names

"""ECGAN's schedule and training, and DeepGAN's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny import stored

from restore_recog import weights as weights_file
from restore_recog.classifiers.resnet18 import ResNet18
from restore_recog.errors import TrainingError
from restore_recog.labels import EXPRESSIONS, UNKNOWN
from restore_recog.metrics import quality
from restore_recog.restorers.ecgan.presets import DEEPGAN_PRESETS, PRESETS
from restore_recog.restorers.ecgan.training import BETAS, DeepGANTraining, ECGANTraining
from restore_recog.training.stepper import Stepper
from restore_recog.types import FaceBatch


def batch(n: int = 2, side: int = 32) -> FaceBatch:
    coarse = torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    clean = F.interpolate(coarse, (side, side), mode="bilinear")
    masks = torch.zeros(n, 1, side, side)
    masks[:, :, side // 2 : -4, 8:-8] = 1
    labels = {"expression": torch.arange(n) % len(EXPRESSIONS), "subject": torch.arange(n)}
    return FaceBatch(clean * (1 - masks) + 0.2 * masks, masks, clean=clean, attributes=labels)


def training(**options: Any) -> ECGANTraining:
    torch.manual_seed(0)
    return ECGANTraining("tiny", **options)


def deepgan(**options: Any) -> DeepGANTraining:
    torch.manual_seed(0)
    return DeepGANTraining("tiny", **options)


def phase(model: ECGANTraining, name: str) -> Any:
    return next(phase for phase in model.phases if phase.name == name)


def moved(model: ECGANTraining, name: str, **labels: torch.Tensor) -> set[str]:
    """Return the networks that a step of a phase changes."""
    parts = {**model.nets.state_dict(), **model.critics.state_dict()}
    before = {key: value.clone() for key, value in parts.items()}
    given = batch()
    phase(model, name).step(replace(given, attributes={**given.attributes, **labels}), 0.0)
    now = {**model.nets.state_dict(), **model.critics.state_dict()}
    return {key.split(".")[0] for key in now if not torch.equal(now[key], before[key])}


def test_the_papers_schedule_and_weights() -> None:
    paper = PRESETS["paper"]
    iterations = [paper[f"images_{name}"] / 3 for name in ("pretrain", "whole", "mask")]
    assert iterations == [40_000, 20_000, 25_000]
    assert [paper[name] for name in ("whole", "mask", "adv_whole", "adv_mask", "rec", "per")] == [
        *(0.3, 0.7, 0.3, 0.7, 100, 100)
    ]
    assert {paper[name] for name in ("lr", "lr_whole", "lr_mask")} == {3e-4}
    assert (paper["batch_size"], paper["size"], paper["identity"]) == (3, 256, 0)
    assert not paper["composite"] and paper["cloth"] == "seen"
    assert PRESETS["compact"].keys() == paper.keys() == PRESETS["tiny"].keys()


def test_deepgan_shares_all_but_the_label() -> None:
    for name, options in DEEPGAN_PRESETS.items():
        assert options == PRESETS[name] | {"label": False}
    assert [phase.name for phase in deepgan().phases] == ["pretrain", "whole", "mask"]
    assert not any(phase.balanced for phase in deepgan().phases)
    with pytest.raises(TrainingError, match="DeepGAN's option 'label' cannot be 'true'; choose"):
        deepgan(label="true")


def test_labelled_phases_draw_the_expressions_in_balance() -> None:
    assert [(phase.name, phase.balanced) for phase in training().phases] == [
        ("visible", "expression"),
        ("pretrain", ""),
        ("whole", "expression"),
        ("mask", "expression"),
    ]
    assert not any(phase.balanced for phase in training(label=False).phases)
    assert [phase.balanced != "" for phase in training(balanced="whole").phases] == [
        *(True, False, True, False)
    ]


def test_adams_decays_are_the_papers() -> None:
    assert BETAS == (0.9, 0.999)
    for optimizer in training().optimizers.values():
        assert optimizer.param_groups[0]["betas"] == BETAS


def test_each_phase_moves_its_own_networks_only() -> None:
    model = training()
    assert moved(model, "visible") == {"visible"}
    assert moved(model, "pretrain") == {"generator", "whole", "mask"}
    assert moved(model, "whole") == {"generator", "planes", "whole"}
    assert moved(model, "mask") == {"generator", "planes", "whole", "mask"}


def test_pretraining_leaves_the_labels_columns_as_they_were_drawn() -> None:
    model = training()
    before = model.nets.generator.stem.weight.detach().clone()
    phase(model, "pretrain").step(batch(), 0.0)
    after = model.nets.generator.stem.weight.detach()
    assert torch.equal(after[:, 6:], before[:, 6:]) and not torch.equal(after[:, :6], before[:, :6])


def test_an_unknown_label_is_no_label() -> None:
    """What one network learns in pretraining is what it does where no label is known."""
    one, other = training(decay=1), training(decay=1)  # else the rates differ
    torch.manual_seed(1)
    phase(one, "pretrain").step(batch(), 0.0)
    unknown = {"expression": torch.full((2,), -1)}
    torch.manual_seed(1)
    phase(other, "mask").step(replace(batch(), attributes=unknown), 0.0)
    for name, value in one.nets.generator.state_dict().items():
        torch.testing.assert_close(other.nets.generator.state_dict()[name], value)


def test_losses_name_both_games_and_their_balance() -> None:
    losses = phase(training(), "mask").step(batch(), 0.0)
    for name in ("whole", "mask"):
        assert {f"adv_{name}", f"critic_{name}", f"{name}_real", f"{name}_fake"} <= set(losses)
        ratio = losses[f"adv_{name}"] / losses[f"critic_{name}"]
        assert losses[f"balance_{name}"] == pytest.approx(ratio)
        assert 0 <= losses[f"{name}_real"] <= 1 and 0 <= losses[f"{name}_fake"] <= 1
    assert "adv_mask" not in phase(training(), "whole").step(batch(), 0.0)
    none = phase(training(adv_whole=0, adv_mask=0), "mask").step(batch(), 0.0)
    assert set(none) == {"rec"}


def test_discriminators_may_play_every_fifth_step() -> None:
    model = training(d_every=5, images_whole=40)
    game = phase(model, "whole")
    turns = []
    for step in range(11):
        before = [value.clone() for value in model.critics["whole"].parameters()]
        losses = game.step(batch(), step * 2 / 40)
        now = list(model.critics["whole"].parameters())
        turns.append(not all(map(torch.equal, before, now)))
        assert "critic_whole" in losses
    assert turns == [step % 5 == 0 for step in range(11)]


def test_the_learning_rate_falls_over_both_labelled_phases() -> None:
    model = training(images_whole=30, images_mask=10, decay=0.1)
    assert model._share("pretrain", 0.9) == 1
    shares = [model._share("whole", 0.0), model._share("mask", 0.0), model._share("mask", 1.0)]
    assert shares == pytest.approx([1, 0.1 + 0.9 * (1 - 2**-0.5) / 2, 0.1])
    assert ECGANTraining("tiny", decay=1)._share("mask", 0.7) == 1


def test_masks_of_several_widths_are_learnt_from() -> None:
    model = training(dilate=2, dilate_spread=2)
    assert {model._width() for _ in range(100)} == {0, 1, 2, 3, 4}
    assert {training(dilate=3, dilate_spread=0)._width() for _ in range(5)} == {3}


def test_it_learns_an_image_and_that_the_label_tells_images_apart() -> None:
    """Two faces that are alike where they are seen, and differ by label where they are not."""
    model = training(adv_whole=0, adv_mask=0, lr=1e-2, dilate=0, dilate_spread=0)
    given = batch()
    assert given.clean is not None
    clean = given.clean[:1].repeat(2, 1, 1, 1)
    clean[1] = torch.where(given.masks[1] > 0, 1 - clean[1], clean[1])
    seen = torch.where(given.masks > 0, 0.5, clean)
    faces = replace(given, images=seen, clean=clean)
    game = phase(model, "whole")
    losses = [game.step(faces, 0.0)["rec"] for _ in range(60)]
    assert losses[-1] < 0.35 * losses[0]
    model.nets.eval()
    with torch.no_grad():
        both = model.nets.generate(seen, faces.masks, faces.attributes["expression"])
        none = model.nets.generate(seen, faces.masks)
    inside = faces.masks.expand_as(clean) > 0

    def error(made: torch.Tensor) -> float:
        return float((made - clean)[inside].abs().mean())

    assert error(both) < 0.6 * error(none)


def test_the_classifier_learns_labels_from_what_is_visible() -> None:
    model = training(lr_visible=5e-3, dilate=0, dilate_spread=0, grey=0.0)
    faces = batch(7)
    for _ in range(60):
        figures = phase(model, "visible").step(faces, 0.0)
    assert figures["accuracy"] == 1 and figures["cross_entropy"] < 0.5


@pytest.mark.parametrize("kind", [ECGANTraining, DeepGANTraining])
def test_identity_trains_the_generator_and_leaves_the_recogniser(kind: Any) -> None:
    torch.manual_seed(0)
    model = kind("tiny", identity=1.0, margin=0.5, size=64)
    assert model.identity is not None
    before = [value.clone() for value in model.identity.parameters()]
    losses = phase(model, "whole").step(batch(side=64), 0.0)
    assert 0 < losses["identity"] <= 2 and losses["margin"] >= 0
    assert all(map(torch.equal, before, model.identity.parameters()))


def test_perceptual_features_of_the_recogniser() -> None:
    assert phase(training(perceptual="recognizer", size=64), "whole").step(batch(side=64), 0)["per"]
    assert training(perceptual="recognizer", per=0).features is None


def test_validation_is_what_the_restorer_would_reach() -> None:
    model, given = training(), batch(4)
    assert given.clean is not None
    figures = model.validate(given)
    final = model.preview(given)[8:12]
    arrays = [tensor.permute(0, 2, 3, 1).numpy() for tensor in (final, given.clean)]
    inside = quality.psnr(*arrays, given.masks[:, 0].bool().numpy())
    assert figures["psnr_mask"] == pytest.approx(float(inside.mean()), abs=1e-3)
    right = model.nets.predicted(given.images, F.max_pool2d(given.masks, 5, 1, 2))
    assert right is not None
    share = float((right == given.attributes["expression"]).float().mean())
    assert (figures["labelled"], figures["predicted_right"]) == (1, share)
    names = [name for name in figures if name.startswith("share of")]
    assert names == ["share of rec", "share of adv_whole", "share of adv_mask"]
    assert sum(figures[name] for name in names) == pytest.approx(1)
    assert "labelled" not in deepgan().validate(given)


def test_preview_shows_four_rows() -> None:
    for model in (training(), training(composite=False)):
        images = model.preview(batch(3))
        assert images.shape == (12, 3, 32, 32)
        assert float(images.min()) >= 0 and float(images.max()) <= 1
        assert torch.equal(images[3:6], images[6:9]) == (not model.options["composite"])


def test_training_may_start_from_weights(tmp_path: Path) -> None:
    path = stored(tmp_path, "ecgan")
    torch.manual_seed(5)
    again = ECGANTraining("tiny", init=str(path), images_visible=0)
    assert [phase.name for phase in again.phases] == ["pretrain", "whole", "mask"]
    _, tensors = weights_file.load(path, "ecgan")
    for name, value in again.nets.state_dict().items():
        assert torch.equal(value, tensors[name]), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 48}, "must be a multiple of 32, not 48"),
        ({"lr_mask": 0}, "'lr_mask' must be positive"),
        ({"depth": 3}, "choose one of 4, 5"),
        ({"visible": "16,32"}, "'visible' cannot be .16, 32.; it is a list of 4 to 4 numbers"),
        ({"dilate": 1, "dilate_spread": 2}, "between 0 and 'dilate' \\(1\\), not at 2"),
        ({"balanced": "pretrain"}, "no 'pretrain' among them"),
        ({"images_mask": -3}, "'images_mask' cannot be -3"),
        ({"images_visible": 0}, "0 images in images_visible, which leaves"),
        (
            {"images_pretrain": 0, "images_whole": 0, "images_mask": 0},
            "0 images in images_pretrain, images_whole, images_mask, which leaves",
        ),
        (
            dict.fromkeys([f"images_{n}" for n in ("visible", "pretrain", "whole", "mask")], 0),
            "nothing to train",
        ),
    ],
)
def test_wrong_options_are_explained(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        training(**options)


def test_steps_run_in_float16_with_a_scale_for_every_optimiser() -> None:
    model = training()
    stepper = Stepper(model, "cpu", "fp16", 0.0)
    for one in model.phases:
        losses = stepper.step(one, batch(), 0.0)
        assert all(value == value and abs(value) < 1e4 for value in losses.values())
    assert stepper.precision.scaling is not None
    assert stepper.precision.scaling.used == set(model.optimizers)
    assert set(model.networks()) == {
        *("planes", "visible", "generator", "critic_whole", "critic_mask")
    }


def test_colour_is_taken_from_a_share_of_what_the_classifier_sees() -> None:
    model = training(grey=1.0)
    seen: list[torch.Tensor] = []
    net = model.nets.visible
    assert net is not None
    net.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    phase(model, "visible").step(batch(7), 0.0)
    torch.testing.assert_close(seen[0][:, :1].expand_as(seen[0]), seen[0])


def expert(folder: Path, **options: Any) -> str:
    """Write a small classifier's file and return how it is asked for."""
    torch.manual_seed(1)
    taught = ResNet18.trainable(options.pop("label", None), width=8, image_size=32)
    file = folder / "expert.safetensors"
    weights_file.save(file, "resnet18", *taught.weights())
    return f"resnet18={file}"


def test_the_expression_term_moves_the_face_towards_what_the_expert_tells(tmp_path: Path) -> None:
    model = training(expression=1.0, expert=expert(tmp_path))
    assert model.options["expert"].startswith("resnet18:expert.safetensors ")
    term = model.terms.expert
    assert term is not None and not any(p.requires_grad for p in term.parameters())
    images = torch.rand(4, 3, 32, 32, requires_grad=True)
    labels = torch.tensor([0, 3, UNKNOWN, 6])
    loss = term(images, labels)
    (gradient,) = torch.autograd.grad(loss, images)
    moved = gradient.flatten(1).abs().sum(1) > 0
    assert moved.tolist() == [True, True, False, True] and float(loss.detach()) > 0
    assert float(term(images, torch.full((4,), UNKNOWN)).detach()) == 0
    assert "expression" in phase(model, "whole").step(batch(7), 0.0)
    assert "expression" not in phase(training(), "whole").step(batch(7), 0.0)


def test_an_expert_that_would_judge_or_tells_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="could not judge a restorer that was trained towards"):
        training(expression=1.0, expert="resnet18")
    with pytest.raises(TrainingError, match="it tells a face's gender"):
        training(expression=1.0, expert=expert(tmp_path, label="gender"))
    with pytest.raises(TrainingError, match="needs the classifier 'resnet18=gone.safetensors'"):
        training(expression=1.0, expert="resnet18=gone.safetensors")
    assert training(expression=0.0, expert="resnet18=gone.safetensors").terms.expert is None

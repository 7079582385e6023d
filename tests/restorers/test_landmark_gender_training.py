"""The landmark-gender model's losses, schedule and training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small_vgg
import torch
import torch.nn.functional as F
from landmark_fakes import PARTS, RingLandmarker, known_parts, points
from tiny import stored
from torch import Tensor

from restore_recog import weights as weights_file
from restore_recog.errors import TrainingError
from restore_recog.labels import UNKNOWN
from restore_recog.metrics import quality
from restore_recog.nn.inpainting.features import VGG19
from restore_recog.nn.inpainting.losses import variation
from restore_recog.restorers.landmark_gender.dots import dot_map
from restore_recog.restorers.landmark_gender.losses import Scene
from restore_recog.restorers.landmark_gender.presets import PRESETS
from restore_recog.restorers.landmark_gender.training import BETAS, LandmarkGenderTraining
from restore_recog.restoring.landmarking import located
from restore_recog.training.stepper import Stepper
from restore_recog.types import FaceBatch


@pytest.fixture(scope="module", autouse=True)
def parts() -> Iterator[None]:
    with known_parts():
        yield


def batch(n: int = 3, side: int = 32) -> FaceBatch:
    """Return faces of which the first is a woman's, the second a man's, the third nobody knows."""
    coarse = torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    clean = F.interpolate(coarse, (side, side), mode="bilinear").clamp_min(0.01)
    masks = torch.zeros(n, 1, side, side)
    masks[:, :, side // 2 : -4, 8:-8] = 1
    labels = {"gender": torch.arange(n) % 3, "subject": torch.arange(n)}
    labels["gender"][2::3] = UNKNOWN
    return FaceBatch(clean * (1 - masks) + 0.2 * masks, masks, clean=clean, attributes=labels)


def training(**options: Any) -> LandmarkGenderTraining:
    torch.manual_seed(0)
    return LandmarkGenderTraining("tiny", **PARTS, **options)


def step(model: LandmarkGenderTraining, name: str, given: FaceBatch | None = None) -> Any:
    phase = next(phase for phase in model.phases if phase.name == name)
    return phase.step(batch() if given is None else given, 0.0)


def moved(model: LandmarkGenderTraining, name: str) -> set[str]:
    """Return the networks that a step of a phase changes."""

    def values() -> dict[str, Tensor]:
        both = {"": model.nets.generators, "critic_": model.critics}
        return {
            f"{kind}{key}": value.clone()
            for kind, nets in both.items()
            for key, value in nets.state_dict().items()
        }

    before = values()
    step(model, name)
    now = values()
    return {key.split(".")[0] for key in now if not torch.equal(now[key], before[key])}


# Losses -------------------------------------------------------------------------------


def scene(side: int = 32) -> Scene:
    given = batch(2, side)
    assert given.clean is not None
    people, labels = given.attributes["subject"], given.attributes["gender"]
    return Scene(given.images, given.clean, given.masks, given.masks, None, labels, people)


def test_total_variation_is_that_of_the_face_as_pasted_or_as_made() -> None:
    where = scene()
    made = torch.rand(2, 3, 32, 32)
    for on, images in (("pasted", where.pasted(made)), ("made", made)):
        model = training(tv_on=on, landmarks="none")
        terms = model.terms(made, where, model.critics["pooled"])
        assert float(terms["tv"]) == pytest.approx(float(variation(images)))


def test_vggs_layers_are_the_papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    perceptual, style = VGG19.per, VGG19.style
    last = [VGG19.ends[n] - 1 for n in perceptual], [VGG19.ends[n] - 1 for n in style]
    assert last == ([1, 6, 11, 20, 29], [8, 17, 26, 31])
    file = small_vgg.stored(tmp_path, monkeypatch)
    model = training(
        perceptual="vgg19", perceptual_weights=str(file), style_on_hole=True, vgg_norm=False
    )
    where, features = scene(), model.terms.features.net
    assert features is not None
    torch.testing.assert_close(features.parts[0](where.clean), features(where.clean)[0])  # [0, 1]
    made = where.clean + 0.1 * torch.rand_like(where.clean)
    terms = model.terms.features(made, where.clean, where.hole)
    pairs = list(zip(features(made), features(where.clean), strict=True))
    wanted = sum(float(F.l1_loss(*pairs[n])) for n in perceptual)
    assert float(terms["per"]) == pytest.approx(wanted, rel=1e-5)
    outside = torch.where(where.hole > 0, made, 0.3)
    assert float(model.terms.features(outside, where.clean, where.hole)["style"]) == pytest.approx(
        float(terms["style"]), rel=1e-4
    )


# Schedule -----------------------------------------------------------------------------


def test_the_papers_schedule_and_weights() -> None:
    paper = PRESETS["paper"]
    lengths = [paper[f"images_{name}"] for name in ("pooled", "male", "female")]
    assert lengths == [500_000 * 4] * 3 and (paper["batch_size"], paper["size"]) == (4, 256)
    assert [paper[name] for name in ("pixel", "per", "style", "tv", "adv")] == [
        *(1, 0.1, 250, 0.1, 0.01)
    ]
    assert (paper["lr"], paper["lr_critic"], paper["start"]) == (1e-4, 1e-5, "scratch")
    assert (paper["identity"], paper["vgg_norm"], paper["judged"]) == (0, False, "made")
    assert PRESETS["compact"].keys() == paper.keys() == PRESETS["tiny"].keys()
    compact = PRESETS["compact"]
    assert (compact["size"], compact["base"], compact["start"]) == (128, 16, "pooled")
    assert compact["vgg_norm"] and compact["upsampling"] == "bilinear"


def test_a_phase_for_each_generator_on_images_of_its_gender() -> None:
    assert [(phase.name, phase.only) for phase in training().phases] == [
        ("pooled", None),
        ("female", ("gender", "female")),
        ("male", ("gender", "male")),
    ]
    one = training(gender_split="one", images_male=7)
    assert [phase.name for phase in one.phases] == ["pooled"]


def test_adams_decays_are_the_papers() -> None:
    assert BETAS == (0, 0.9)
    model = training()
    assert len(model.optimizers) == 6
    for name, optimizer in model.optimizers.items():
        assert optimizer.param_groups[0]["betas"] == BETAS
        rate = model.options["lr_critic" if "critic" in name else "lr"]
        assert optimizer.param_groups[0]["lr"] == rate


def test_each_phase_moves_its_own_networks_only() -> None:
    scratch = training(start="scratch")
    for name in ("pooled", "male", "female"):
        assert moved(scratch, name) == {name, f"critic_{name}"}


def test_the_others_follow_the_pooled_generator_until_their_own_phase() -> None:
    model = training()
    step(model, "pooled")
    states = {name: net.state_dict() for name, net in model.nets.generators.items()}
    for name in ("male", "female"):
        assert all(torch.equal(states[name][key], states["pooled"][key]) for key in states[name])
    assert moved(model, "male") == {"male", "critic_male"}


def test_every_rate_falls_in_each_phase_anew() -> None:
    model = training(decay=0.1)
    phase = model.phases[2]
    for progress, share in ((0.0, 1.0), (0.5, 0.55)):
        phase.step(batch(), progress)
        for name in ("adam_male", "adam_critic_male"):
            group = model.optimizers[name].param_groups[0]
            assert group["lr"] == pytest.approx(share * group["initial_lr"])


# Landmarks ----------------------------------------------------------------------------


def annotated(given: FaceBatch) -> FaceBatch:
    """Return the batch with all landmarks of the first face known, and none of the others."""
    where = torch.full((len(given.images), 98, 2), torch.nan)
    where[0] = 3.0
    return replace(given, landmarks98=where)


def test_annotated_landmarks_are_shown_and_the_clean_face_is_asked_for_the_others() -> None:
    given = annotated(batch())
    assert given.clean is not None
    shown = training(landmark_source="annotated")._points(given, False)
    assert shown is not None
    torch.testing.assert_close(shown[0], torch.full((98, 2), 3.0))
    torch.testing.assert_close(shown[1:], located(RingLandmarker(), given.clean)[1:])


def test_predicted_landmarks_and_those_in_use_are_of_the_occluded_face() -> None:
    given = annotated(batch())
    wanted = located(RingLandmarker(), given.images)
    for source, in_use in (("predicted", False), ("mixed", True), ("annotated", True)):
        shown = training(landmark_source=source)._points(given, in_use)
        torch.testing.assert_close(shown, wanted)


def test_half_of_the_faces_show_what_is_found_on_them_occluded() -> None:
    model, given = training(), batch(3)
    many = FaceBatch(
        given.images.repeat(100, 1, 1, 1), given.masks, clean=given.images.repeat(100, 1, 1, 1) * 0
    )
    many = replace(many, landmarks98=torch.zeros(300, 98, 2))
    shown = model._points(many, False)
    assert shown is not None
    share = float((shown != 0).flatten(1).any(1).float().mean())
    assert 0.4 < share < 0.6


def test_landmarks_that_are_not_found_leave_an_empty_map() -> None:
    given = batch()
    given.images[0, 0, 0, 0] = 0
    model = training(landmark_source="predicted")
    dots = model._scene(given).dots
    assert dots is not None and dots.flatten(1).sum(1).gt(0).tolist() == [False, True, True]
    assert step(model, "pooled", given)["pixel"] > 0


def test_without_landmarks_no_landmarker_is_needed() -> None:
    for options in ({"landmarks": "none"}, {"landmark_source": "zeros"}):
        torch.manual_seed(0)
        model = LandmarkGenderTraining("tiny", landmarker="gone", **options)
        assert model.landmarker is None and step(model, "male")["pixel"] > 0
    with pytest.raises(TrainingError, match="needs the landmarker 'gone'.*landmarks=none"):
        LandmarkGenderTraining("tiny", landmarker="gone")


def test_68_landmarks_are_fewer_dots() -> None:
    maps = [training(landmarks=scheme)._scene(batch(), in_use=True).dots for scheme in ("98", "68")]
    assert maps[0] is not None and maps[1] is not None
    assert float(maps[1].sum()) < float(maps[0].sum())
    where = located(RingLandmarker(), batch().images)
    assert torch.equal(maps[1], dot_map(where, (32, 32), "68"))


def test_the_record_names_the_landmarker_and_its_file_by_a_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert training().options["landmarker_mark"] == ""
    file = tmp_path / "ring.safetensors"
    file.write_bytes(b"points")
    torch.manual_seed(0)
    model = LandmarkGenderTraining("tiny", **PARTS | {"landmarker": f"ring={file}"})
    assert model.options["landmarker"] == "ring"
    assert model.weights()[0]["landmarker_mark"] == weights_file.teacher_mark(file)


# Steps --------------------------------------------------------------------------------


def test_losses_name_the_game_and_its_balance() -> None:
    losses = step(training(), "male")
    assert set(losses) == {
        *("pixel", "tv", "adv", "critic", "balance", "real_accuracy", "fake_accuracy")
    }
    assert losses["balance"] == pytest.approx(losses["adv"] / losses["critic"])
    assert set(step(training(adv=0), "male")) == {"pixel", "tv"}
    with_features = step(training(perceptual="recognizer", size=64), "male", batch(side=64))
    assert with_features["per"] > 0 and with_features["style"] > 0
    assert training(perceptual="recognizer", per=0, style=0).terms.features.net is None


def test_identity_trains_the_generator_and_leaves_the_recogniser() -> None:
    model = training(identity=1.0, margin=0.5, size=64)
    assert model.identity is not None
    before = [value.clone() for value in model.identity.parameters()]
    losses = step(model, "female", batch(side=64))
    assert 0 < losses["identity"] <= 2 and losses["margin"] >= 0
    assert all(map(torch.equal, before, model.identity.parameters()))
    assert next(iter(model.validate(batch(side=64)))).startswith("cosine timm")


def test_it_learns_a_face_and_that_landmarks_tell_faces_apart() -> None:
    """Two faces that are alike where they are seen, and differ by their landmarks."""
    model = training(adv=0, tv=0, lr=1e-3, dilate=0, dilate_spread=0, landmark_source="annotated")
    given = batch(2)
    assert given.clean is not None
    clean = given.clean[:1].repeat(2, 1, 1, 1)
    clean[1] = torch.where(given.masks[1] > 0, 1 - clean[1], clean[1])
    where = torch.stack([points(32) + torch.tensor([0.0, y]) for y in (-2.0, 3.0)])
    seen = torch.where(given.masks > 0, 0.5, clean)
    faces = replace(given, images=seen, clean=clean, landmarks98=where)
    losses = [step(model, "pooled", faces)["pixel"] for _ in range(80)]
    assert losses[-1] < 0.5 * losses[0]
    model.nets.eval()
    labels = torch.full((2,), UNKNOWN)
    inside = faces.masks.expand_as(clean) > 0

    def error(dots: Tensor | None) -> float:
        with torch.no_grad():
            made = model.nets.made(seen, faces.masks, dots, labels)
        return float((made - clean)[inside].abs().mean())

    assert error(dot_map(where, (32, 32))) < 0.6 * error(None)


def test_where_the_gender_is_an_input_some_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    model = training(gender_split="input", images_pooled=40)
    told: list[int] = []
    make: Callable[..., Tensor] = model.nets.made_by

    def watched(*args: Any, **how: Any) -> Tensor:
        told.extend(args[4].tolist())
        return make(*args, **how)

    monkeypatch.setattr(model.nets, "made_by", watched)
    for _ in range(30):
        step(model, "pooled", batch(9))
    shares = [told.count(code) / len(told) for code in (0, 1, UNKNOWN)]
    assert 0.24 < shares[0] < 0.33 and 0.24 < shares[1] < 0.33 and shares[2] > 0.35


def test_validation_is_what_the_restorer_would_reach() -> None:
    model, given = training(), batch(4)
    assert given.clean is not None
    step(model, "male", given)
    figures = model.validate(given)
    final = model.preview(given)[12:16]
    arrays = [tensor.permute(0, 2, 3, 1).numpy() for tensor in (final, given.clean)]
    inside = quality.psnr(*arrays, given.masks[:, 0].bool().numpy())
    assert figures["psnr_mask"] == pytest.approx(float(inside.mean()), abs=1e-3)
    pooled = replace(given, attributes={**given.attributes, "gender": torch.full((4,), UNKNOWN)})
    difference = figures["psnr_mask"] - model.validate(pooled)["psnr_mask"]
    assert figures["by gender"] == pytest.approx(difference, abs=1e-4)
    assert model.validate(pooled)["by gender"] == 0
    names = [name for name in figures if name.startswith("share of")]
    assert names == ["share of pixel", "share of tv", "share of adv"]
    assert sum(figures[name] for name in names) == pytest.approx(1)
    assert "by landmarks" in figures
    assert "by landmarks" not in training(landmarks="none").validate(given)


def test_preview_shows_five_rows() -> None:
    for model in (training(), training(landmarks="none"), training(composite=False)):
        images = model.preview(batch(3))
        assert images.shape == (15, 3, 32, 32)
        assert float(images.min()) >= 0 and float(images.max()) <= 1


def test_training_may_start_from_weights(tmp_path: Path) -> None:
    path = stored(tmp_path, "landmark_gender", **PARTS)
    torch.manual_seed(5)
    again = LandmarkGenderTraining("tiny", **PARTS, init=str(path), images_pooled=0)
    assert [phase.name for phase in again.phases] == ["female", "male"]
    _, tensors = weights_file.load(path, "landmark_gender")
    for name, value in again.nets.state_dict().items():
        assert torch.equal(value, tensors[name]), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 48}, "must be a multiple of 32, not 48"),
        ({"lr_critic": 0}, "'lr_critic' must be positive"),
        ({"landmarks": "5"}, "choose one of 98, 68, none"),
        ({"gender_split": "two"}, "choose one of nets, input, one"),
        ({"base": 2}, "'base' cannot be 2; it is a number from 4 to 256"),
        ({"dilate": 1, "dilate_spread": 2}, "between 0 and 'dilate' \\(1\\), not at 2"),
        ({"images_male": -3}, "'images_male' cannot be -3"),
        ({"images_pooled": 0}, "0 images in images_pooled, which leaves a generator at what"),
        ({"start": "scratch", "images_female": 0}, "0 images in images_female, which leaves"),
        (dict.fromkeys([f"images_{n}" for n in ("pooled", "male", "female")], 0), "nothing to t"),
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
    names = ("pooled", "female", "male")
    assert set(model.networks()) == {*names, *(f"critic_{name}" for name in names)}

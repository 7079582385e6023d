"""What all trained inpainters share: options, stages, losses that pull, files, restoring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from inpainters import INPAINTERS, faces, untaught
from tiny import stored
from torch import Tensor

from restore_recog import registry
from restore_recog.errors import TrainingError
from restore_recog.nn.inpainting.training import InpainterTraining

every = pytest.mark.parametrize("name", INPAINTERS)

SEES_THE_CLOTH = ("pix2pix",)
"""Models that by their papers are shown the covering; ``cloth=grey`` hides it."""

FAST = {"lr": 4e-3}
BY_HEART: dict[str, tuple[int, dict[str, float]]] = {
    "aotgan": (25, FAST),
    "deepfill": (25, FAST),
    "gcf": (25, {"lr": 2e-3}),
    "glcic": (40, FAST),
    "pix2pix": (60, FAST),
    "edgeconnect": (15, {}),
    "ctsdg": (20, FAST),
    "pluralistic": (15, {}),
}
"""How many steps of each stage, and by which options, teach a model two faces by a wide margin."""


def training(name: str, preset: str = "tiny", **options: Any) -> InpainterTraining:
    torch.manual_seed(0)
    return INPAINTERS[name](preset, **options)


def tensors(model: InpainterTraining) -> dict[str, Tensor]:
    """Return copies of what learns, by the learner's name and the tensor's."""
    return {
        f"{name}.{key}": value.clone()
        for name, net in {**model.learners(), **dict(model.critics.items())}.items()
        for key, value in net.state_dict().items()
    }


@every
def test_presets_have_the_same_options_and_the_paper_no_teacher(name: str) -> None:
    presets = INPAINTERS[name].family.presets
    assert presets["paper"].keys() == presets["compact"].keys() == presets["tiny"].keys()
    paper = presets["paper"]
    assert (paper["identity"], paper["margin"], paper["dilate"], paper["feather"]) == (0, 0, 0, 0)
    for stage in INPAINTERS[name].family.stages:
        assert paper[f"images_{stage}"] > presets["compact"][f"images_{stage}"] > 0


@every
def test_compact_weights_fit_into_ten_megabytes(name: str) -> None:
    model = training(name, "compact", **untaught(name))
    assert sum(value.numel() for value in model.weights()[1].values()) * 2 < 10e6


@every
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 48}, "'size' must be a multiple of"),
        ({"dilate": 1, "dilate_spread": 2}, "'dilate_spread' must lie between 0 and"),
        ({"lr": 0}, "'lr' must be positive"),
        ({"beta": 1}, "has no option 'beta'"),
        ({"feather": -1}, "'feather'"),
    ],
)
def test_options_that_do_not_fit(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        training(name, **options)


@every
def test_a_training_of_nothing_and_a_stage_left_as_drawn(name: str) -> None:
    family = INPAINTERS[name].family
    none = {f"images_{stage}": 0 for stage in family.stages}
    with pytest.raises(TrainingError, match="is 0, which leaves|nothing to train"):
        training(name, **none)
    with pytest.raises(TrainingError, match="cannot be -1"):
        training(name, **{f"images_{family.stages[0]}": -1})


@every
def test_every_stage_moves_something_and_all_of_them_everything(name: str) -> None:
    model = training(name)
    first = tensors(model)
    moved: set[str] = set()
    for phase in model.phases:
        before = tensors(model)
        losses = phase.step(faces(), 0.0)
        assert all(torch.isfinite(torch.tensor(loss)) for loss in losses.values()), losses
        after = tensors(model)
        assert any(not torch.equal(before[key], after[key]) for key in after), phase.name
    after = tensors(model)
    moved = {key.split(".")[0] for key in after if not torch.equal(first[key], after[key])}
    assert moved == {*model.learners(), *model.critics}


@every
def test_it_learns_two_faces_by_heart(name: str) -> None:
    steps, options = BY_HEART[name]
    model = training(name, **options)
    batch = faces()
    before = model.validate(batch)["psnr_mask"]
    for phase in model.phases:
        for step in range(steps):
            phase.step(batch, step / steps)
    assert model.validate(batch)["psnr_mask"] > before + 1


@every
def test_validation_says_how_good_and_which_term_pulls(name: str) -> None:
    figures = training(name).validate(faces())
    assert next(iter(figures)) == "psnr_mask"
    pulls = {key: value for key, value in figures.items() if key.startswith("share of ")}
    assert pulls and sum(pulls.values()) == pytest.approx(1, abs=1e-4)


@every
def test_previews_are_rows_of_images(name: str) -> None:
    rows = training(name).preview(faces())
    assert rows.shape[1:] == (3, 32, 32) and len(rows) % 2 == 0


@every
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_terms_pull_in_half_precision_where_they_pull_in_float32(
    name: str, dtype: torch.dtype
) -> None:
    model = training(name, "compact", **untaught(name))
    model.nets.eval()
    model.critics.eval()
    scene = model._scene(faces(side=128), 2)
    with torch.no_grad():
        made = dict(model.outputs(scene))
    noise = torch.randn(made["face"].shape, generator=torch.Generator().manual_seed(1))
    made["face"] = (scene.clean + 0.05 * noise).requires_grad_()
    both = []
    for enabled in (False, True):
        with torch.autocast("cpu", dtype=dtype, enabled=enabled):
            loss = model.total(model.terms(made, scene))
            both.append(torch.autograd.grad(loss, made["face"])[0].flatten().double())
    assert float(F.cosine_similarity(*both, dim=0)) > 0.99


@every
def test_a_restorer_of_a_file_fills_the_hole_and_nothing_else(name: str, tmp_path: Path) -> None:
    restorer = registry.restorers.create(name, weights=stored(tmp_path, name), device="cpu")
    batch = faces()
    result = restorer.restore(batch)
    outside = batch.masks.expand_as(result) == 0
    assert torch.equal(result[outside], batch.images[outside])
    assert not torch.equal(result, batch.images)
    assert torch.equal(result, restorer.restore(batch))


@every
def test_the_cloths_colour_does_not_show_through(name: str, tmp_path: Path) -> None:
    file = stored(tmp_path, name, feather=0)  # at the rim of a feathered hole it does
    restorer = registry.restorers.create(name, weights=file, device="cpu")
    assert torch.equal(*(restorer.restore(faces(cloth=cloth)) for cloth in (0.1, 0.9)))


@pytest.mark.parametrize("name", SEES_THE_CLOTH)
def test_it_does_where_the_paper_shows_it(name: str, tmp_path: Path) -> None:
    file = stored(tmp_path, name, cloth="seen", feather=0)
    restorer = registry.restorers.create(name, weights=file, device="cpu")
    assert not torch.equal(*(restorer.restore(faces(cloth=cloth)) for cloth in (0.1, 0.9)))

"""The training of the hourglass: it learns, it is read again, wrong options are one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from restore_recog import registry, weights
from restore_recog.api import Validated
from restore_recog.errors import PluginError, TrainingError, WeightsError
from restore_recog.landmarkers.hourglass import HourglassLandmarker
from restore_recog.landmarkers.hourglass.training import (
    HourglassTraining,
    cut_up,
    mean_errors,
    turned,
)
from restore_recog.landmarks import EYE_CORNERS, OF_68
from restore_recog.training.faces import TrainingFaces
from restore_recog.types import FaceBatch


@pytest.fixture(scope="module")
def batch() -> FaceBatch:
    """Return rendered faces, half of them covered; of the last one 68 points are known."""
    faces = TrainingFaces.from_datasets(
        [registry.datasets.create("phantom:4x1")], 64, progress=False
    )
    made = faces.batch(0, type("Stage", (), {"name": "p", "batch_size": 4}), covered=0.5)
    many = made.landmarks98.clone()
    gone = torch.ones(98, dtype=torch.bool)
    gone[torch.from_numpy(OF_68)] = False
    many[-1, gone] = torch.nan
    return FaceBatch(made.images, made.masks, made.landmarks, made.clean, landmarks98=many)


def test_it_learns_and_its_file_is_read_again(batch: FaceBatch, tmp_path: Path) -> None:
    torch.manual_seed(0)
    training = HourglassLandmarker.trainable(
        None, preset="tiny", lr=0.01, turn=0.0, zoom=0.0, nobody=0.0
    )
    assert isinstance(training, Validated)
    (phase,) = training.phases
    losses = [phase.step(batch, 0.02 + i / 60) for i in range(40)]
    assert losses[-1]["adaptive wing"] < 0.5 * losses[0]["adaptive wing"]
    assert losses[-1]["NME"] < 0.5 * losses[0]["NME"]
    figures = training.validate(batch)
    assert list(figures) == ["minus NME", "success"] and figures["minus NME"] > -0.6
    assert training.preview(batch).shape == (12, 3, 64, 64)
    file = tmp_path / "own.safetensors"
    weights.save(file, "hourglass", *training.weights(), half=False)
    landmarker = registry.landmarkers.create(f"hourglass={file}")
    assert landmarker.image_size == (64, 64)
    training.net.eval()
    expected = training._read(training.net(batch.images)[-1]).detach()
    torch.testing.assert_close(landmarker.find(batch.images), expected)
    with pytest.raises(PluginError, match="'hourglass' takes nothing behind a colon"):
        registry.landmarkers.create("hourglass:68", weights=file)


def test_errors_are_in_units_of_the_eye_corners(batch: FaceBatch) -> None:
    true = batch.landmarks98
    one, other = EYE_CORNERS
    apart = (true[:, one] - true[:, other]).norm(dim=-1)
    wrong = true.nan_to_num(-50) + torch.tensor([3.0, 4.0])
    torch.testing.assert_close(mean_errors(wrong, true), 5 / apart)
    blind = true.clone()
    blind[0, one] = torch.nan
    assert mean_errors(wrong, blind).isnan().tolist() == [True, False, False, False]


def test_what_is_known_of_nobody_teaches_nothing(batch: FaceBatch) -> None:
    training = HourglassTraining("tiny", nobody=0.0)
    none = torch.full_like(batch.landmarks98, torch.nan)
    blind = FaceBatch(batch.images, batch.masks, landmarks98=none)
    before = [one.clone() for one in training.net.parameters()]
    training.optimizer.param_groups[0]["weight_decay"] = 0.0
    (phase,) = training.phases
    assert phase.step(blind, 0.5)["adaptive wing"] == 0
    assert all(map(torch.equal, before, training.net.parameters()))
    assert training.validate(blind) == {}
    with pytest.raises(TrainingError, match="learns from the 98 landmarks, which a batch lacks"):
        phase.step(FaceBatch(batch.images, batch.masks), 0.5)


def test_points_turn_with_the_picture() -> None:
    """A bright spot is found where its point went; what is not known stays so."""
    torch.manual_seed(0)
    side, rows = 64, torch.arange(64.0)
    points = torch.full((6, 98, 2), torch.nan)
    points[:, 0] = torch.tensor([40.0, 25.0])
    spot = torch.exp(-((rows - 40) ** 2)[None] / 8 - ((rows - 25) ** 2)[:, None] / 8)
    seen, moved = turned(spot.expand(6, 3, side, side), points, 15.0, 0.1)
    weight = seen[:, 0] ** 4 / (seen[:, 0] ** 4).sum((1, 2), keepdim=True)
    x, y = (weight * rows).sum((1, 2)), (weight * rows[:, None]).sum((1, 2))
    assert float((torch.stack([x, y], 1) - moved[:, 0]).abs().max()) < 0.3
    assert float((moved[:, 0] - points[:, 0]).norm(dim=1).max()) > 2
    assert bool(moved[:, 1:].isnan().all())


def test_it_learns_to_find_nobody(batch: FaceBatch) -> None:
    """Where every image is cut up, the maps sink, though no point is known."""
    torch.manual_seed(0)
    training = HourglassTraining("tiny", nobody=0.5, lr=0.01, warm_up=0.0)
    (phase,) = training.phases
    none = torch.full_like(batch.landmarks98, torch.nan)
    blind = FaceBatch(batch.images, batch.masks, landmarks98=none)
    losses = [phase.step(blind, 0.0)["adaptive wing"] for _ in range(30)]
    taught = [loss for loss in losses if loss]
    assert taught[-1] < 0.2 * taught[0]


def test_pieces_of_a_face_are_all_there_in_another_order() -> None:
    images = torch.rand(5, 3, 16, 16)
    rows = torch.tensor([True, False, True, False, False])
    cut = cut_up(images, rows)
    assert torch.equal(cut[~rows], images[~rows]) and not torch.equal(cut[rows], images[rows])
    assert torch.equal(cut[2].flatten().sort()[0], images[2].flatten().sort()[0])
    # The first of them is a mosaic of sixteen colours.
    assert torch.equal(cut[0, :, ::4, ::4].repeat_interleave(4, 1).repeat_interleave(4, 2), cut[0])
    torch.testing.assert_close(cut[0].mean((1, 2)), images[0].mean((1, 2)))
    assert torch.equal(cut_up(images, rows & False), images)


def test_the_learning_rate_falls_by_drops_or_by_a_cosine() -> None:
    drops = HourglassTraining("tiny", schedule="steps", drops="0.5,0.75", warm_up=0.0)
    assert [drops._share(p) for p in (0.0, 0.6, 0.8)] == pytest.approx([1, 0.1, 0.01])
    cosine = HourglassTraining("tiny", warm_up=0.5)
    assert cosine._share(0.25) == 0.5 and cosine._share(0.999) < 0.01
    assert HourglassTraining("tiny", optimizer="rmsprop").optimizer.__class__.__name__ == "RMSprop"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"preset": "large"}, "has no preset 'large'; choose paper or compact or tiny"),
        ({"size": 100}, "'size' must be a multiple of 64, not 100"),
        ({"features": 20}, "'features' must be a multiple of 8, not 20"),
        ({"stacks": 0}, "'stacks' cannot be 0; it is a number from 1 to 8"),
        ({"covered": 2.0}, "'covered' cannot be 2.0"),
        ({"lr": 0.0}, "'lr' must be positive"),
        ({"clip": -1.0}, "'clip' cannot be -1.0"),
        ({"heads": 3}, "has no option 'heads'"),
    ],
)
def test_wrong_options_are_one_sentence(options, words) -> None:
    with pytest.raises(TrainingError, match=words):
        HourglassLandmarker.trainable(None, **options)


def test_there_is_nothing_behind_a_colon_to_train() -> None:
    with pytest.raises(TrainingError, match="takes nothing behind a colon; train 'hourglass'"):
        HourglassLandmarker.trainable("98")


def test_another_networks_weights(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    weights.save(file, "hourglass", {"size": 64}, {"x": torch.zeros(1)})
    with pytest.raises(WeightsError, match="does not say the option 'stacks'"):
        registry.landmarkers.create(f"hourglass={file}")
    weights.save(file, "fmodr", {}, {"x": torch.zeros(1)})
    with pytest.raises(WeightsError, match="holds weights for 'fmodr', not for 'hourglass'"):
        registry.landmarkers.create(f"hourglass={file}")


def test_where_the_maps_stay_low_nobody_is_found(tmp_path: Path) -> None:
    training = HourglassTraining("tiny", least=0.2)
    file = tmp_path / "own.safetensors"
    for height, found in ((0.1, False), (0.3, True)):
        with torch.no_grad():
            training.net.stacks[0].maps.weight.zero_()
            training.net.stacks[0].maps.bias.fill_(height)
        weights.save(file, "hourglass", *training.weights())
        points = HourglassLandmarker(weights=file).find(torch.rand(2, 3, 64, 64))
        assert points.isfinite().unique().tolist() == [found]

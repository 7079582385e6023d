"""The segmenter study on squares whose masks are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_fakes import KeyDetector, Squares, request
from torch import Tensor

from restore_recog.api import Restorer
from restore_recog.errors import DataError, PluginError, UnknownPluginError
from restore_recog.evaluation.segmenters.figures import Standing, Study
from restore_recog.evaluation.segmenters.study import study
from restore_recog.reporting import segmenter_files
from restore_recog.types import FaceBatch, FaceImage, FaceSample

HERE = __name__
CALLS: list[int] = []


class Key(KeyDetector):
    """Perfect, and counts how many images it was shown."""

    name = "key"

    def segment(self, images: Tensor) -> Tensor:
        CALLS.append(len(images))
        return super().segment(images)


class Half(KeyDetector):
    """Misses the left half of every covering, and marks a corner of bare faces."""

    name = "half"

    def segment(self, images: Tensor) -> Tensor:
        masks = super().segment(images)
        bare = masks.amax((1, 2, 3)) == 0
        masks[:, :, :, : images.shape[-1] // 2] = 0
        masks[bare, :, :8, :8] = 1
        return masks


class Blind(KeyDetector):
    """Finds nothing."""

    name = "blind"

    def segment(self, images: Tensor) -> Tensor:
        return torch.zeros_like(images[:, :1])


class NoMasks(Squares):
    """Real coverings, whose masks nobody knows."""

    def read(self, samples: Sequence[FaceSample]) -> list:  # type: ignore[type-arg]
        images = super().read(samples)
        return [FaceImage(p.pixels, p.landmarks) for p in images]  # type: ignore[union-attr]


class Mapless(Restorer):
    name = "mapless"
    needs = frozenset()

    def restore(self, batch: FaceBatch) -> Tensor:
        return batch.images


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Study:
    cache = tmp_path_factory.mktemp("cache")
    wanted = request(Squares(6, 4, occluded=2), cache=cache)
    names = [f"{HERE}:{name}" for name in ("Key", "Half", "Blind")]
    return study(wanted, names, margins=(4,), worst=2)


def by_name(finished: Study) -> dict[str, Standing]:
    return {one.segmenter.rpartition(":")[2]: one for one in finished.standings}


class TestFigures:
    def test_reference_points_first(self, finished: Study) -> None:
        assert list(by_name(finished)) == [
            *("true-4", "true", "true+4", "average"),
            *("Key", "Half", "Blind"),
        ]
        assert [one.reference for one in finished.standings] == [True] * 4 + [False] * 3

    def test_a_perfect_segmenter_costs_nothing(self, finished: Study) -> None:
        key = by_name(finished)["Key"]
        assert key.masks["dice"]["value"] == key.masks["pixel_accuracy"]["value"] == 1
        assert key.masks["boundary"]["value"] == key.masks["false_area"]["value"] == 0
        lost = key.restorers["healer"]
        assert lost["rank1_lost"]["value"] == lost["cosine_lost"]["value"] == 0
        assert lost["psnr_lost"]["value"] == 0 and lost["rank1_lost"]["lost"] == 0

    def test_half_a_mask(self, finished: Study) -> None:
        """The rectangle is columns 8 to 55 of 64, so that half of it is missed."""
        half = by_name(finished)["Half"]
        assert half.masks["recall"]["value"] == pytest.approx(0.5)
        assert half.masks["precision"]["value"] == 1
        assert half.masks["dice"]["value"] == pytest.approx(2 / 3)
        assert half.masks["false_area"]["value"] == pytest.approx(64 / 64**2)
        assert half.masks["false_alarm"]["value"] == 1
        assert half.restorers["healer"]["cosine_lost"]["value"] > 0.05
        assert half.restorers["healer"]["psnr_lost"]["low"] > 5

    def test_finding_nothing_is_counted_and_costs_most(self, finished: Study) -> None:
        blind = by_name(finished)["Blind"]
        assert blind.masks["empty"]["value"] == 1 and blind.masks["dice"]["value"] == 0
        assert "precision" not in blind.masks and blind.masks["dice"]["n"] == 12
        lost = blind.restorers["healer"]["cosine_lost"]["value"]
        assert lost > by_name(finished)["Half"].restorers["healer"]["cosine_lost"]["value"]
        assert blind.restorers["healer"]["cosine"]["value"] == finished.floor["cosine"]["value"]

    def test_wider_costs_less_than_narrower_here(self, finished: Study) -> None:
        """The healer knows the truth, so that only what is left of the covering hurts."""
        wide, narrow = by_name(finished)["true+4"], by_name(finished)["true-4"]
        assert wide.restorers["healer"]["cosine_lost"]["value"] == pytest.approx(0, abs=1e-3)
        assert narrow.restorers["healer"]["cosine_lost"]["value"] > 0.01
        assert narrow.masks["precision"]["value"] == wide.masks["recall"]["value"] == 1

    def test_the_worst_masks_have_their_images(self, finished: Study) -> None:
        assert [one.segmenter.rpartition(":")[2] for one in finished.worst] == [
            *("Key", "Key", "Half", "Half", "Blind", "Blind")
        ]
        worst = finished.worst[-1]
        assert worst.dice == 0 and not worst.predicted.any() and worst.true[40, 30] == 1
        assert worst.occluded[40, 30].tolist() == [255, 0, 255]


class TestWork:
    def test_nothing_is_segmented_twice(self, tmp_path: Path) -> None:
        wanted = request(Squares(4, 4, occluded=2), cache=tmp_path)
        CALLS.clear()
        study(wanted, [f"{HERE}:Key"], margins=(), clean=False)
        assert sum(CALLS) == 8
        study(wanted, [f"{HERE}:Key"], margins=(), clean=False)
        assert sum(CALLS) == 8

    def test_data_without_true_masks(self) -> None:
        names = [f"{HERE}:{name}" for name in ("Key", "Half")]
        bare = study(request(NoMasks(4, 4, occluded=2)), names)
        assert list(by_name(bare)) == ["average", "Key", "Half"] and bare.true_masks == 0
        assert "The data has no true masks" in " ".join(bare.notes) and not bare.worst
        key = by_name(bare)["Key"]
        assert set(key.masks) == {"empty", "false_area", "false_alarm"}
        assert "rank1_lost" not in key.restorers["healer"] and "rank1" in key.restorers["healer"]
        assert bare.agreement[names[0], names[1]]["value"] == pytest.approx(2 / 3)

    def test_refusals(self) -> None:
        data = Squares(4, 4, occluded=2)
        with pytest.raises(DataError, match="'mapless' reads no mask"):
            study(request(data, Mapless()), ["fmodr"])
        with pytest.raises(PluginError, match="'own' is another segmenter"):
            study(request(data), ["own"])
        with pytest.raises(PluginError, match="no segmenter to compare"):
            study(request(data), ["true+2"])
        with pytest.raises(UnknownPluginError, match="Did you mean 'fmodr'"):
            study(request(data), ["fmdor"])


class TestRecord:
    def test_folder(self, finished: Study, tmp_path: Path) -> None:
        segmenter_files.write(finished, tmp_path / "out")
        names = {
            p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")
        }
        assert names == {
            *("segmenters.html", "segmenters.json", "segmenters.csv", "maps.csv"),
            *("failures.csv", "figures/cost.png", "figures/worst.png"),
        }
        told = json.loads((tmp_path / "out" / "segmenters.json").read_text())
        assert told["true_masks"] == 12 and len(told["segmenters"]) == 7
        assert (tmp_path / "out" / "maps.csv").read_text().count("\n") == 1 + 7 * 12
        assert (tmp_path / "out" / "segmenters.csv").read_text().count("\n") == 1 + 7
        assert "<h2" in (tmp_path / "out" / "segmenters.html").read_text()

    def test_text(self, finished: Study) -> None:
        text = segmenter_files.text(finished)
        assert "restored with healer" in text and "(occluded)" in text and "true-4" in text

    def test_differences_in_colour(self) -> None:
        a, b = np.array([[1, 1], [0, 0]], np.uint8), np.array([[1, 0], [1, 0]], np.uint8)
        image = segmenter_files.difference(a, b)
        assert image[0, 1].tolist() == list(segmenter_files.EXTRA)
        assert image[1, 0].tolist() == list(segmenter_files.MISSED)
        assert image[0, 0].tolist() == list(segmenter_files.HIT)
        assert image[1, 1].tolist() == [255] * 3

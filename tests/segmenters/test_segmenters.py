"""Segmenters by name, held to their contract; their masks judged, widened, packed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_fakes import KeyDetector
from torch import Tensor

from restore_recog.api import Restorer, Segmenter
from restore_recog.api.answers import segmented
from restore_recog.errors import (
    DataError,
    PluginError,
    PluginImportError,
    UnknownPluginError,
    WeightsError,
)
from restore_recog.evaluation.cache.identity import identity
from restore_recog.evaluation.run.masks import pack, unpack, widened
from restore_recog.evaluation.segmenters.figures import mask_score
from restore_recog.metrics.quality import boundary_error, precision, recall
from restore_recog.nn.masks import NetSegmenter
from restore_recog.restoring.image_files import segmenter_for
from restore_recog.restoring.restoration import Restoration, fitted
from restore_recog.segmenters import names
from restore_recog.segmenters.average import AverageMask
from restore_recog.types import FaceBatch

HERE = __name__


class Mine(Segmenter):
    """A user's own: everything brighter than its argument."""

    name = "mine"

    def segment(self, images: Tensor) -> Tensor:
        return (images.mean(1, keepdim=True) > float(self.argument or 0.5)).float()


class Lender(Restorer):
    """A restorer with a detector and weights of the user's."""

    name = "lender"

    def restore(self, batch: FaceBatch) -> Tensor:
        return batch.images

    def segmenter(self) -> Segmenter:
        return KeyDetector()


class Answers(Segmenter):
    """Answers whatever it was given."""

    name = "answers"

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def segment(self, images: Tensor) -> Tensor:
        return self.answer  # type: ignore[return-value]


def blob(seed: int, side: int = 20) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    cy, cx, r = rng.uniform(5, side - 5, 2).tolist() + [rng.uniform(3, 6)]
    return (((y - cy) ** 2 + (x - cx) ** 2) < r * r).astype(np.uint8)


class TestNames:
    @pytest.mark.parametrize(
        ("choice", "pixels"),
        [
            ("true", 0),
            ("true+3", 3),
            ("true-12", -12),
            ("own", None),
            ("true+", None),
            ("fmodr", None),
        ],
    )
    def test_true_masks_and_their_margins(self, choice: str, pixels: int | None) -> None:
        assert names.margin(choice) == pixels

    def test_an_object_is_no_true_mask(self) -> None:
        assert names.margin(KeyDetector()) is None

    @pytest.mark.parametrize("choice", ["own", "true-2", "fmodr", "average", f"{HERE}:Mine"])
    def test_known_ones(self, choice: str) -> None:
        names.check(choice)

    def test_unknown_one_is_told_the_nearest(self) -> None:
        with pytest.raises(UnknownPluginError, match="No segmenter named 'fmodrr'. .*'fmodr'"):
            names.check("fmodrr")

    def test_missing_weights(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="for the segmenter 'fmodr'"):
            names.check(f"fmodr={tmp_path / 'no.safetensors'}")

    def test_ones_own_by_dotted_path(self) -> None:
        mine = names.create(f"{HERE}:Mine:0.25", {}, "cpu")
        assert (mine.segmenter.argument, mine.device, mine.name) == ("0.25", "cpu", "mine")
        assert segmented(mine.segmenter, torch.full((1, 3, 4, 4), 0.3)).all()

    def test_the_segmenter_of_ones_own_restorer(self, tmp_path: Path) -> None:
        lent = names.create(f"{HERE}:Lender", {}, "cpu")
        assert isinstance(lent.segmenter, KeyDetector)

    def test_neither_segmenter_nor_restorer(self) -> None:
        with pytest.raises(PluginImportError, match="inherits from restore_recog.api.Segmenter"):
            names.create(f"{HERE}:TestNames", {}, "cpu")

    def test_a_restorer_without_a_segmenter(self) -> None:
        with pytest.raises(PluginError, match="'telea' has no segmenter"):
            names.create("telea", {}, "cpu")

    def test_a_restorer_of_the_run_lends_its_own(self) -> None:
        lender = Lender()
        lender.device = "meta"
        assert names.create("lender", {"lender": lender}, "cpu").device == "meta"

    def test_weights_are_recorded_by_content(self, tmp_path: Path) -> None:
        file = tmp_path / "w.safetensors"
        file.write_bytes(b"abc")
        text = names.described(f"fmodr={file}")
        assert text.startswith("fmodr=w.safetensors (SHA-256 ba7816bf")
        assert names.described("true+2") == "true+2"

    def test_images_come_without_true_masks(self) -> None:
        with pytest.raises(PluginError, match="give --mask"):
            segmenter_for(Lender(), "true")


class TestContract:
    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (torch.zeros(1, 8, 8), r"returned shape \(1, 8, 8\) for 1 images"),
            (torch.full((1, 1, 8, 8), 0.37), "returned the value 0.37 where"),
            (torch.full((1, 1, 8, 8), math.nan), "returned the value nan"),
            (np.zeros((1, 1, 8, 8)), "returned a ndarray, expected a tensor"),
        ],
    )
    def test_breach_is_one_sentence(self, answer: object, words: str) -> None:
        with pytest.raises(PluginError, match=words):
            segmented(Answers(answer), torch.rand(1, 3, 8, 8))

    def test_truth_values_are_masks(self) -> None:
        masks = segmented(Answers(torch.ones(1, 1, 8, 8, dtype=torch.bool)), torch.rand(1, 3, 8, 8))
        assert masks.dtype == torch.float32 and bool(masks.all())

    def test_the_pipeline_checks_too(self) -> None:
        with pytest.raises(PluginError, match="returned the value 0.5"):
            Restoration(Lender(), Answers(torch.full((1, 1, 8, 8), 0.5)))(torch.rand(1, 3, 8, 8))


class TestMapFigures:
    @pytest.mark.parametrize("seed", range(6))
    def test_boundary_error_by_brute_force(self, seed: int) -> None:
        a, b = blob(seed), blob(seed + 100)

        def outline(mask: np.ndarray) -> np.ndarray:
            wide = np.pad(mask, 1, constant_values=1)
            around = [wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]]
            return np.argwhere((mask > 0) & (np.min(around, axis=0) == 0))

        gaps = np.linalg.norm(outline(a)[:, None] - outline(b)[None], axis=2)
        wanted = np.concatenate([gaps.min(1), gaps.min(0)]).mean()
        assert boundary_error(a, b) == pytest.approx(wanted)

    def test_by_hand(self) -> None:
        true = np.array([[1, 1, 0, 0]] * 4, np.uint8)
        predicted = np.array([[1, 1, 1, 1]] * 2 + [[0, 0, 0, 0]] * 2, np.uint8)
        assert precision(predicted, true) == 0.5 and recall(predicted, true) == 0.5
        shifted = np.array([[1, 1, 1, 0]] * 4, np.uint8)
        assert boundary_error(shifted, true) == 1.0

    def test_nothing_to_judge_is_nan(self) -> None:
        none, some = np.zeros((6, 6), np.uint8), blob(0)[:6, :6] * 0
        some[2, 2] = 1
        assert math.isnan(precision(none, some)) and math.isnan(recall(some, none))
        assert math.isnan(boundary_error(none, some)) and recall(none, some) == 0

    def test_masks_must_be_binary_and_alike(self) -> None:
        with pytest.raises(ValueError, match="0 and 1 only"):
            precision(np.full((4, 4), 0.5), np.ones((4, 4)))
        with pytest.raises(ValueError, match="of one shape"):
            recall(np.ones((4, 4)), np.ones((5, 4)))

    def test_a_failed_segmenter_has_found_nothing(self) -> None:
        failed, empty = mask_score(None, blob(1)), mask_score(blob(1) * 0, blob(1))
        assert repr(failed) == repr(empty)  # NaN is not equal to itself
        assert (failed.dice, failed.iou, failed.recall, failed.empty) == (0, 0, 0, 1)
        assert math.isnan(mask_score(blob(1), None).dice) and mask_score(blob(1), None).empty == 0


class TestMasks:
    @pytest.mark.parametrize("pixels", [-2, 0, 1, 3])
    def test_widened_by_brute_force(self, pixels: int) -> None:
        mask, reach = blob(3), abs(pixels)
        wide = np.pad(mask, reach, constant_values=int(pixels < 0))
        windows = np.lib.stride_tricks.sliding_window_view(wide, (2 * reach + 1, 2 * reach + 1))
        wanted = windows.max((2, 3)) if pixels >= 0 else windows.min((2, 3))
        assert np.array_equal(widened(mask, pixels), wanted)

    @pytest.mark.parametrize("side", [7, 20])
    def test_packed_and_back(self, side: int) -> None:
        for mask in (blob(4)[:side, :side], np.zeros((side, side), np.uint8)):
            assert np.array_equal(unpack(pack(mask), side), mask)

    def test_the_average_mask_looks_at_no_image(self) -> None:
        segmenter = AverageMask()
        dark, bright = segmenter.segment(torch.zeros(1, 3, 96, 96)), torch.ones(2, 3, 96, 96)
        masks = segmented(segmenter, bright)
        assert torch.equal(masks[:1], dark) and torch.equal(masks[0], masks[1])
        assert masks[0, 0, 75, 48] == 1 and not masks[0, 0, :25].any()  # mouth, not forehead

    def test_the_average_mask_of_an_unknown_kind(self) -> None:
        with pytest.raises(DataError):
            AverageMask("no-such-kind")


class Dimmer(Restorer):
    """Halves what the mask marks; at half the size of the images in these tests."""

    name = "dimmer"
    image_size = (16, 16)

    def restore(self, batch: FaceBatch) -> Tensor:
        return torch.where(batch.masks > 0.5, batch.images / 2, batch.images)


class Whole(Dimmer):
    """Reads no mask and repaints everything."""

    name = "whole"
    needs = frozenset()

    def restore(self, batch: FaceBatch) -> Tensor:
        return batch.images / 2


class TestOtherSizes:
    images = torch.rand(2, 3, 32, 40, generator=torch.Generator().manual_seed(0))

    def test_an_empty_mask_gives_the_image_back_bit_for_bit(self) -> None:
        from restore_recog.restoring.restoration import run_restorer

        batch = FaceBatch(self.images, torch.zeros(2, 1, 32, 40))
        assert torch.equal(run_restorer(Dimmer(), batch), self.images)
        assert torch.equal(Restoration(Dimmer())(self.images, batch.masks), self.images)

    def test_only_the_mask_changes(self) -> None:
        from restore_recog.restoring.restoration import run_restorer

        masks = torch.zeros(2, 1, 32, 40)
        masks[0, :, 9:21, 7:30] = 1
        for restored in (
            run_restorer(Dimmer(), FaceBatch(self.images, masks)),
            Restoration(Dimmer())(self.images, masks),
        ):
            changed = (restored != self.images).any(1, keepdim=True)
            assert torch.equal(changed.float(), masks)

    def test_who_reads_no_mask_may_change_everything(self) -> None:
        small = fitted(FaceBatch(self.images, torch.zeros(2, 1, 32, 40)), (16, 16))
        wanted = torch.nn.functional.interpolate(
            small.images / 2, size=(32, 40), mode="bilinear", antialias=True
        )
        assert torch.equal(Restoration(Whole())(self.images), wanted)


def test_a_detectors_identity_follows_its_weights() -> None:
    def segmenter(seed: int) -> NetSegmenter:
        torch.manual_seed(seed)
        net = torch.nn.Conv2d(3, 1, 3, padding=1)
        return NetSegmenter("net", lambda images: net(images), 8)

    def bound(seed: int) -> NetSegmenter:
        torch.manual_seed(seed)
        return NetSegmenter("net", torch.nn.Conv2d(3, 1, 3, padding=1).forward, 8)

    for make in (segmenter, bound):
        assert identity(make(1)) == identity(make(1)) != identity(make(2))

"""Training batches: who is in them, in which order, and where the landmarks go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from restore_recog.alignment import TEMPLATE, WFLW_FIVE, five_points
from restore_recog.api import Dataset
from restore_recog.errors import DataError, ImageError, RestoreRecogError, TrainingError
from restore_recog.landmarks import unknown
from restore_recog.training.augmentation import augment
from restore_recog.training.crops import Crops, collect
from restore_recog.training.drawing import Place, by_people, shuffled
from restore_recog.training.faces import TrainingFaces
from restore_recog.types import FaceBatch, FaceImage, FaceSample

SIZE = 64


class Stage(NamedTuple):
    name: str = "phase"
    batch_size: int = 6


class Album(Dataset):
    """People A, B, ... with so many flat images each; images in ``broken`` fail."""

    name = "album"

    def __init__(self, counts: Sequence[int], broken: Sequence[str] = ()) -> None:
        super().__init__()
        self.broken = set(broken)
        self.reads = 0
        self.extra: list[FaceSample] = []
        self.people = [
            FaceSample(f"{chr(65 + person)}{number}", chr(65 + person))
            for person, count in enumerate(counts)
            for number in range(count)
        ]

    def samples(self) -> Sequence[FaceSample]:
        return sorted([*self.people, *self.extra], key=lambda sample: sample.image_id)

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        self.reads += len(samples)
        return [self._read(sample) for sample in samples]

    def _read(self, sample: FaceSample) -> FaceImage | RestoreRecogError:
        if sample.image_id in self.broken:
            return ImageError(f"{sample.image_id} is torn.")
        rng = np.random.default_rng(list(sample.image_id.encode()))
        pixels = np.broadcast_to(rng.integers(60, 200, 3).astype(np.uint8), (100, 100, 3))
        return FaceImage(pixels.copy(), (TEMPLATE * 90 + 5).astype(np.float32))


def faces(counts: Sequence[int] = (4, 3, 2, 1), seed: int = 0) -> TrainingFaces:
    return TrainingFaces.from_datasets([Album(counts)], SIZE, seed=seed, progress=False)


def equal(one: FaceBatch, two: FaceBatch) -> bool:
    pairs = [
        (one.images, two.images),
        (one.masks, two.masks),
        (one.clean, two.clean),
        (one.landmarks, two.landmarks),
        (one.attributes["subject"], two.attributes["subject"]),
    ]
    return all(torch.equal(a, b) for a, b in pairs if isinstance(a, Tensor))


class TestCollect:
    def test_test_split_and_occluded_images_stay_out(self) -> None:
        album = Album([2, 2])
        album.extra = [
            FaceSample("T0", "T", attributes={"split": "test"}),
            FaceSample("R0", "R", attributes={"split": "train"}),
            FaceSample("M0", "A", condition="mask"),
        ]
        crops = collect([album], SIZE, progress=False)
        assert crops.image_ids == ("0:A0", "0:A1", "0:B0", "0:B1", "0:R0")
        assert crops.subjects.tolist() == [0, 0, 1, 1, 2]

    def test_people_of_two_data_sets_are_different_people(self) -> None:
        crops = collect([Album([1, 1]), Album([2])], SIZE, progress=False)
        assert crops.subjects.tolist() == [0, 1, 2, 2]

    def test_failures_are_listed_and_the_rest_is_used(self) -> None:
        crops = collect([Album([2, 1], broken=["A1"])], SIZE, progress=False)
        assert crops.image_ids == ("0:A0", "0:B0")
        (failure,) = crops.failures
        assert (failure.stage, failure.image_id, failure.subject) == ("read", "A1", "A")
        assert failure.reason == "A1 is torn."

    def test_landmarks_that_carry_no_covering_are_a_failure(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        album = Album([2])
        read = album._read

        def upside_down(sample: FaceSample) -> FaceImage | RestoreRecogError:
            image = read(sample)
            assert isinstance(image, FaceImage) and image.landmarks is not None
            if sample.image_id == "A1":
                return replace(image, landmarks=np.full((5, 2), 50, np.float32))
            return image

        monkeypatch.setattr(album, "_read", upside_down)
        crops = collect([album], SIZE, progress=False)
        assert [failure.stage for failure in crops.failures] == ["align"]
        assert len(crops.image_ids) == 1

    def test_nothing_left(self) -> None:
        with pytest.raises(DataError, match="may be trained on"):
            collect([Album([])], SIZE, progress=False)
        with pytest.raises(DataError, match=r"None of the 1 images.*torn"):
            collect([Album([1], broken=["A0"])], SIZE, progress=False)

    def test_limit_and_choice(self) -> None:
        assert collect([Album([3, 3])], SIZE, limit=2, progress=False).image_ids == (
            "0:A0",
            "0:A1",
        )
        only = collect([Album([3, 3])], SIZE, only={"B1"}, progress=False)
        assert only.image_ids == ("0:B1",)

    def test_cache_gives_the_same_crops_without_reading_all(self, tmp_path: Path) -> None:
        album = Album([40, 30], broken=["A7"])
        first = collect([album], SIZE, cache=tmp_path, progress=False)
        album.reads = 0
        again = collect([album], SIZE, cache=tmp_path, progress=False)
        assert album.reads < 20
        assert again.fingerprint() == first.fingerprint()
        assert again.failures == first.failures
        assert np.array_equal(np.stack(list(again.pixels)), np.stack(list(first.pixels)))

    def test_cache_is_made_anew_for_other_data(self, tmp_path: Path) -> None:
        one = collect([Album([3])], SIZE, cache=tmp_path, progress=False)
        two = collect([Album([4])], SIZE, cache=tmp_path, progress=False)
        assert len(two.image_ids) == 4 and one.fingerprint() != two.fingerprint()

    def test_damaged_cache_is_named(self, tmp_path: Path) -> None:
        collect([Album([3])], SIZE, cache=tmp_path, progress=False)
        (file,) = tmp_path.iterdir()
        file.write_bytes(file.read_bytes()[:1000])
        with pytest.raises(DataError, match=r"crops-64-.*damaged.*delete it"):
            collect([Album([3])], SIZE, cache=tmp_path, progress=False)


class TestOrder:
    def test_a_batch_is_a_pure_function(self) -> None:
        one, two = faces(), faces()
        backwards = {at: two.batch(at, Stage(), covered=0.5) for at in (18, 12, 6, 0)}
        for at in (0, 6, 12, 18):
            assert equal(one.batch(at, Stage(), covered=0.5), backwards[at])

    def test_seed_phase_and_position_matter(self) -> None:
        base = faces().batch(0, Stage(), covered=0.5)
        assert not equal(base, faces(seed=1).batch(0, Stage(), covered=0.5))
        assert not equal(base, faces().batch(0, Stage("other"), covered=0.5))
        assert not equal(base, faces().batch(6, Stage(), covered=0.5))

    def test_every_image_comes_once_an_epoch(self) -> None:
        source = faces((5, 4, 3))
        places = [Place(0, "phase", at, 6) for at in range(0, 36, 6)]
        seen = [i for at in places for i in shuffled(source.rows, at)]
        for epoch in range(3):
            assert sorted(seen[12 * epoch : 12 * epoch + 12]) == list(range(12))
        assert seen[:12] != seen[12:24]

    def test_the_batch_size_does_not_change_the_images(self) -> None:
        source = faces()
        wide = source.batch(0, Stage(batch_size=8), covered=1)
        narrow = source.batch(4, Stage(batch_size=4), covered=1)
        assert torch.equal(wide.images[4:], narrow.images)


class TestBalance:
    def test_people_times_images(self) -> None:
        source = faces((4, 3, 3, 2, 1))
        for at in range(0, 60, 6):
            batch = source.batch(at, Stage(), identities_per_batch=3, covered=0)
            counts = Counter(batch.attributes["subject"].tolist())
            assert sorted(counts.values()) == [2, 2, 2]
            assert 4 not in counts, "the person with one image is left out while others do"

    def test_all_images_of_a_person_before_one_twice(self) -> None:
        source = faces((4, 3, 2))
        members = [source.rows[source.crops.subjects == person] for person in range(3)]
        chosen = by_people(members, Place(0, "phase", 0, 12), 3)
        people = source.crops.subjects[chosen]
        assert Counter(people.tolist()) == {0: 4, 1: 4, 2: 4}
        for person, images in ((0, 4), (1, 3), (2, 2)):
            assert len(set(chosen[people == person].tolist())) == images

    def test_single_images_are_used_where_there_is_nothing_else(self) -> None:
        batch = faces((1, 1, 1)).batch(0, Stage(), identities_per_batch=3, covered=0)
        first, second = batch.images[0], batch.images[1]
        assert batch.attributes["subject"][0] == batch.attributes["subject"][1]
        assert not torch.equal(first, second)

    def test_everyone_with_several_images_comes_round(self) -> None:
        source = faces((2, 2, 2, 2, 2))
        seen: Counter[int] = Counter()
        for at in range(0, 240, 6):
            batch = source.batch(at, Stage(), identities_per_batch=3, covered=0)
            seen.update(batch.attributes["subject"].tolist())
        assert set(seen) == {0, 1, 2, 3, 4} and min(seen.values()) > 24

    @pytest.mark.parametrize(
        ("counts", "size", "people", "words"),
        [
            ((2, 2), 6, 0, "4 training images, fewer than one batch of 6"),
            ((8,), 6, 2, "images of 1 people, but every batch compares 2"),
            ((4, 4), 5, 2, "a multiple"),
        ],
    )
    def test_what_cannot_be_drawn(
        self, counts: tuple[int, ...], size: int, people: int, words: str
    ) -> None:
        with pytest.raises(TrainingError, match=words):
            faces(counts).check(size, people)


class TestPixels:
    def test_shapes_and_ranges(self) -> None:
        batch = faces().batch(0, Stage(), covered=1)
        assert batch.clean is not None and batch.landmarks is not None
        assert batch.images.shape == batch.clean.shape == (6, 3, SIZE, SIZE)
        assert batch.masks.shape == (6, 1, SIZE, SIZE)
        assert batch.landmarks.shape == (6, 5, 2)
        for tensor in (batch.images, batch.clean, batch.masks):
            assert tensor.dtype == torch.float32 and tensor.min() >= 0 and tensor.max() <= 1
        assert batch.attributes["subject"].dtype == torch.int64

    def test_all_covered(self) -> None:
        batch = faces().batch(0, Stage(), covered=1)
        assert batch.clean is not None
        assert bool((batch.masks.flatten(1).sum(1) > 50).all())
        change = (batch.images - batch.clean).abs() * (batch.masks == 0)
        # What the camera and the file do to the covered photograph, the clean one does not show.
        untouched = change.flatten(1).amax(1) == 0
        assert bool(untouched.any()) and float(change.mean()) < 0.02
        inside = (batch.masks > 0).expand_as(batch.images)
        assert (batch.images - batch.clean)[inside].abs().mean() > 0.02

    def test_none_covered(self) -> None:
        batch = faces().batch(0, Stage(), covered=0)
        assert batch.clean is not None
        assert not bool(batch.masks.any()) and torch.equal(batch.images, batch.clean)

    def test_the_share_that_is_covered(self) -> None:
        source = faces((20, 20, 20))
        masks = source.batch(0, Stage(batch_size=60), covered=0.3).masks
        assert 8 <= int(masks.flatten(1).any(1).sum()) <= 28

    def test_landmarks_follow_the_pixels(self) -> None:
        """A bright spot drawn at each landmark is found where the landmark went."""
        margin, points = 4, (TEMPLATE * SIZE).astype(np.float32)
        rows, columns = np.mgrid[: SIZE + 2 * margin, : SIZE + 2 * margin] - margin
        for spot in range(5):
            away = (columns - points[spot, 0]) ** 2 + (rows - points[spot, 1]) ** 2
            wide = (255 * np.exp(-away / 8)).astype(np.uint8)[..., None].repeat(3, axis=2)
            for seed in range(20):
                pixels, (moved,) = augment(wide, [points], SIZE, np.random.default_rng(seed))
                spots = [spot, [1, 0, 2, 4, 3][spot]]
                weight = pixels.astype(float).sum(axis=2) ** 4
                y, x = (np.mgrid[:SIZE, :SIZE] * weight).sum(axis=(1, 2)) / weight.sum()
                near = min(np.hypot(*(moved[index] - (x, y))) for index in spots)
                assert near < 0.7

    def test_98_landmarks_follow_the_five(self) -> None:
        """They go the same way; those that are not known stay so, on the other side."""
        points = (TEMPLATE * SIZE).astype(np.float32)
        many = unknown()
        many[list(WFLW_FIVE.values())] = points
        many[33] = points[0]
        wide = np.zeros((SIZE + 8, SIZE + 8, 3), np.uint8)
        sides = set()
        for seed in range(12):
            _, (five, moved) = augment(wide, [points, many], SIZE, np.random.default_rng(seed))
            assert np.allclose(five_points(moved), five, atol=1e-4)
            brow = [n for n in (33, 46) if np.isfinite(moved[n]).all()]
            assert np.isfinite(moved).sum() == 12 and len(brow) == 1
            sides.add(brow[0])
        assert sides == {33, 46}

    def test_left_stays_left_in_the_mirror(self) -> None:
        points = (TEMPLATE * SIZE).astype(np.float32)
        image = np.zeros((SIZE + 8, SIZE + 8, 3), np.uint8)
        image[:, : SIZE // 2] = 255
        sides = set()
        for seed in range(12):
            pixels, (moved,) = augment(image, [points], SIZE, np.random.default_rng(seed))
            assert moved[0, 0] < moved[1, 0] and moved[3, 0] < moved[4, 0]
            sides.add(bool(pixels[:, :8].mean() > pixels[:, -8:].mean()))
        assert sides == {True, False}

    def test_a_covering_that_fails_names_the_image(self) -> None:
        good = faces((4,)).crops
        bad = Crops(good.pixels, np.zeros_like(good.landmarks), good.image_ids, good.subjects, SIZE)
        with pytest.raises(TrainingError, match=r"0:A\d cannot be covered"):
            TrainingFaces(bad).batch(0, Stage(batch_size=4), covered=1)

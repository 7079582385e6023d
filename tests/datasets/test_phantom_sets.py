"""The AR-style and FMOR-style phantom sets: what is in them, masks, twins, light."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict

import numpy as np
import pytest
from numpy.typing import NDArray

from restore_recog.datasets.phantom import Phantom
from restore_recog.errors import DataError
from restore_recog.types import FaceImage, FaceSample

CHECKSUMS = {
    "ar/p0000/s01": "11169a365ae4ec42",
    "ar/p0007/s08-twin": "af889544bb981a56",
    "ar/p0042/s26-twin": "df2e80ef634fcd79",
    "fmor/p0003/a2-twin": "bc81e5b6d210c6f7",
    "fmor/p0059/b5": "e10d4f2c5432932e",
}


@pytest.mark.parametrize("image_id", sorted(CHECKSUMS))
def test_faces_without_coverings_are_the_same_bytes_on_every_machine(image_id: str) -> None:
    (image,) = render(Phantom(image_id.partition("/")[0]), [FaceSample(image_id, "anyone")])
    assert hashlib.sha256(image.pixels.tobytes()).hexdigest()[:16] == CHECKSUMS[image_id]


@pytest.fixture(scope="module")
def ar() -> dict[str, FaceSample]:
    return {sample.image_id: sample for sample in Phantom("ar-3").samples()}


def render(data: Phantom, samples: list[FaceSample]) -> list[FaceImage]:
    images = data.read(samples)
    assert all(isinstance(image, FaceImage) for image in images)
    return images  # type: ignore[return-value]


def points(image: FaceImage) -> NDArray[np.float32]:
    assert image.landmarks is not None
    return image.landmarks


def test_every_person_has_thirteen_shots_in_two_sessions(ar: dict[str, FaceSample]) -> None:
    taken = [sample for sample in ar.values() if "twin" not in sample.attributes]
    for subject in {sample.subject for sample in taken}:
        mine = [sample.attributes for sample in taken if sample.subject == subject]
        places = {(int(a["session"]), int(a["shot"])) for a in mine}
        assert places == {(session, shot) for session in (1, 2) for shot in range(1, 14)}
        assert len(mine) == 26
    assert len({sample.subject for sample in taken}) == 3
    assert list(ar) == sorted(ar)


def test_the_shots_mean_what_they_mean_in_ar(ar: dict[str, FaceSample]) -> None:
    worn = {8: "sunglasses", 9: "sunglasses", 10: "sunglasses"}
    worn |= {11: "scarf", 12: "scarf", 13: "scarf"}
    faces = {2: "happiness", 3: "anger", 4: "scream"}
    lamps = {5: "left", 6: "right", 7: "both", 9: "left", 10: "right", 12: "left", 13: "right"}
    for sample in ar.values():
        attributes, shot = sample.attributes, int(sample.attributes["shot"])
        twin = attributes.get("twin") == "yes"
        assert sample.condition == ("clean" if twin else worn.get(shot, "clean"))
        assert attributes["expression"] == faces.get(shot, "neutral")
        assert attributes["light"] == lamps.get(shot, "none")
        assert attributes["gender"] in ("male", "female")


@pytest.mark.parametrize("location", ["ar-2", "fmor-2"])
def test_every_occluded_image_has_a_twin_that_differs_only_in_the_mask(location: str) -> None:
    data = Phantom(location)
    samples = {sample.image_id: sample for sample in data.samples()}
    occluded = [sample for sample in samples.values() if sample.condition != "clean"]
    assert occluded
    twins = [samples[sample.clean_id or ""] for sample in occluded]
    assert all(twin.condition == "clean" and twin.attributes["twin"] == "yes" for twin in twins)
    assert [twin.subject for twin in twins] == [sample.subject for sample in occluded]
    for image, truth in zip(render(data, occluded), render(data, twins), strict=True):
        assert image.mask is not None and set(np.unique(image.mask)) == {0, 1}
        differs = (image.pixels != truth.pixels).any(axis=2)
        assert not differs[image.mask == 0].any()
        assert differs[image.mask == 1].mean() > 0.9
        assert truth.mask is None
        assert np.array_equal(points(image), points(truth))


def test_scarves_hide_the_mouth_and_sunglasses_the_eyes(ar: dict[str, FaceSample]) -> None:
    data = Phantom("ar-3")
    samples = [s for s in ar.values() if s.condition != "clean"]
    for sample, image in zip(samples, render(data, samples), strict=True):
        mouth, eyes = points(image)[76:88].mean(axis=0), points(image)[96:98]
        assert image.mask is not None
        at = [int(image.mask[round(float(y)), round(float(x))]) for x, y in (mouth, *eyes)]
        assert at == ([1, 0, 0] if sample.condition == "scarf" else [0, 1, 1]), sample.image_id


def test_light_comes_from_the_side_that_the_label_names(ar: dict[str, FaceSample]) -> None:
    data = Phantom("ar-3")
    sides = defaultdict(list)
    samples = [s for s in ar.values() if s.attributes["shot"] in ("1", "5", "6", "7")]
    for sample, image in zip(samples, render(data, samples), strict=True):
        left, right = points(image)[[7, 25]].round().astype(int)  # on the cheeks' outline
        row = slice(left[1] - 12, left[1] - 4)
        grey = image.pixels.mean(axis=2)
        bright = grey[row, left[0] + 6 : left[0] + 14].mean()
        other = grey[row, right[0] - 14 : right[0] - 6].mean()
        sides[sample.attributes["light"]].append(bright / other)
    assert min(sides["left"]) > 1.25 and max(sides["right"]) < 0.8
    for even in ("none", "both"):
        assert 0.8 < np.mean(sides[even]) < 1.25


def test_an_fmor_person_has_five_masked_and_five_unoccluded_images() -> None:
    samples = Phantom("fmor-4").samples()
    taken = [s for s in samples if "twin" not in s.attributes]
    counts = Counter((s.subject, s.condition) for s in taken)
    assert set(counts.values()) == {5} and len(counts) == 8
    assert {s.condition for s in taken} == {"clean", "mask"}
    assert all(s.attributes["mask_type"] for s in taken if s.condition == "mask")
    assert len(samples) == 4 * 15


def test_a_image_does_not_depend_on_the_size_of_its_set() -> None:
    (few,) = Phantom("ar-2").read([FaceSample("ar/p0001/s24", "x")])
    (many,) = Phantom("ar").read([FaceSample("ar/p0001/s24", "x")])
    assert isinstance(few, FaceImage) and isinstance(many, FaceImage)
    assert np.array_equal(few.pixels, many.pixels)


def test_the_sets_share_nobody_and_have_no_split() -> None:
    sets = [Phantom(location).samples() for location in ("ar-5", "fmor-5", "5x2")]
    people = [{sample.subject for sample in samples} for samples in sets]
    assert sum(map(len, people)) == len(set.union(*people)) == 5 + 5 + 10
    assert not any("split" in sample.attributes for samples in sets[:2] for sample in samples)


@pytest.mark.parametrize("location", ["ar-1", "fmor-0", "ar-10001"])
def test_impossible_numbers_of_people_are_explained(location: str) -> None:
    with pytest.raises(DataError, match="2 to 10000 people"):
        Phantom(location)


@pytest.mark.parametrize("image_id", ["ar/p0000/s27", "ar/p0000/s00", "fmor/p0000/a1", "ar/x"])
def test_an_unknown_image_is_a_recorded_error(image_id: str) -> None:
    (result,) = Phantom("ar-2").read([FaceSample(image_id, "x")])
    assert isinstance(result, DataError) and image_id in str(result)


def test_default_sizes() -> None:
    assert len({sample.subject for sample in Phantom("ar").samples()}) == 100
    assert len({sample.subject for sample in Phantom("fmor").samples()}) == 100

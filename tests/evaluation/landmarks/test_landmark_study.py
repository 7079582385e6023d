"""The study of landmarkers: errors by hand, conditions, counts, and the folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from mean_face import MEAN_FACE

from restore_recog.alignment import TEMPLATE, WFLW_FIVE, in_pixels
from restore_recog.api import Dataset, Landmarker
from restore_recog.errors import DataError, PluginError, RestoreRecogError
from restore_recog.evaluation.landmarks.errors import Errors, mean_known
from restore_recog.evaluation.landmarks.figures import (
    AS_FOUND,
    BARE,
    COVERED,
    LandmarkStudy,
    area,
    failed,
)
from restore_recog.evaluation.landmarks.study import study
from restore_recog.evaluation.run.faces import CoveringSpec
from restore_recog.landmarks import OF_68, REGIONS, of_68
from restore_recog.reporting import landmark_files
from restore_recog.types import FaceImage, FaceSample

SIDE = 64


def many(size: int = SIDE) -> np.ndarray:
    """Return (98, 2) landmarks whose five points, by either scheme, are those of the template."""
    points = in_pixels(MEAN_FACE, size)
    points[list(WFLW_FIVE.values())] = in_pixels(TEMPLATE, size)
    for pupil, first in ((96, 60), (97, 68)):
        six = [first + n for n in (0, 1, 3, 4, 5, 7)]  # those that iBUG has too
        points[six] += points[pupil] - points[six].mean(axis=0)
    return points.astype(np.float32)


class Faces(Dataset):
    """People with two images each; *kind* says what is known of them."""

    name = "faces"
    rendered = True

    def __init__(self, kind: str = "98", people: int = 3, occluded: int = 0) -> None:
        super().__init__(kind)
        self.kind = kind
        self.people = [
            FaceSample(f"{p}{n}", p, condition="mask" if n < occluded else "clean")
            for p in "abcdefgh"[:people]
            for n in range(2)
        ]

    def samples(self) -> Sequence[FaceSample]:
        train = FaceSample("z0", "z", attributes={"split": "train"})
        return [*self.people, train]

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        return [self._read(sample) for sample in samples]

    def _read(self, sample: FaceSample) -> FaceImage | RestoreRecogError:
        rng = np.random.default_rng(list(sample.image_id.encode()))
        pixels = rng.integers(0, 60, (SIDE, SIDE, 3), np.uint8) + np.uint8([0, 190, 0])
        points = many()
        if self.kind == "68":
            points = of_68(points[OF_68])
        if self.kind == "5":
            points = in_pixels(TEMPLATE, SIDE).astype(np.float32)
        unknown = self.kind == "none" or (self.kind == "some" and sample.image_id == "a1")
        return FaceImage(pixels, None if unknown else points)


class Off(Landmarker):
    """Knows where the points are; off by one pixel, by three where it sees a covering."""

    name = "off"
    image_size = (SIDE, SIDE)
    bare, covered = 1.0, 3.0

    def find(self, images: torch.Tensor) -> torch.Tensor:
        truth = torch.from_numpy(many())
        # Bare faces are green, which no covering is.
        other = (images[:, 1] - images[:, 0] < 0.3).float().mean((1, 2)) > 0.1
        shift = torch.where(other, self.covered, self.bare)
        return truth + shift.view(-1, 1, 1) * torch.tensor([1.0, 0.0])


class Blind(Off):
    """Finds no face under a covering."""

    name, covered = "blind", float("nan")


class Wide(Off):
    """Wants another shape."""

    image_size = (32, 64)


def measure(kind: str = "98", landmarker: Landmarker | None = None, **more: int) -> LandmarkStudy:
    limit = more.pop("limit", None)
    spec = CoveringSpec("surgical", seed=3)
    faces = {"faces": Faces(kind, **more)}
    return study({"off": landmarker or Off()}, faces, coverings=spec, limit=limit, worst=2)


def apart() -> float:
    points = many()
    return float(np.linalg.norm(points[60] - points[72]))


def test_errors_are_those_made_by_hand() -> None:
    (one,) = measure().standings
    assert one.known == 98 and one.rendered
    bare, covered = one.figures[BARE], one.figures[COVERED]
    assert bare["nme"].value == pytest.approx(1 / apart(), rel=1e-4)
    assert covered["nme"].value == pytest.approx(3 / apart(), rel=1e-4)
    assert covered["ratio"].value == pytest.approx(3, rel=1e-4)
    assert covered["ratio"].n == 6 and covered["ratio"].n_subjects == 3
    assert covered["ratio_hidden"].value == pytest.approx(3, rel=1e-4)
    eyes = 0.3 * SIDE
    assert bare["five"].value == pytest.approx(1 / eyes, rel=1e-4)
    assert {f"nme_{name}" for name in REGIONS} <= bare.keys()
    # On bare faces the points that a covering hides later; the mouth is among them, brows are not.
    hidden = one.errors[COVERED].hidden
    assert hidden[:, 76:96].all() and not hidden[:, 33:51].any()
    assert not one.errors[BARE].hidden.any()
    assert bare["nme_hidden"].value == pytest.approx(1 / apart(), rel=1e-4)


def test_failures_and_the_area_under_the_curve() -> None:
    samples = [FaceSample(str(n), str(n)) for n in range(4)]
    points = np.tile(np.array([0.02, 0.1, 0.3, np.nan])[:, None], (1, 98))
    errors = Errors(
        samples,
        [""] * 4,
        points,
        np.zeros(4),
        np.zeros((4, 98), bool),
        np.array([False, False, False, True]),
        np.zeros((4, 98, 2), np.float32),
    )
    assert failed(errors).tolist() == [False, False, True, True]
    assert area(errors).tolist() == pytest.approx([0.8, 0, 0, 0])
    # The same as the integral of the curve.
    grid = np.linspace(0, 0.1, 100_001)
    curve = (points[:3, 0] <= grid[:, None]).sum(axis=1) / 4
    assert area(errors).mean() == pytest.approx(curve.mean(), abs=1e-4)


def test_a_mean_of_nothing_is_unknown() -> None:
    rows = np.array([[1, np.nan, 3], [np.nan] * 3])
    assert mean_known(rows).tolist() == pytest.approx([2, np.nan], nan_ok=True)


def test_68_points_are_measured_where_they_are_known() -> None:
    (one,) = measure("68").standings
    assert one.known == 68
    assert one.figures[BARE]["nme"].value == pytest.approx(1 / apart(), rel=1e-3)


def test_five_points_are_measured_by_the_eyes() -> None:
    (one,) = measure("5").standings
    assert one.known == 5
    assert one.figures[BARE]["nme"].value == pytest.approx(1 / (0.3 * SIDE), rel=1e-4)
    assert one.figures[COVERED]["ratio"].value == pytest.approx(3, rel=1e-4)
    assert not any(name.startswith("nme_") for name in one.figures[BARE])


def test_where_none_are_found_is_a_failure_and_in_no_mean(tmp_path: Path) -> None:
    made = measure(landmarker=Blind())
    (one,) = made.standings
    covered = one.figures[COVERED]
    assert "nme" not in covered and "ratio" not in covered
    assert (covered["missed"].value, covered["failure"].value, covered["auc"].value) == (1, 1, 0)
    assert one.figures[BARE]["missed"].value == 0
    assert "off found no landmarks on 6 of 6 faces of faces, covered." in landmark_files.text(made)
    landmark_files.write(made, tmp_path / "out")
    assert (tmp_path / "out" / "figures" / "curve.png").is_file()


def test_faces_that_are_occluded_as_found_stand_apart() -> None:
    (one,) = measure(occluded=1).standings
    assert list(one.figures) == [BARE, COVERED, AS_FOUND]
    assert [len(errors.samples) for errors in one.errors.values()] == [3, 3, 3]
    assert set(one.errors[AS_FOUND].coverings) == {"mask"}


def test_images_without_landmarks_are_counted_and_no_detector_is_asked() -> None:
    made = measure("some")
    assert [failure.image_id for failure in made.failures] == ["a1"]
    assert "nothing to measure" in made.failures[0].reason
    assert "1 images could not be used" in landmark_files.text(made)
    assert made.notes[0] == "1 training images of faces are left out."
    with pytest.raises(DataError, match=r"None of the 6 images could be used.*knows no landmarks"):
        measure("none")


def test_a_limit_draws_the_same_faces_again() -> None:
    first, second = (measure(limit=3).standings[0].errors[BARE].samples for _ in range(2))
    assert first == second and len(first) == 3


def test_images_must_be_square() -> None:
    with pytest.raises(PluginError, match="wants images of 64 x 32 pixels"):
        measure(landmarker=Wide())


def table(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def test_the_folder_holds_everything(tmp_path: Path) -> None:
    made = measure()
    folder = tmp_path / "out"
    landmark_files.write(made, folder)
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert names == [
        *("faces.csv", "failures.csv", "figures/curve.png", "figures/worst.png"),
        *("landmarks.csv", "landmarks.html", "landmarks.json"),
    ]
    facts = json.loads((folder / "landmarks.json").read_text())
    (standing,) = facts["standings"]
    assert standing["points"] == 98
    assert standing["figures"]["covered"]["ratio"]["value"] == pytest.approx(3, rel=1e-4)
    rows = table(folder / "landmarks.csv")
    assert [row["condition"] for row in rows] == ["bare", "covered"]
    assert float(rows[0]["nme"]) == pytest.approx(100 / apart(), abs=0.01)
    faces = table(folder / "faces.csv")
    assert len(faces) == 12 and faces[0]["hidden"] == "" and faces[-1]["hidden"] != ""
    assert float(faces[0]["error"]) == pytest.approx(1 / apart(), rel=1e-4)
    page = (folder / "landmarks.html").read_text()
    for words in ("Cumulative error curves", "faces (98 points), covered", "synthetic faces"):
        assert words in page
    assert len(made.standings[0].worst) == 2

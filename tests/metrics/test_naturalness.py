"""NIQE and BRISQUE: distributions whose shape is known, and models whose answers are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from restore_recog.errors import WeightsError
from restore_recog.metrics import naturalness
from restore_recog.metrics.perceptual import Brisque, Niqe

if TYPE_CHECKING:
    from sklearn.svm import SVR  # slow to import, and few tests need it

Plane = NDArray[np.float64]


def texture(side: int = 192, seed: int = 0, blur: float = 2.0) -> Plane:
    noise = np.random.default_rng(seed).normal(0, 1, (side, side))
    smooth = cv2.GaussianBlur(noise, (0, 0), blur)
    return np.asarray(np.round(128 + 40 * smooth / smooth.std()).clip(0, 255))


def test_the_shape_of_known_distributions_is_found() -> None:
    rng = np.random.default_rng(0)
    shape, deviation = naturalness.symmetric(rng.normal(0, 3, 200_000))
    assert shape == pytest.approx(2, abs=0.05) and deviation == pytest.approx(3, abs=0.03)
    assert naturalness.symmetric(rng.laplace(0, 1, 200_000))[0] == pytest.approx(1, abs=0.03)


def test_the_two_sides_of_a_skewed_distribution_are_found() -> None:
    # Two half normals of widths 1 and 3, as often as they are wide.
    rng = np.random.default_rng(1)
    left, right = -np.abs(rng.normal(0, 1, 50_000)), np.abs(rng.normal(0, 3, 150_000))
    shape, low, high = naturalness.asymmetric(np.concatenate([left, right]))
    assert shape == pytest.approx(2, abs=0.06)
    assert (low, high) == (pytest.approx(1, abs=0.03), pytest.approx(3, abs=0.05))


def test_brightness_is_a_weighted_mean_in_whole_numbers() -> None:
    image = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert naturalness.luminance(image).tolist() == [[76, 150, 29, 255]]


def test_local_normalising_takes_brightness_and_contrast_away() -> None:
    plane = texture()
    low = naturalness.normalised(plane, cv2.BORDER_REPLICATE)
    high = naturalness.normalised(plane + 40, cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(low, high, atol=1e-6)
    assert np.abs(naturalness.normalised(np.full((20, 20), 9.0), cv2.BORDER_REPLICATE)).max() == 0


def test_half_the_size_is_rounded_up_and_keeps_the_mean() -> None:
    plane = texture(33)
    assert naturalness.half(plane).shape == (17, 17)
    np.testing.assert_allclose(naturalness.half(np.full((10, 12), 7.0)), 7)


def test_every_block_has_thirty_six_features() -> None:
    assert naturalness.niqe_features(texture(200)).shape == (4, 36)
    assert naturalness.brisque_features(texture(64)).shape == (36,)
    with pytest.raises(ValueError, match="96 x 96"):
        naturalness.niqe_features(texture(64))


def test_the_distance_is_that_of_mahalanobis() -> None:
    features = np.array([[1.0, 0.0], [3.0, 0.0], [2.0, 3.0], [2.0, -3.0]])  # mean (2, 0)
    # covariance diag(2/3, 6); pooled with diag(4/3, 2) it is diag(1, 4): sqrt(4/1 + 16/4)
    distance = naturalness.niqe(features, np.array([4.0, 4.0]), np.diag([4 / 3, 2.0]))
    assert distance == pytest.approx(np.sqrt(8))
    assert np.isnan(naturalness.niqe(features[:1], np.zeros(2), np.eye(2)))


def test_niqe_rises_as_a_image_is_spoilt(tmp_path: Path) -> None:
    blocks = np.concatenate([naturalness.niqe_features(texture(384, seed)) for seed in range(3)])
    model = {"mu_prisparam": blocks.mean(0)[None], "cov_prisparam": np.cov(blocks.T)}
    savemat(tmp_path / "modelparameters.mat", model)
    judge = Niqe(tmp_path / "modelparameters.mat")
    rng = np.random.default_rng(0)
    planes = [texture(384, 9) + rng.normal(0, sd, (384, 384)) for sd in (0, 10, 30)]
    images = [np.repeat(p.clip(0, 255).astype(np.uint8)[..., None], 3, 2) for p in planes]
    good, worse, worst = judge(images)
    assert 0 < good < worse < worst


def written(folder: Path, model: SVR, low: Plane, high: Plane) -> Path:
    """Write a regression as libsvm's text, and ranges as svm-scale's."""
    lines = ["svm_type epsilon_svr", "kernel_type rbf", f"gamma {model.gamma!r}", "nr_class 2"]
    lines += [f"total_sv {len(model.support_)}", f"rho {-float(model.intercept_[0])!r}", "SV"]
    for weight, vector in zip(model.dual_coef_[0], model.support_vectors_, strict=True):
        entries = " ".join(f"{i}:{float(v)!r}" for i, v in enumerate(vector, 1) if v)
        lines.append(f"{float(weight)!r} {entries}")
    (folder / "allmodel").write_text("\n".join(lines) + "\n")
    limits = [
        f"{i} {float(a)!r} {float(b)!r}" for i, (a, b) in enumerate(zip(low, high, strict=True), 1)
    ]
    (folder / "allrange").write_text("\n".join(["x", "-1 1", *limits]) + "\n")
    return folder / "allmodel"


def test_brisque_says_what_the_regression_says(tmp_path: Path) -> None:
    from sklearn.svm import SVR

    rng = np.random.default_rng(0)
    low, high = np.full(36, -2.0), np.linspace(1, 3, 36)
    scaled = rng.uniform(-1, 1, (40, 36))
    model = SVR(kernel="rbf", gamma=0.05, epsilon=0.1).fit(scaled, 50 + 20 * scaled[:, 0])
    judge = Brisque(written(tmp_path, model, low, high))
    unseen = rng.uniform(-1, 1, (5, 36))
    raw = low + (unseen + 1) / 2 * (high - low)
    np.testing.assert_allclose([judge.score(row) for row in raw], model.predict(unseen))


def test_a_image_without_texture_has_no_brisque(tmp_path: Path) -> None:
    from sklearn.svm import SVR

    model = SVR(gamma=0.05).fit(np.eye(36), np.arange(36))
    judge = Brisque(written(tmp_path, model, np.zeros(36), np.ones(36)))
    assert np.isnan(judge([np.full((64, 64, 3), 90, np.uint8)])[0])


@pytest.mark.parametrize(
    "content", [b"", b"svm_type c_svc\nkernel_type rbf\nSV\n", b"\xff\xfe", b"svm_type epsilon_svr"]
)
def test_another_file_is_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "allmodel"
    path.write_bytes(content)
    (tmp_path / "allrange").write_text("x\n-1 1\n" + "".join(f"{i} 0 1\n" for i in range(1, 37)))
    for kind in (Niqe, Brisque):
        with pytest.raises(
            WeightsError, match=r"cannot be used as the model of .*give the authors'"
        ):
            kind(path)


def test_a_model_of_other_shapes_is_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "m.mat", {"mu_prisparam": np.zeros(3), "cov_prisparam": np.eye(3)})
    with pytest.raises(WeightsError, match="wrong shapes"):
        Niqe(tmp_path / "m.mat")


def test_brisque_needs_its_ranges(tmp_path: Path) -> None:
    (tmp_path / "allmodel").write_text("svm_type epsilon_svr\n")
    with pytest.raises(WeightsError, match="allrange beside it"):
        Brisque(tmp_path / "allmodel")

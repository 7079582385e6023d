"""The same figures from scikit-learn, torchmetrics and scikit-image, and where they differ.

Each difference that a test shows is named in ``docs/metrics.md``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from restore_recog.metrics.quality import dice, iou, l1_error, l2_error, psnr, ssim
from restore_recog.metrics.verification import (
    det_curve,
    equal_error_rate,
    fnmr_at_fmr,
    rates_at_threshold,
)

INF = math.inf


def scores(seed, decimals=1):
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(1, 1, 80), decimals), np.round(rng.normal(0, 1, 120), decimals)


def labelled(genuine, impostor):
    return np.repeat([1, 0], [len(genuine), len(impostor)]), np.concatenate([genuine, impostor])


def images(count=4):
    rng = np.random.default_rng(0)
    a = rng.random((count, 40, 33, 3)).astype(np.float32)
    return a, np.clip(a + rng.normal(0, 0.2, a.shape), 0, 1).astype(np.float32)


def tensors(*batches):
    torch = pytest.importorskip("torch")
    return [torch.from_numpy(batch).permute(0, 3, 1, 2) for batch in batches]


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_sklearn_det_curve_is_ours_without_its_flat_ends(decimals):
    metrics = pytest.importorskip("sklearn.metrics")
    genuine, impostor = scores(5, decimals)
    fmr, fnmr, thresholds = metrics.det_curve(*labelled(genuine, impostor), drop_intermediate=False)
    curve = det_curve(genuine, impostor)
    ours = {t: (x, y) for t, x, y in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True)}
    assert len(thresholds) > 4
    for t, x, y in zip(thresholds, fmr, fnmr, strict=True):
        assert ours[t] == pytest.approx((x, y), abs=1e-12)
    # It leaves out points that change no rate at the two ends, and nothing else.
    left_out = [t for t in curve.thresholds if t not in set(thresholds.tolist())]
    for t in left_out:
        fmr_at, fnmr_at = ours[t]
        assert fnmr_at == fnmr.min() or fmr_at == fmr.min()


def test_sklearn_det_curve_takes_a_failed_comparison_for_a_low_score():
    """There -inf is a threshold like any other, and the first point accepts failures."""
    metrics = pytest.importorskip("sklearn.metrics")
    genuine, impostor = [0.9, 0.4, -INF], [0.1, 0.5, -INF]
    labels, values = labelled(genuine, impostor)
    with pytest.raises(ValueError, match="infinity"):
        metrics.det_curve(labels, values)
    lowest = np.where(np.isneginf(values), -9.0, values)
    fmr, fnmr, _ = metrics.det_curve(labels, lowest)
    assert (fmr[0], fnmr[0]) == (1.0, 0.0)
    curve = det_curve(genuine, impostor)
    assert (curve.fmr[0], curve.fnmr[0]) == pytest.approx((2 / 3, 1 / 3))


@pytest.mark.parametrize("seed", range(6))
def test_torchmetrics_eer_is_a_mean_of_the_two_rates_ours_an_interpolation(seed):
    torch = pytest.importorskip("torch")
    classification = pytest.importorskip("torchmetrics.functional.classification")
    # Scores outside [0, 1] would be sent through a sigmoid there.
    genuine, impostor = (np.round(1 / (1 + np.exp(-side)), 2) for side in scores(seed))
    labels, values = labelled(genuine, impostor)
    theirs = float(classification.binary_eer(torch.tensor(values), torch.tensor(labels)))
    curve = det_curve(genuine, impostor)
    closest = np.argmin(np.abs(curve.fmr - curve.fnmr)[::-1])  # from strict to lax, as there
    expected = (curve.fmr[::-1][closest] + curve.fnmr[::-1][closest]) / 2
    assert theirs == pytest.approx(expected, abs=1e-6)
    ours = equal_error_rate(genuine, impostor)
    step = np.max(np.diff(curve.fnmr)) + np.max(-np.diff(curve.fmr))
    assert abs(theirs - ours.value) <= step


def test_torchmetrics_thresholds_are_rounded_scores_through_a_sigmoid():
    """In float32 far out on the sigmoid, two scores become one."""
    torch = pytest.importorskip("torch")
    classification = pytest.importorskip("torchmetrics.functional.classification")
    values, labels = torch.tensor([20.0, 21.0]), torch.tensor([0, 1])
    assert float(classification.binary_eer(values, labels)) == 0.5
    assert equal_error_rate([21.0], [20.0]).value == 0.0


def test_sklearn_roc_thinned_and_read_nearest_misses_the_operating_point():
    metrics = pytest.importorskip("sklearn.metrics")
    genuine, impostor = np.linspace(0.5, 0.9, 50), np.linspace(0.0, 0.6, 150)
    fpr, tpr, _ = metrics.roc_curve(*labelled(genuine, impostor), drop_intermediate=False)
    best = 1 - tpr[fpr <= 0.1].max()
    point = fnmr_at_fmr(genuine, impostor, 0.1)
    assert point.fnmr == pytest.approx(best) and point.achieved_fmr <= 0.1
    assert rates_at_threshold(genuine, impostor, point.threshold) == (
        point.achieved_fmr,
        point.fnmr,
    )


def test_psnr_and_errors_are_theirs_per_image():
    a, b = images()
    skimage = pytest.importorskip("skimage.metrics")
    expected = [
        skimage.peak_signal_noise_ratio(x, y, data_range=1.0) for x, y in zip(a, b, strict=True)
    ]
    assert psnr(a, b) == pytest.approx(expected, abs=1e-6)
    expected = [skimage.mean_squared_error(x, y) for x, y in zip(a, b, strict=True)]
    assert l2_error(a, b) == pytest.approx(expected, abs=1e-8)
    image = pytest.importorskip("torchmetrics.functional.image")
    regression = pytest.importorskip("torchmetrics.functional.regression")
    x, y = tensors(a, b)
    theirs = image.peak_signal_noise_ratio(x, y, data_range=1.0, reduction="none", dim=(1, 2, 3))
    assert psnr(a, b) == pytest.approx(theirs.numpy(), abs=1e-4)
    theirs = regression.mean_absolute_error(x.reshape(-1), y.reshape(-1))
    assert l1_error(a, b).mean() == pytest.approx(float(theirs), abs=1e-6)


def test_torchmetrics_psnr_of_a_batch_is_not_the_mean_of_its_images():
    image = pytest.importorskip("torchmetrics.functional.image")
    a, b = images(2)
    b[0] = a[0] + 0.01 * (b[0] - a[0])
    pooled = float(image.peak_signal_noise_ratio(*tensors(a, b), data_range=1.0))
    assert pooled == pytest.approx(-10 * np.log10(l2_error(a, b).mean()), abs=1e-4)
    assert psnr(a, b).mean() > pooled + 10


def test_ssim_is_scikit_images_with_the_options_of_the_paper():
    metrics = pytest.importorskip("skimage.metrics")
    a, b = (batch[0] for batch in images())
    mask = np.zeros((40, 33), dtype=bool)
    mask[10:25, 8:20] = True
    paper = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    value, full = metrics.structural_similarity(
        a, b, data_range=1.0, channel_axis=-1, full=True, **paper
    )
    assert ssim(a, b) == pytest.approx(value, abs=1e-6)
    assert ssim(a, b, mask) == pytest.approx(full[mask].mean(), abs=1e-6)
    # Its defaults are another figure: 7 x 7 flat windows and sample covariances.
    flat = metrics.structural_similarity(a, b, data_range=1.0, channel_axis=-1)
    assert abs(flat - ssim(a, b)) > 1e-3


def test_torchmetrics_ssim_counts_mirrored_borders_ours_does_not():
    image = pytest.importorskip("torchmetrics.functional.image")
    a, b = images()
    value, full = image.structural_similarity_index_measure(
        *tensors(a, b), data_range=1.0, reduction="none", return_full_image=True
    )
    inner = full[:, :, 5:-5, 5:-5].mean(dim=(1, 2, 3))
    assert ssim(a, b) == pytest.approx(inner.numpy(), abs=1e-4)
    assert np.abs(ssim(a, b) - value.numpy()).max() > 1e-4
    assert ssim(a, b) == pytest.approx(value.numpy(), abs=0.01)


def test_mask_figures_are_theirs_but_for_two_empty_masks():
    torch = pytest.importorskip("torch")
    classification = pytest.importorskip("torchmetrics.functional.classification")
    a, b = np.random.default_rng(3).random((2, 9, 7)) < 0.4
    x, y = torch.from_numpy(a).long(), torch.from_numpy(b).long()
    assert iou(a, b) == pytest.approx(float(classification.binary_jaccard_index(x, y)))
    assert dice(a, b) == pytest.approx(float(classification.binary_f1_score(x, y)))
    empty = torch.zeros_like(x)
    assert float(classification.binary_jaccard_index(empty, empty)) == 0.0
    assert iou(empty.numpy(), empty.numpy()) == dice(empty.numpy(), empty.numpy()) == 1.0

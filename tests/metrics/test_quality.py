"""Image and mask figures by hand, and by a pixel loop."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from restore_recog.metrics.quality import (
    dice,
    iou,
    l1_error,
    l2_error,
    pixel_accuracy,
    psnr,
    sharpness,
    ssim,
    whole_and_inside,
)


def images(*shape, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.random((*shape, 3)).astype(np.float32)
    return a, np.clip(a + rng.normal(0, 0.2, a.shape), 0, 1).astype(np.float32)


def oracle_ssim(a, b, row, column, channel):
    """One window of the definition, written out."""
    weights, xs, ys = [], [], []
    for i in range(-5, 6):
        for j in range(-5, 6):
            weights.append(math.exp(-(i * i + j * j) / (2 * 1.5**2)))
            xs.append(float(a[row + i, column + j, channel]))
            ys.append(float(b[row + i, column + j, channel]))
    total = sum(weights)
    weights = [w / total for w in weights]
    mx = sum(w * x for w, x in zip(weights, xs, strict=True))
    my = sum(w * y for w, y in zip(weights, ys, strict=True))
    vx = sum(w * (x - mx) ** 2 for w, x in zip(weights, xs, strict=True))
    vy = sum(w * (y - my) ** 2 for w, y in zip(weights, ys, strict=True))
    cov = sum(w * (x - mx) * (y - my) for w, x, y in zip(weights, xs, ys, strict=True))
    c1, c2 = 1e-4, 9e-4
    top = (2 * mx * my + c1) * (2 * cov + c2)
    return top / ((mx**2 + my**2 + c1) * (vx + vy + c2))


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_ssim_of_one_window_is_the_definition(channel):
    a, b = images(16, 15)
    mask = np.zeros((16, 15), dtype=np.uint8)
    mask[7, 6] = 1
    expected = np.mean([oracle_ssim(a, b, 7, 6, c) for c in range(3)])
    assert ssim(a, b, mask) == pytest.approx(expected, abs=1e-9)
    # One channel alone: the other two are identical and score 1.
    only = a.copy()
    only[..., channel] = b[..., channel]
    expected = (oracle_ssim(a, b, 7, 6, channel) + 2) / 3
    assert ssim(a, only, mask) == pytest.approx(expected, abs=1e-9)


def test_ssim_of_a_whole_image_is_the_mean_of_full_windows():
    a, b = images(14, 13)
    expected = np.mean(
        [oracle_ssim(a, b, i, j, c) for i in range(5, 9) for j in range(5, 8) for c in range(3)]
    )
    assert ssim(a, b) == pytest.approx(expected, abs=1e-9)
    assert ssim(a, b, np.ones((14, 13))) == pytest.approx(expected, abs=1e-9)


def test_ssim_limits():
    a, _ = images(20, 20)
    assert ssim(a, a) == pytest.approx(1.0)
    black, white = np.zeros((11, 11, 3)), np.ones((11, 11, 3))
    assert ssim(black, white) == pytest.approx(1e-4 / (1 + 1e-4))
    with pytest.raises(ValueError, match="at least 11 x 11"):
        ssim(black[:10], white[:10])
    frame = np.ones((20, 20), dtype=bool)
    frame[5:-5, 5:-5] = False
    assert np.isnan(ssim(a, a, frame))  # no window of these pixels lies in the image


def test_psnr_by_hand():
    a = np.zeros((4, 4, 3))
    assert psnr(a, a + 0.1) == pytest.approx(20.0)
    assert psnr(a, a + 1.0) == pytest.approx(0.0)
    assert psnr(a, a) == math.inf
    one = a.copy()
    one[0, 0, 0] = 1.0  # 1 of 48 values
    assert psnr(a, one) == pytest.approx(10 * math.log10(48))
    mask = np.zeros((4, 4))
    mask[0, :2] = 1  # 1 of 6 values inside
    assert psnr(a, one, mask) == pytest.approx(10 * math.log10(6))
    assert psnr(a, one, 1 - mask) == math.inf


def test_errors_by_hand_and_on_the_wide_range():
    a, b = np.full((2, 2, 3), 0.25), np.full((2, 2, 3), 0.75)
    assert l1_error(a, b) == 0.5 and l2_error(a, b) == 0.25
    # The same images on [-1, 1] are -0.5 and 0.5.
    assert l1_error(a, b, data_range=2) == 1.0 and l2_error(a, b, data_range=2) == 1.0


@pytest.mark.parametrize("figure", [psnr, ssim, l1_error, l2_error])
def test_a_batch_is_its_images(figure):
    a, b = images(5, 14, 16)
    masks = np.random.default_rng(1).random((5, 14, 16)) < 0.5
    assert figure(a, b).shape == (5,)
    assert figure(a[0], b[0]).shape == ()
    assert figure(a[:0], b[:0]).shape == (0,)
    for chosen in (None, masks):
        alone = [figure(a[i], b[i], None if chosen is None else chosen[i]) for i in range(5)]
        assert np.allclose(figure(a, b, chosen), alone, rtol=0, atol=1e-12)
    shared = [figure(a[i], b[i], masks[0]) for i in range(5)]
    assert np.allclose(figure(a, b, masks[0]), shared, rtol=0, atol=1e-12)


@pytest.mark.parametrize("figure", [psnr, ssim, l1_error, l2_error])
def test_empty_mask_is_nan_beside_sound_images(figure):
    a, b = images(2, 14, 14)
    masks = np.stack([np.zeros((14, 14)), np.ones((14, 14))])
    result = figure(a, b, masks)
    assert np.isnan(result[0]) and result[1] == pytest.approx(figure(a[1], b[1]))


@pytest.mark.parametrize("figure", [psnr, ssim, l1_error, l2_error])
def test_other_images_are_refused(figure):
    a, b = images(14, 14)
    bytes_ = (a * 255).astype(np.uint8)
    for x, y, message in (
        (bytes_, bytes_, "float in"),
        (a * 255, b, "lie in"),
        (a - 0.5, b, "lie in"),
        (a, np.where(b < 0.5, np.nan, b), "lie in"),
        (a, b[:13], "one shape"),
        (a[..., :1], b[..., :1], "one shape"),
    ):
        with pytest.raises(ValueError, match=message):
            figure(x, y)
    with pytest.raises(ValueError, match="0 and 1 only"):
        figure(a, b, a[..., 0])
    with pytest.raises(ValueError, match="mask of shape"):
        figure(a, b, np.ones((13, 14)))


def test_together_they_are_what_each_is_alone():
    a, b = images(2, 20, 24)
    mask = np.zeros((20, 24), np.uint8)
    mask[6:15, 8:20] = 1
    alone = {"psnr": psnr, "ssim": ssim, "l1": l1_error, "l2": l2_error}
    together = whole_and_inside(a, b, mask)
    for name, figure in alone.items():
        assert np.array_equal(together.pop(name), figure(a, b))
        assert np.array_equal(together.pop(f"{name}_mask"), figure(a, b, mask))
    assert not together and set(whole_and_inside(a, b, None)) == set(alone)


def test_mask_figures_by_hand():
    a = np.array([[1, 1, 0, 0]], dtype=np.uint8)
    b = np.array([[1, 0, 1, 0]], dtype=np.uint8)
    assert dice(a, b) == 0.5 and iou(a, b) == pytest.approx(1 / 3) and pixel_accuracy(a, b) == 0.5
    none = np.zeros_like(a)
    assert dice(a, none) == 0.0 and iou(a, none) == 0.0
    assert dice(none, none) == 1.0 and iou(none, none) == 1.0 and pixel_accuracy(none, none) == 1.0


def test_masks_in_a_batch_are_judged_one_by_one():
    rng = np.random.default_rng(2)
    a, b = rng.random((2, 6, 9, 7)) < 0.4
    for i in range(6):
        pairs = list(zip(a[i].ravel().tolist(), b[i].ravel().tolist(), strict=True))
        both, either = pairs.count((True, True)), len(pairs) - pairs.count((False, False))
        assert dice(a, b)[i] == pytest.approx(2 * both / (a[i].sum() + b[i].sum()))
        assert iou(a, b)[i] == pytest.approx(both / either)
        agree = sum(x == y for x, y in pairs) / len(pairs)
        assert pixel_accuracy(a, b)[i] == pytest.approx(agree)
    assert np.array_equal(dice(a, b), dice(b.astype(np.float32), a.astype(np.float32)))


@pytest.mark.parametrize("figure", [dice, iou, pixel_accuracy])
def test_grey_masks_are_refused(figure):
    with pytest.raises(ValueError, match="threshold them first"):
        figure([[0.3, 1.0]], [[0.0, 1.0]])
    with pytest.raises(ValueError, match="one shape"):
        figure([[0, 1]], [[0, 1], [1, 1]])


def test_sharpness_is_that_of_the_truth() -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(0.3, 0.7, (2, 24, 24, 3))
    mask = np.zeros((24, 24))
    mask[6:18, 6:18] = 1
    np.testing.assert_allclose(sharpness(truth, truth, mask), 1)
    half = 0.5 + (truth - 0.5) / 2
    np.testing.assert_allclose(sharpness(half, truth, mask), 0.5)
    blurred = np.stack([cv2.GaussianBlur(one, (0, 0), 2) for one in truth])
    assert (sharpness(blurred, truth, mask) < 0.2).all()
    edged = np.where(mask[..., None] > 0, truth, 0)  # beside the mask only
    np.testing.assert_allclose(sharpness(edged, truth, mask), 1)
    by_hand = cv2.Laplacian(half[0].mean(-1), cv2.CV_64F)[7:17, 7:17].std()
    truly = cv2.Laplacian(truth[0].mean(-1), cv2.CV_64F)[7:17, 7:17].std()
    np.testing.assert_allclose(sharpness(half[0], truth[0], mask), by_hand / truly)
    flat = np.full_like(truth[0], 0.5)
    assert sharpness(flat, truth[0], mask) == 0
    assert np.isnan(sharpness(truth[0], flat, mask))
    assert np.isnan(sharpness(truth[0], truth[0], np.zeros((24, 24))))
    with pytest.raises(ValueError, match="A mask of shape"):
        sharpness(truth[0], truth[0], mask[1:])

"""What the columns of the papers' tables mean, and which figure of ours stands beside them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One column of a published table.

    Attributes:
        label: Its head.
        unit: Of the paper's numbers, e.g. ``dB`` or ``%``; empty for a pure number.
        better: ``higher`` or ``lower``.
        figure: Our figure (see :class:`~restore_recog.evaluation.results.ArmReport`), or None
            where an evaluation measures nothing of the kind.
        factor: Our figure times this is in the paper's unit.
        definition: What ours is, and what the paper leaves open; goes beneath the table.
        recognition: Whether it depends on the recogniser.
    """

    label: str
    unit: str
    better: str
    figure: str | None
    definition: str
    factor: float = 1.0
    recognition: bool = False


_SIMILAR = "mean over the whole images, not inside the mask alone"
_OTHER = "the level depends on the recogniser, which is not the paper's"
_EXPRESSION = "measured by a network of the paper's that we do not have"

METRICS: dict[str, Metric] = {
    "psnr": Metric(
        "PSNR",
        "dB",
        "higher",
        "psnr",
        f"peak 1, {_SIMILAR}; the paper does not say whether decibels or errors are averaged "
        "(ours: decibels, which gives the higher figure)",
    ),
    "ssim": Metric(
        "SSIM",
        "",
        "higher",
        "ssim",
        f"Gaussian window of 11 x 11 on RGB, constants 0.01 and 0.03, {_SIMILAR}; the paper "
        "names no window",
    ),
    "l1": Metric(
        "L1",
        "%",
        "lower",
        "l1",
        "mean absolute difference of images on [-1, 1], twice that on [0, 1]: the scale is "
        "inferred from l2, the paper names none",
        factor=200.0,
    ),
    "l2": Metric(
        "L2",
        "%",
        "lower",
        "l2",
        "mean squared difference of images on [-1, 1], four times that on [0, 1]: the paper "
        "names no scale, but its L2 and PSNR go together on this one only",
        factor=400.0,
    ),
    "fid": Metric(
        "FID",
        "",
        "lower",
        "fid",
        "Inception features; depends on the number of images and on the copy of the network",
    ),
    "niqe": Metric("NIQE", "", "lower", "niqe", "needs no truth; depends on the library's model"),
    "brisque": Metric(
        "BRISQUE", "", "lower", "brisque", "needs no truth; depends on the library's model"
    ),
    "dice": Metric("Dice", "%", "higher", "dice", "mean over the images' masks", factor=100.0),
    "pixel_accuracy": Metric(
        "pixel accuracy", "%", "higher", None, "not a figure of an evaluation"
    ),
    "rank1": Metric(
        "rank-1",
        "%",
        "higher",
        "rank1",
        f"{_OTHER}; nor does the paper tell its gallery. Ties count as misses here",
        factor=100.0,
        recognition=True,
    ),
    "cosine": Metric(
        "cosine",
        "",
        "higher",
        "cosine",
        f"with one random unoccluded image of the person; {_OTHER}",
        recognition=True,
    ),
    "eer": Metric(
        "EER", "%", "lower", "eer", f"of the pairs; {_OTHER}", factor=100.0, recognition=True
    ),
    "fnmr1": Metric(
        "FNMR at FMR 1 %",
        "%",
        "lower",
        "fnmr@fmr=0.01",
        f"of the pairs; {_OTHER}",
        factor=100.0,
        recognition=True,
    ),
    "ms_ar": Metric("AR", "ms an image", "lower", None, "time on one graphics card"),
    "ms_celeba": Metric("S-CelebA", "ms an image", "lower", None, "time on one graphics card"),
    "ms_fmor": Metric("FMOR", "ms an image", "lower", None, "time on one graphics card"),
    "dissimilarity": Metric(
        "1 - SSIM", "", "lower", None, "the paper's column 'SSIM', which it says is 1 - SSIM"
    ),
    "fid_vgg": Metric(
        "FID (VGG-19)", "", "lower", None, "of VGG-19 features, so no FID in the usual sense"
    ),
    "perceptual": Metric("perceptual loss", "", "lower", None, _EXPRESSION),
    "expression": Metric("recognised", "%", "higher", None, _EXPRESSION),
}
"""Key in the tables' files -> what it means."""

"""GANMasker's sizes and schedules as data, and the reading of options.

Source: section 4.2 for ``paper``: 25 and 100 epochs of 20,000 training pairs (80 % of 25,000),
batches of 32 at 256 pixels and of 8 at 512, learning rate 0.001, a tenth of it from iterations
30,000, 40,000 and 45,000 on.

Deviation: widths, loss weights, optimiser and discriminator are not in the paper. Widths and
weights are those of the works of its family; ``lr_critic`` is lower than ``lr``, at which a
least-squares discriminator wins at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restore_recog.nn.options import (
    Configuration,
    check_multiple,
    check_positive,
    check_spread,
    check_stages,
    check_widths,
    overridden,
)
from restore_recog.nn.perceptual import LAYERS
from restore_recog.restorers.ganmasker.networks import UPSAMPLING

EPOCH = 20_000

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "size": 256,
        "batch_size": 32,
        "images_mseg": 25 * EPOCH,
        "images_funet": 100 * EPOCH,
        "drops": (30_000 * 32, 40_000 * 32, 45_000 * 32),
        "drops_mseg": (30_000 * 32, 40_000 * 32, 45_000 * 32),
        "lr": 1e-3,
        "lr_critic": 1e-4,
        "clip": 0.0,
        "base_mseg": 32,
        "base_funet": 32,
        "base_critic": 64,
        "cbam": True,
        "two_stage": True,
        "final": "bn_sigmoid",
        "adv": 0.3,
        "rec": 100.0,
        "beta": 1.0,
        "per": 100.0,
        "perceptual": "vgg19",
        "perceptual_weights": "",
        "identity": 0.0,
        "margin": 0.0,
        "teachers": ("timm",),
        "identity_weights": "",
        "upsampling": "bilinear",
        "cloth": "seen",
        "covered": 1.0,
        "dilate": 0,
        "feather": 0,
        "dilate_spread": 0,
        "map_source": "gt",
        "init": "",
    },
}
PRESETS["paper512"] = PRESETS["paper"] | {
    "size": 512,
    "batch_size": 8,
    "drops": (30_000 * 8, 40_000 * 8, 45_000 * 8),
    "drops_mseg": (30_000 * 8, 40_000 * 8, 45_000 * 8),
}
PRESETS["compact"] = PRESETS["paper"] | {
    "size": 128,
    "batch_size": 8,
    "images_mseg": 24_000,
    "images_funet": 48_000,
    "drops": (32_000, 42_000, 46_000),
    "drops_mseg": (16_000, 21_000),
    "clip": 1.0,
    "base_mseg": 8,
    "base_funet": 12,
    "base_critic": 16,
    "final": "sigmoid",
    "adv": 0.03,
    "beta": 0.05,
    "per": 20.0,
    "perceptual": "recognizer",
    "identity": 20.0,
    "margin": 10.0,
    "cloth": "grey",
    "covered": 0.9,
    "dilate": 2,
    "feather": 1,
    "dilate_spread": 2,
}
PRESETS["standard"] = PRESETS["compact"] | {
    "size": 256,
    "batch_size": 32,
    "images_mseg": 500_000,
    "images_funet": 1_500_000,
    "drops": (1_000_000, 1_312_500, 1_437_500),
    "drops_mseg": (330_000, 437_500),
    "base_mseg": 16,
    "base_funet": 28,
    "base_critic": 32,
    "dilate": 4,
    "feather": 2,
    "dilate_spread": 4,
}
PRESETS["tiny"] = PRESETS["compact"] | {
    "size": 32,
    "batch_size": 2,
    "images_mseg": 60,
    "images_funet": 120,
    "drops": (80, 105, 115),
    "drops_mseg": (40, 52),
    "base_mseg": 4,
    "base_funet": 4,
    "base_critic": 4,
    "perceptual": "none",
    "identity": 0.0,
    "margin": 0.0,
}
"""``drops`` (FU-Net) and ``drops_mseg`` are images of a stage after which its learning rate falls
tenfold. The paper's M-Seg ends before the first; the second stage of ``compact``, so much shorter,
spends less of itself on the lowest rates, and ``standard``, ``compact`` at twice the size for a GPU
that computes in bfloat16, likewise. ``dilate`` pixels widen the mask that FU-Net is given; in
training they vary by ``dilate_spread`` up and down, for a net that has seen but exact masks takes
the covering's colour for skin wherever a detected one is narrower. ``cloth`` is what FU-Net is
shown of the covering: all of it (``seen``), as in the paper, or grey, without a colour to take
over. ``feather`` is how the fill fades at the mask's edge in use
(:func:`restore_recog.nn.masks.pasted`). ``identity`` is the weight of 1 - cosine by the
``teachers``, ``margin`` that of what is missing to a lead over the most similar other person of the
batch. ``covered`` is the share of the images that get a covering: an M-Seg that never meets a bare
face finds coverings there. ``init`` is a weights file to start from (``shipped`` for the one in the
package); a stage of no images keeps what it starts from. ``tiny`` is the whole of ``compact`` in
small, for tests and for trying a command out: it trains in seconds, needs no other network's
weights, and restores nothing well."""

CHOICES: dict[str, tuple[str, ...]] = {
    "final": ("bn_sigmoid", "sigmoid"),
    "perceptual": ("vgg19", "recognizer", LAYERS, "none"),
    "map_source": ("gt", "mseg"),
    "upsampling": UPSAMPLING,
    "cloth": ("seen", "grey"),
}
"""Options with few valid values."""

HALVINGS = 32
"""M-Seg halves the image five times."""

CONFIGURATION = Configuration(
    "GANMasker",
    PRESETS["paper"],
    needed=("size", "dilate", "two_stage", "base_mseg", "base_funet", "cbam", "final"),
    choices=CHOICES,
    limits={
        "size": (HALVINGS, 2048),
        "base_mseg": (1, 512),
        "base_funet": (1, 512),
        "dilate": (0, 256),
        "feather": (0, 256),
    },
)


def read_options(preset: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preset's options with *options* laid over them.

    Raises:
        TrainingError: No such preset or option, or a value that does not fit.
    """
    result = overridden("GANMasker", PRESETS, preset, options, CHOICES)
    check_multiple("GANMasker", result["size"], HALVINGS)
    check_widths("GANMasker", result)
    CONFIGURATION.check(result)
    check_spread("GANMasker", result)
    check_positive("GANMasker", result, ("batch_size", "lr", "lr_critic", "beta"))
    stages = ("images_mseg", "images_funet") if result["two_stage"] else ("images_funet",)
    check_stages("GANMasker", {name: result[name] for name in stages}, result["init"])
    return result

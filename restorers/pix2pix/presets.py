"""The sizes and the schedule of pix2pix as data.

Source for ``paper``: section 3.3 and appendix 6.2: Adam at 0.0002 with beta 0.5, batch 1, the L1
weight 100; 200 epochs of 400 images for the smallest of its tasks.

Deviation: the discriminator's objective is halved in the paper, which with Adam changes nothing.
Deviation: the paper also jitters by resizing to 286 and cropping 256; here alignment noise, drawn
by the training's data, takes that place.
"""

from __future__ import annotations

from restore_recog.nn.dilated import UPSAMPLING
from restore_recog.nn.inpainting.family import Family

FAMILY = Family(
    "pix2pix",
    ("whole",),
    paper={
        "images_whole": 200 * 20_000,
        "batch_size": 1,
        "lr": 2e-4,
        "lr_critic": 2e-4,
        "base": 64,
        "base_critic": 64,
        "dropout": 0.5,
        "upsampling": "deconv",
        "cloth": "seen",
        "pixel": 100.0,
        "adv": 1.0,
    },
    compact={
        "images_whole": 40_000,
        "batch_size": 8,
        "lr": 1e-3,
        "base": 16,
        "base_critic": 16,
        "upsampling": "bilinear",
        "cloth": "grey",
        "adv": 0.04,
        "identity": 1.6,
        "margin": 0.4,
    },
    tiny={"images_whole": 40, "base": 4, "base_critic": 4},
    needed=("base", "dropout", "upsampling", "cloth"),
    choices={"upsampling": UPSAMPLING, "cloth": ("seen", "grey")},
    limits={"base": (1, 512), "dropout": (0, 0.95)},
    positive=("base_critic",),
)
"""``pixel`` and ``adv`` are the weights of the losses. ``cloth`` is what the generator is shown of
the covering: all of it (``seen``), as a translation of images is, or grey. The options that all
inpainters share: :mod:`restore_recog.nn.inpainting.family`."""

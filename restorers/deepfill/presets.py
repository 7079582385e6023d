"""The sizes and the schedule of DeepFill v2 as data.

Source for ``paper``: section 3.4 and the published code and configuration: Adam at 0.0001, batch
16, the weights of all three losses 1.

Deviation: the paper does not say how long it trains, and the published configuration sets no end
that would ever be reached; here a million iterations.
"""

from __future__ import annotations

from restore_recog.nn.gated import UPSAMPLING
from restore_recog.nn.inpainting.family import Family

FAMILY = Family(
    "deepfill",
    ("whole",),
    paper={
        "images_whole": 16 * 1_000_000,
        "batch_size": 16,
        "lr": 1e-4,
        "lr_critic": 1e-4,
        "widths": (24, 48, 96),
        "attention": True,
        "refine_in": 3,
        "residual": False,
        "upsampling": "nearest",
        "critic_widths": (64, 128, 256, 256, 256, 256),
        "coarse": 1.0,
        "pixel": 1.0,
        "adv": 1.0,
    },
    compact={
        "images_whole": 40_000,
        "batch_size": 8,
        "lr": 1e-3,
        "lr_critic": 4e-4,
        "widths": (8, 16, 48),
        "refine_in": 5,
        "residual": True,
        "upsampling": "bilinear",
        "critic_widths": (16, 32, 64, 64, 64, 64),
        "adv": 0.02,
        "identity": 0.008,
        "margin": 0.004,
    },
    tiny={
        "images_whole": 40,
        "widths": (4, 4, 8),
        "critic_widths": (4, 4, 8, 8, 8, 8),
    },
    needed=("widths", "attention", "refine_in", "residual", "upsampling"),
    choices={"refine_in": (3, 5), "upsampling": UPSAMPLING},
    limits={"widths": (2, 1024), "critic_widths": (1, 1024)},
    lengths={"widths": (3, 3), "critic_widths": (1, 8)},
)
"""``coarse``, ``pixel`` and ``adv`` are the weights of the losses. ``attention`` off puts a gated
convolution in its place; ``refine_in=5`` shows the refine network the mask, and ``residual`` lets
it change the coarse image in place of painting a new one. The options that all inpainters share:
:mod:`restore_recog.nn.inpainting.family`."""

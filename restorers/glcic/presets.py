"""The sizes and the schedule of GLCIC as data.

Source for ``paper``: sections 3.4 and 4: 90,000 iterations of the completion network alone, 10,000
of the discriminator alone, 400,000 of both, in batches of 96; Adadelta; alpha 0.0004; holes up to
128 pixels of 256 and local crops of as many.
"""

from __future__ import annotations

from restore_recog.nn.inpainting.family import Family
from restore_recog.restorers.glcic.networks import NORMS, UPSAMPLING

OPTIMIZERS = ("adadelta", "adam")

FAMILY = Family(
    "glcic",
    ("completion", "critic", "both"),
    paper={
        "images_completion": 96 * 90_000,
        "images_critic": 96 * 10_000,
        "images_both": 96 * 400_000,
        "batch_size": 96,
        "optimizer": "adadelta",
        "lr": 1.0,
        "lr_critic": 1.0,
        "widths": (64, 128, 256),
        "upsampling": "deconv",
        "colour": (0.53, 0.42, 0.36),
        "critic_widths": (64, 128, 256, 512, 512, 512),
        "local_widths": (64, 128, 256, 512, 512),
        "critic_hidden": 1024,
        "critic_norm": "batch",
        "local": 128,
        "pixel": 1.0,
        "adv": 4e-4,
    },
    compact={
        "images_completion": 16_000,
        "images_critic": 2_000,
        "images_both": 22_000,
        "batch_size": 8,
        "optimizer": "adam",
        "lr": 1e-3,
        "lr_critic": 2e-4,
        "widths": (16, 48, 96),
        "upsampling": "bilinear",
        "critic_widths": (16, 32, 64, 64, 64),
        "local_widths": (16, 32, 64, 64, 64),
        "critic_hidden": 128,
        "critic_norm": "spectral",
        "local": 96,
        "identity": 0.001,
        "margin": 0.0005,
    },
    tiny={
        "images_completion": 16,
        "images_critic": 8,
        "images_both": 16,
        "widths": (4, 4, 8),
        "critic_widths": (4, 4, 8),
        "local_widths": (4, 4),
        "critic_hidden": 8,
        "local": 24,
    },
    needed=("widths", "upsampling", "colour"),
    choices={"upsampling": UPSAMPLING, "optimizer": OPTIMIZERS, "critic_norm": NORMS},
    limits={
        "widths": (2, 1024),
        "critic_widths": (1, 1024),
        "local_widths": (1, 1024),
        "colour": (0, 1),
    },
    lengths={
        "widths": (3, 3),
        "critic_widths": (1, 8),
        "local_widths": (1, 8),
        "colour": (3, 3),
    },
    positive=("critic_hidden", "local"),
    idle=("critic",),
)
"""``pixel`` and ``adv`` are the weights of the losses, the latter the paper's alpha. ``colour`` is
what the network is shown in place of the covering, the mean of the training images: here that of
LFW's crops. ``local`` is the side of what the local discriminator sees. The options that all
inpainters share: :mod:`restore_recog.nn.inpainting.family`."""

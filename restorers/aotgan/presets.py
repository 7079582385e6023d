"""The sizes and the schedule of AOT-GAN as data.

Source for ``paper``: sections 3.3 and 4.1 and the published configuration: 512 pixels, batch 8,
Adam at 0.0001, weights 1 of L1, 0.1 perceptual, 250 style, 0.01 adversarial, a million iterations;
targets blurred by a deviation of 10 pixels.
"""

from __future__ import annotations

from restore_recog.nn.inpainting.family import Family
from restore_recog.nn.inpainting.features import PERCEPTUAL

FAMILY = Family(
    "aotgan",
    ("whole",),
    paper={
        "size": 512,
        "images_whole": 8 * 1_000_000,
        "lr": 1e-4,
        "lr_critic": 1e-4,
        "base": 64,
        "blocks": 8,
        "rates": (1, 2, 4, 8),
        "base_critic": 64,
        "blur": 10.0,
        "pixel": 1.0,
        "per": 0.1,
        "style": 250.0,
        "adv": 0.01,
        "perceptual": "vgg19",
        "perceptual_weights": "",
        "vgg_norm": True,
    },
    compact={
        "images_whole": 40_000,
        "lr": 1e-3,
        "lr_critic": 2e-4,
        "base": 16,
        "base_critic": 16,
        "blur": 2.5,
        "style": 5.0,
        "adv": 0.05,
        "perceptual": "recognizer",
        "identity": 0.015,
        "margin": 0.0075,
    },
    tiny={
        "images_whole": 40,
        "base": 4,
        "blocks": 2,
        "rates": (1, 2),
        "base_critic": 4,
        "blur": 0.5,
        "perceptual": "none",
    },
    needed=("base", "blocks", "rates"),
    choices={"perceptual": PERCEPTUAL},
    limits={"base": (1, 512), "blocks": (1, 64), "rates": (1, 256), "blur": (0.1, 64)},
    lengths={"rates": (1, 16)},
    positive=("base_critic",),
)
"""``pixel``, ``per``, ``style`` and ``adv`` are the weights of the losses. ``rates`` are the
dilations of a block's branches; ``blur`` is the deviation, in pixels, by which the discriminator's
targets fade at the rim of the hole. What ``perceptual`` and ``vgg_norm`` mean:
:class:`restore_recog.nn.inpainting.features.FeatureTerms`. The options that all inpainters share:
:mod:`restore_recog.nn.inpainting.family`."""

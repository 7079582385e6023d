"""The sizes and the schedule of EdgeConnect as data.

Source for ``paper``: sections 3 and 4: 256 pixels, batch 8, Canny with a sigma of 2, Adam with
betas 0 and 0.9 at 1e-4, lowered to 1e-5, for each generator on its own, then 1e-6 for both
together; discriminators at a tenth. The paper trains until nothing improves; 2,000,000 steps for
each stage are the limit in the published configuration.

Deviation: the rate falls along half a cosine, not in one step where the losses no longer do.
Deviation: at 128 pixels (``compact``) edges are found with a sigma of 1, on the scale of the face
the same as 2 at 256.
"""

from __future__ import annotations

from restore_recog.nn.dilated import UPSAMPLING
from restore_recog.nn.inpainting.family import Family
from restore_recog.nn.inpainting.features import PERCEPTUAL

LONG = 2_000_000 * 8

FAMILY = Family(
    "edgeconnect",
    ("edge", "inpainting", "joint"),
    paper={
        "images_edge": LONG,
        "images_inpainting": LONG,
        "images_joint": LONG,
        "lr_critic": 1e-5,
        "lr_joint": 0.01,
        "decay": 0.1,
        "base": 64,
        "base_critic": 64,
        "sigma": 2.0,
        "upsampling": "deconv",
        "adv_edge": 1.0,
        "matching": 10.0,
        "entropy": 0.0,
        "pixel": 1.0,
        "per": 0.1,
        "style": 250.0,
        "style_on_hole": True,
        "adv": 0.1,
        "perceptual": "vgg19",
        "perceptual_weights": "",
        "vgg_norm": False,
    },
    compact={
        "images_edge": 12_000,
        "images_inpainting": 22_000,
        "images_joint": 6_000,
        "lr": 1e-3,
        "lr_critic": 1e-4,
        "lr_joint": 0.3,
        "decay": 0.05,
        "base": 16,
        "base_critic": 12,
        "sigma": 1.0,
        "entropy": 1.0,
        "upsampling": "bilinear",
        "pixel": 10.0,
        "per": 0.4,
        "style": 60.0,
        "style_on_hole": False,
        "adv": 1.0,
        "perceptual": "recognizer",
        "vgg_norm": True,
        "identity": 0.15,
        "margin": 0.07,
    },
    tiny={
        "images_edge": 20,
        "images_inpainting": 20,
        "images_joint": 20,
        "base": 4,
        "base_critic": 4,
        "perceptual": "none",
    },
    needed=("base", "sigma", "upsampling"),
    choices={"upsampling": UPSAMPLING, "perceptual": PERCEPTUAL},
    limits={"base": (1, 256), "sigma": (0.1, 32)},
    positive=("base_critic", "lr_joint"),
    idle=("joint",),
)
"""``lr_joint`` is the share of the rates with which both generators go on together. ``adv_edge``,
``matching`` and ``entropy`` weigh the losses of the edge generator, ``pixel``, ``per``, ``style``
and ``adv`` those of the inpainting generator, and of both in the stage ``joint``. What
``perceptual``, ``vgg_norm`` and ``style_on_hole`` mean:
:class:`restore_recog.nn.inpainting.features.FeatureTerms`. The options that all inpainters share:
:mod:`restore_recog.nn.inpainting.family`."""

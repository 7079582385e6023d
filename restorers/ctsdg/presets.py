"""The sizes and the schedule of CTSDG as data.

Source for ``paper``: sections 3.3 and 4.1 and the published code: 256 pixels, batch 6, Adam at 2e-4
and then at 5e-5 with the encoders' batch normalisation fixed, the discriminator at a tenth, 300,000
steps, Canny with a sigma of 2; the weights of the losses.

Deviation: how many steps the fine-tuning takes is not said; here a third of the first stage's.
Deviation: at 128 pixels (``compact``) edges are found with a sigma of 1, on the scale of the face
the same as 2 at 256.
"""

from __future__ import annotations

from restore_recog.nn.inpainting.family import Family

FAMILY = Family(
    "ctsdg",
    ("whole", "finetune"),
    paper={
        "images_whole": 300_000 * 6,
        "images_finetune": 100_000 * 6,
        "batch_size": 6,
        "lr": 2e-4,
        "lr_critic": 2e-5,
        "lr_finetune": 0.25,
        "base": 64,
        "base_critic": 64,
        "levels": 7,
        "sigma": 2.0,
        "hole": 60.0,
        "valid": 10.0,
        "per": 0.1,
        "style": 250.0,
        "adv": 0.1,
        "intermediate": 1.0,
        "compared": "both",
        "perceptual": "vgg16",
        "perceptual_weights": "",
        "vgg_norm": False,
    },
    compact={
        "images_whole": 32_000,
        "images_finetune": 8_000,
        "batch_size": 8,
        "lr": 1e-3,
        "lr_critic": 1e-4,
        "base": 16,
        "base_critic": 12,
        "levels": 6,
        "sigma": 1.0,
        "compared": "pasted",
        "perceptual": "recognizer",
        "vgg_norm": True,
        "per": 2.0,
        "adv": 2.0,
        "identity": 0.6,
        "margin": 0.3,
    },
    tiny={
        "images_whole": 40,
        "images_finetune": 20,
        "base": 4,
        "base_critic": 4,
        "levels": 4,
        "perceptual": "none",
    },
    needed=("base", "levels", "sigma"),
    choices={
        "compared": ("both", "pasted"),
        "perceptual": ("vgg16", "recognizer", "none"),
    },
    limits={"base": (1, 256), "levels": (2, 8), "sigma": (0.1, 32)},
    positive=("base_critic", "lr_finetune"),
    idle=("finetune",),
)
"""``lr_finetune`` is the share of the rates with which the second stage goes on. ``hole``,
``valid``, ``per``, ``style``, ``adv`` and ``intermediate`` are the weights of the losses;
``compared`` says whether features are compared of the face as made and as pasted, or of the pasted
one alone. ``levels`` are those of the U-Nets. What ``perceptual`` and ``vgg_norm`` mean:
:class:`restore_recog.nn.inpainting.features.FeatureTerms`. The options that all inpainters share:
:mod:`restore_recog.nn.inpainting.family`."""

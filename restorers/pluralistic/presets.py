"""The sizes and the schedule of Pluralistic as data.

Source for ``paper``: section 4 (Adam at 0.0001 with betas 0 and 0.999, weights 20 of the
distances of distributions and of images, 1 of the discriminators); the published code for the
layers, batches of 8 and the million of iterations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restore_recog.errors import TrainingError
from restore_recog.nn.inpainting.family import Family
from restore_recog.restorers.pluralistic.layers import UPSAMPLING

COMPARED = ("visible", "whole")
"""Values of the option ``compared``."""


class PluralisticFamily(Family):
    """Options, of which some must go together."""

    def read(self, preset: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return a preset's options with *options* laid over them.

        Raises:
            TrainingError: As :class:`Family`; or the images are too small for so many layers, or
                more layers make an image than there are.
        """
        result = super().read(preset, options)
        layers = result["layers"]
        if result["scales"] > layers:
            raise TrainingError(
                f"{self.model}'s option 'scales' is at most 'layers' ({layers}), not "
                f"{result['scales']}."
            )
        if result["size"] < 2 ** (layers + 2):
            raise TrainingError(
                f"{self.model}'s option 'layers' cannot be {layers} with images of "
                f"{result['size']} pixels: the discriminators need {2 ** (layers + 2)}."
            )
        return result


FAMILY = PluralisticFamily(
    "pluralistic",
    ("both",),
    paper={
        "images_both": 1_000_000 * 8,
        "base": 32,
        "base_critic": 32,
        "layers": 5,
        "latent": 128,
        "inferring": 6,
        "scales": 4,
        "upsampling": "deconv",
        "compared": "visible",
        "pixel": 20.0,
        "kl": 20.0,
        "adv": 1.0,
        "match": 1.0,
    },
    compact={
        "images_both": 40_000,
        "lr": 2e-4,
        "lr_critic": 1e-4,
        "base": 16,
        "base_critic": 8,
        "upsampling": "bilinear",
        "compared": "whole",
        "identity": 0.2,
        "margin": 0.05,
    },
    tiny={
        "images_both": 40,
        "base": 8,
        "base_critic": 4,
        "layers": 3,
        "latent": 8,
        "inferring": 1,
        "scales": 3,
    },
    needed=("base", "layers", "latent", "inferring", "scales", "upsampling"),
    choices={"upsampling": UPSAMPLING, "compared": COMPARED},
    limits={
        "base": (1, 512),
        "layers": (3, 5),
        "latent": (1, 1024),
        "inferring": (0, 100),
        "scales": (1, 5),
    },
    positive=("base_critic",),
)
"""``pixel``, ``kl``, ``adv`` and ``match`` are the weights of the losses. ``compared`` is what of
the generative path's face is compared with the truth: the visible part, as in the paper, whose
faces may be any that fit; or the whole, for a restorer that is asked for the one face that is
hidden. The options that all inpainters share: :mod:`restore_recog.nn.inpainting.family`."""

"""The sizes and the schedule of GCF as data.

Source for ``paper``: section 3.5 for the three stages; for sizes, Adam at 0.0001, batches of two
and the weights the published configuration, whose losses are sums over an image: those of the
discriminators count 300 times, the parser's 0.05 times. Here they are means, and the weights are
divided by the number of values, 3 x 128 x 128, and of pixels.

Deviation: the paper trains until the losses no longer fall; the published limit of 15,000,000 steps
is divided among the stages. How long its parser was trained is not published.
"""

from __future__ import annotations

from restore_recog.nn.inpainting.family import Family
from restore_recog.restorers.gcf.networks import NORMS

DISTANCES = ("squares", "absolute")

VALUES = 3 * 128 * 128

LIMIT = 15_000_000 * 2

FAMILY = Family(
    "gcf",
    ("parser", "pixel", "local", "both"),
    paper={
        "images_parser": 2_000_000,
        "images_pixel": LIMIT // 3,
        "images_local": LIMIT // 3,
        "images_both": LIMIT // 3,
        "size": 128,
        "batch_size": 2,
        "lr_parser": 1e-4,
        "widths": (32, 64, 128, 256),
        "hidden": 4096,
        "critic_widths": (32, 64, 128, 256, 512),
        "local_widths": (64, 128, 256, 512),
        "critic_norm": "none",
        "local": 64,
        "parser_base": 64,
        "parser_weights": "imagenet",
        "landmarker": "hourglass",
        "landmarker_mark": "",
        "distance": "squares",
        "pixel": 1.0,
        "adv_local": 300 / VALUES,
        "adv": 300 / VALUES,
        "parsing": 0.05 * 128 * 128 / VALUES,
    },
    compact={
        "images_parser": 8_000,
        "images_pixel": 12_000,
        "images_local": 6_000,
        "images_both": 14_000,
        "lr": 1e-3,
        "lr_critic": 2e-4,
        "lr_parser": 1e-3,
        "widths": (16, 32, 64, 64),
        "hidden": 384,
        "critic_widths": (8, 16, 32, 64, 64),
        "local_widths": (8, 16, 32, 64),
        "critic_norm": "spectral",
        "local": 96,
        "parser_base": 12,
        "parser_weights": "",
        "distance": "absolute",
        "adv_local": 0.01,
        "adv": 0.01,
        "parsing": 0.02,
        "identity": 0.02,
        "margin": 0.01,
    },
    tiny={
        "images_parser": 8,
        "images_pixel": 16,
        "images_local": 8,
        "images_both": 16,
        "widths": (4, 4, 8, 8),
        "hidden": 16,
        "critic_widths": (4, 4, 8),
        "local_widths": (4, 4),
        "local": 24,
        "parser_base": 4,
    },
    needed=("widths", "hidden"),
    choices={"distance": DISTANCES, "critic_norm": NORMS},
    limits={
        "widths": (1, 1024),
        "hidden": (1, 65_536),
        "critic_widths": (1, 1024),
        "local_widths": (1, 1024),
    },
    lengths={"widths": (4, 4), "critic_widths": (1, 7), "local_widths": (1, 7)},
    positive=("local", "lr_parser", "parser_base"),
    idle=("parser", "local", "both"),
)
"""``pixel``, ``adv_local``, ``adv`` (of the whole image) and ``parsing`` are the weights of the
losses; ``distance`` is that of ``pixel``, in the paper squares, in the published code absolute.
``local`` is the side of what the local discriminator sees. The parser begins at VGG-19's weights
(``parser_weights``: ``imagenet``, a file of torchvision's, or ``""`` for none) and learns where the
parts of a face are from landmarks: annotated ones, or what the ``landmarker`` finds on clean faces.
The options that all inpainters share: :mod:`restore_recog.nn.inpainting.family`."""

"""Sizes and schedules of the gender classifier as data.

Source of ``paper``: the landmark-gender model (section III-E): ImageNet's Inception-v3, frozen,
under dense layers that are trained with Adam at 1e-4 on batches of 256 masked faces, for at most
150 epochs of 89,443 images. Its figure with the layers' widths was not at hand; these are the only
ones of usual sizes that have the 9,720,321 trainable parameters that it states.
"""

from __future__ import annotations

from typing import Any

from restore_recog.errors import TrainingError
from restore_recog.labels import GENDER
from restore_recog.nn.options import Configuration

NAME = "gender"
LABEL = "The gender classifier"

INCEPTION, RESNET = "inception_v3", "resnet18"

NETS: dict[str, dict[str, Any]] = {
    "paper": {
        "label": GENDER,
        "backbone": INCEPTION,
        "image_size": 256,
        "width": 0,
        "hidden": (2048, 1536, 1024, 768),
        "dropout": 0.0,
    },
    "compact": {
        "label": GENDER,
        "backbone": RESNET,
        "image_size": 96,
        "width": 20,
        "hidden": (160, 120, 80, 60),
        "dropout": 0.2,
    },
}
NETS["tiny"] = NETS["compact"] | {"image_size": 80, "width": 8, "hidden": (16,), "dropout": 0.0}
"""What the network is. ``width`` is that of the first of a ResNet-18's four stages, each twice as
wide as the one before; Inception-v3 has its own. ``hidden`` are the dense layers between the
backbone's averages and the one output. ``compact`` is in no paper: a narrow ResNet-18 that is
trained too, with the paper's head scaled to it, for a file of less than 3 MB."""

TRAININGS: dict[str, dict[str, Any]] = {
    "paper": {
        "images": 13_416_450,
        "batch_size": 256,
        "lr": 1e-4,
        "weight_decay": 0.0,
        "warm_up": 0.0,
        "smoothing": 0.0,
        "grey": 0.0,
        "covered": 1.0,
        "clip": 0.0,
        "schedule": "constant",
        "init": "imagenet",
    },
    "compact": {
        "images": 300_000,
        "batch_size": 64,
        "lr": 1e-3,
        "weight_decay": 0.05,
        "warm_up": 0.05,
        "smoothing": 0.05,
        "grey": 0.3,
        "covered": 0.7,
        "clip": 5.0,
        "schedule": "cosine",
        "init": "scratch",
    },
}
TRAININGS["tiny"] = TRAININGS["compact"] | {"images": 64, "batch_size": 8}
"""How it is trained. ``covered`` is the share of the faces that wear a covering, ``grey`` that of
those without colour. ``init`` is ``imagenet`` for what torchvision's loader gets, ``scratch``,
``shipped``, or a file: weights of this classifier (.safetensors) or torchvision's Inception-v3
(.pth). A frozen backbone never starts from scratch. ``tiny`` is for tests and for trying a command
out; it tells nothing."""

SMALLEST = 75
"""Side of the images below which Inception-v3 has no pixel left."""


def configuration(preset: str) -> Configuration:
    """Return what the options of the network may be, with those of a preset.

    Raises:
        TrainingError: There is no such preset.
    """
    if preset not in NETS:
        raise TrainingError(f"{LABEL} has no preset '{preset}'; choose {' or '.join(NETS)}.")
    return Configuration(
        LABEL,
        NETS[preset],
        needed=("label", "backbone", "image_size", "width", "hidden"),
        choices={
            "label": (GENDER,),
            "backbone": (INCEPTION, RESNET),
            "schedule": ("constant", "cosine"),
        },
        limits={
            "image_size": (SMALLEST, 1024),
            "width": (0, 512),
            "hidden": (1, 8192),
            "dropout": (0.0, 0.9),
        },
        lengths={"hidden": (0, 8)},
    )

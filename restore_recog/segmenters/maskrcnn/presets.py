"""Sizes and schedules of the Mask R-CNN segmenter as data, and the reading of options.

Source of ``paper``: the landmark-gender model, whose segmenter ECGAN takes over: ResNet-50 from
COCO weights, one class, images of 256 pixels, batches of 2, learning rate 2.5e-4, 10,000
iterations; a region is positive from an IoU of 0.5 on, as in torchvision.

Deviation: the paper trains on 500 images labelled by hand; here synthetic coverings are drawn. The
feature pyramid, SGD with momentum 0.9, weight decay and warm-up are not in the paper; they are
those of the usual recipe for this batch and rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restore_recog.errors import TrainingError
from restore_recog.nn.options import Configuration, check_positive, overridden

NAME = "maskrcnn"
LABEL = "The Mask R-CNN segmenter"

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "size": 256,
        "batch_size": 2,
        "images": 20_000,
        "warm_up": 2_000,
        "drops": (20_000,),
        "optimizer": "sgd",
        "lr": 2.5e-4,
        "weight_decay": 1e-4,
        "clip": 0.0,
        "backbone": "resnet50",
        "width": 256,
        "head": 1024,
        "mask_convs": 4,
        "rois": 512,
        "anchors": 256,
        "proposals": 1000,
        "covered": 0.9,
        "init": "coco",
    },
}
PRESETS["compact"] = PRESETS["paper"] | {
    "size": 128,
    "batch_size": 8,
    "images": 40_000,
    "warm_up": 1_600,
    "drops": (30_000, 37_000),
    "optimizer": "adam",
    "lr": 1e-3,
    "clip": 5.0,
    "backbone": "mobilenet_small",
    "width": 48,
    "head": 256,
    "mask_convs": 2,
    "rois": 16,
    "anchors": 64,
    "proposals": 64,
    "covered": 0.8,
    "init": "scratch",
}
PRESETS["tiny"] = PRESETS["compact"] | {
    "size": 64,
    "batch_size": 2,
    "images": 40,
    "warm_up": 0,
    "drops": (30,),
    "width": 8,
    "head": 16,
    "mask_convs": 1,
    "rois": 16,
    "anchors": 32,
    "proposals": 16,
}
"""``warm_up`` is the number of images over which the learning rate rises to ``lr``, ``drops`` are
those after which it falls tenfold (in ``paper`` not before the end). ``width`` is the channels of
the feature pyramid and of the mask head, ``head`` the neurons of the box head, ``mask_convs`` the
convolutions before a mask is drawn (with a MobileNet; ``resnet50`` is torchvision's model as it
is). ``anchors`` and ``rois`` are how many anchors and regions of an image the losses look at,
``proposals`` how many regions go on to the heads, twice as many in training. ``init`` is ``coco``
for torchvision's COCO weights, ``scratch``, ``shipped``, or a file: weights of this segmenter
(.safetensors) or those of torchvision's COCO model (.pth). From COCO weights on, the stem, the
first stage and all norms stay as they are, as is usual with batches of two. ``compact`` is in no
paper: MobileNetV3-small at 128 pixels with narrow heads, for a file of less than 10 MB and a
training of less than an hour. ``tiny`` is for tests and for trying a command out; it finds
little."""

CHOICES: dict[str, tuple[str, ...]] = {
    "backbone": ("resnet50", "mobilenet_large", "mobilenet_small"),
    "optimizer": ("sgd", "adam"),
}

HALVINGS = 32
"""The coarsest level that is pooled from has one cell for so many pixels."""

CONFIGURATION = Configuration(
    LABEL,
    PRESETS["paper"],
    needed=("size", "backbone", "width", "head", "mask_convs", "rois", "anchors", "proposals"),
    choices=CHOICES,
    limits={
        "size": (HALVINGS, 1024),
        "width": (1, 1024),
        "head": (1, 4096),
        "mask_convs": (1, 8),
        "rois": (1, 4096),
        "anchors": (1, 4096),
        "proposals": (1, 4096),
        "covered": (0.0, 1.0),
    },
)


def read_options(preset: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preset's options with *options* laid over them.

    Raises:
        TrainingError: No such preset or option, or a value that does not fit.
    """
    result = overridden(LABEL, PRESETS, preset, options, CHOICES)
    CONFIGURATION.check(result)
    if result["size"] % HALVINGS:
        raise TrainingError(
            f"{LABEL}'s option 'size' must be a multiple of {HALVINGS}, not {result['size']}."
        )
    check_positive(LABEL, result, ("batch_size", "images", "lr"))
    for name in ("warm_up", "weight_decay", "clip"):
        if result[name] < 0:
            raise TrainingError(f"{LABEL}'s option '{name}' cannot be {result[name]}.")
    return result

"""ECGAN's and DeepGAN's sizes and schedules as data, and the reading of options.

Source: section 4.2 for ``paper``: label-free pretraining of 40,000 iterations, 20,000 of the
generator and D_whole, then D_mask as well, up to 45,000; batches of 3 at 256 pixels, Adam at
0.0003, weights 0.3, 0.7, 0.3, 0.7 and 100. Widths are those of the published code.

Deviation: the classifier of the visible half is not in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restore_recog.errors import TrainingError
from restore_recog.nn.options import (
    Configuration,
    check_multiple,
    check_positive,
    check_spread,
    check_widths,
    overridden,
)
from restore_recog.nn.perceptual import LAYERS
from restore_recog.restorers.ecgan.networks import UPSAMPLING

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "size": 256,
        "batch_size": 3,
        "batch_visible": 32,
        "images_visible": 400_000,
        "images_pretrain": 40_000 * 3,
        "images_whole": 20_000 * 3,
        "images_mask": 25_000 * 3,
        "lr": 3e-4,
        "lr_whole": 3e-4,
        "lr_mask": 3e-4,
        "lr_visible": 1e-3,
        "grey": 0.5,
        "decay": 1.0,
        "clip": 0.0,
        "d_every": 1,
        "base": 32,
        "depth": 5,
        "base_critic": 8,
        "visible": (64, 128, 256, 512),
        "label": True,
        "map": True,
        "balanced": ("whole", "mask"),
        "label_planes": "broadcast",
        "modulate": False,
        "shared_bn": False,
        "dropout": 0.5,
        "upsampling": "deconv",
        "see_masked": False,
        "spectral": False,
        "smooth": 1.0,
        "rec": 100.0,
        "rec_half": False,
        "per": 100.0,
        "squared": False,
        "whole": 0.3,
        "mask": 0.7,
        "adv_whole": 0.3,
        "adv_mask": 0.7,
        "perceptual": "vgg19",
        "perceptual_weights": "",
        "vgg_norm": False,
        "identity": 0.0,
        "margin": 0.0,
        "teachers": ("timm",),
        "identity_weights": "",
        "expression": 0.0,
        "expert": "",
        "composite": False,
        "cloth": "seen",
        "covered": 1.0,
        "dilate": 0,
        "feather": 0,
        "dilate_spread": 0,
        "init": "",
    },
}
PRESETS["compact"] = PRESETS["paper"] | {
    "size": 128,
    "batch_size": 8,
    "images_visible": 60_000,
    "images_pretrain": 7_000,
    "images_whole": 8_000,
    "images_mask": 8_000,
    "lr": 1e-3,
    "lr_whole": 1e-4,
    "lr_mask": 1e-4,
    "decay": 0.05,
    "clip": 1.0,
    "adv_whole": 1.5,
    "adv_mask": 3.5,
    "base": 8,
    "depth": 4,
    "base_critic": 4,
    "visible": (16, 32, 64, 128),
    "modulate": True,
    "dropout": 0.0,
    "upsampling": "bilinear",
    "per": 20.0,
    "perceptual": "recognizer",
    "vgg_norm": True,
    "identity": 5.0,
    "margin": 1.5,
    "composite": True,
    "cloth": "grey",
    "dilate": 2,
    "feather": 1,
    "dilate_spread": 2,
}
PRESETS["tiny"] = PRESETS["compact"] | {
    "size": 32,
    "batch_size": 2,
    "batch_visible": 4,
    "images_visible": 40,
    "images_pretrain": 40,
    "images_whole": 40,
    "images_mask": 40,
    "base": 4,
    "base_critic": 2,
    "visible": (4, 4, 8, 8),
    "perceptual": "none",
    "identity": 0.0,
    "margin": 0.0,
}
"""``visible`` are the widths of the classifier's four stages, ``images_visible`` its training's
length, ``grey`` the share of its images that lose their colour: colour tells data sets apart,
and with them the classes that each is rich in. The other lengths are those of the paper's
three. ``lr_whole`` and ``lr_mask`` are the discriminators' rates, ``d_every`` the generator's
steps for each of theirs; in the labelled phases all rates fall along half a cosine to the share
``decay``. ``label=false`` and ``map=false`` train without that input. ``modulate`` lets the
label scale and shift what the decoder has normalised, beside its planes. ``balanced`` are the
labelled phases in which every expression comes equally often; the others draw all images as
they are, and those of unknown expression are told none. ``rec``, ``per``, ``adv_whole``,
``adv_mask`` are equation 6's weights in the generator's loss, ``whole`` and ``mask`` those of
the discriminators, which change nothing under Adam. ``smooth`` is what a discriminator should
say of real images (1, or a little less), ``spectral`` normalises its convolutions.
``see_masked`` shows the discriminators the covered face as well. ``rec_half``, ``squared``: see
:mod:`restore_recog.restorers.ecgan.losses`. ``vgg_norm`` feeds VGG-19 as it was trained; in the
paper's code it sees images in [-1, 1]. ``composite`` puts the uncovered pixels back, in
training and in use; without it the whole face is as generated. ``identity`` is the weight of 1
- cosine by the ``teachers``, ``margin`` that of what is missing to a lead over the most similar
other person of the batch. ``expression`` is the weight of the cross-entropy of the true
expression by the ``expert``, a classifier with its file (``resnet18=FILE``), which then cannot
judge the weights: the one that reports ask by default is refused. ``cloth``, ``dilate``,
``dilate_spread``, ``feather``, ``covered`` and ``init`` are as for GANMasker. ``tiny`` is
``compact`` in small, for tests and for trying a command out: it trains in seconds and restores
nothing well."""

DEEPGAN_PRESETS = {name: options | {"label": False} for name, options in PRESETS.items()}
"""DeepGAN's: the same but for the label, of which it knows nothing."""

CHOICES: dict[str, tuple[Any, ...]] = {
    "depth": (4, 5),
    "label_planes": ("broadcast", "full"),
    "upsampling": UPSAMPLING,
    "perceptual": ("vgg19", "recognizer", LAYERS, "none"),
    "cloth": ("seen", "grey"),
}
"""Options with few valid values."""

NETWORKS = (
    *("size", "dilate", "base", "depth", "visible", "label", "map", "label_planes"),
    *("shared_bn", "dropout", "upsampling", "composite", "cloth"),
)
"""Options without which the networks cannot be built or used."""

LIMITS = {
    "size": (32, 2048),
    "base": (1, 256),
    "visible": (1, 512),
    "dropout": (0, 0.9),
    "dilate": (0, 256),
    "feather": (0, 256),
}

MULTIPLE = 32
"""Of a picture's side."""

STAGES = ("images_pretrain", "images_whole", "images_mask")


def configuration(name: str, presets: Mapping[str, Mapping[str, Any]]) -> Configuration:
    """Return what the options of ECGAN or DeepGAN may be."""
    choices = CHOICES if presets["paper"]["label"] else CHOICES | {"label": (False,)}
    return Configuration(
        name, presets["paper"], NETWORKS, choices, LIMITS, lengths={"visible": (4, 4)}
    )


CONFIGURATION = configuration("ECGAN", PRESETS)
DEEPGAN_CONFIGURATION = configuration("DeepGAN", DEEPGAN_PRESETS)


def read_options(
    of: Configuration,
    presets: Mapping[str, Mapping[str, Any]],
    preset: str,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the preset's options with *options* laid over them.

    Raises:
        TrainingError: No such preset or option, or a value that does not fit.
    """
    result = overridden(of.model, presets, preset, options, of.choices)
    check_multiple(of.model, result["size"], MULTIPLE)
    check_widths(of.model, result)
    of.check(result)
    check_spread(of.model, result)
    for name in result["balanced"]:
        if name not in ("whole", "mask"):
            raise TrainingError(
                f"{of.model}'s option 'balanced' lists phases, whole or mask or both; there is no "
                f"'{name}' among them."
            )
    positive = ("batch_size", "batch_visible", "base_critic", "d_every", "smooth")
    rates = (name for name in result if name.startswith("lr"))
    check_positive(of.model, result, (*positive, *rates))
    _check_lengths(of.model, result)
    return result


def _check_lengths(model: str, options: Mapping[str, Any]) -> None:
    """Refuse a training of nothing, and networks that would be left as they were drawn."""
    stages = (("images_visible",) if options["label"] else ()) + STAGES
    for name in stages:
        if options[name] < 0:
            raise TrainingError(f"{model}'s option '{name}' cannot be {options[name]}.")
    if not any(options[name] for name in stages):
        raise TrainingError(f"{model} has nothing to train: 0 images in {', '.join(stages)}.")
    for names in (STAGES, stages[: -len(STAGES)]):
        if names and not any(options[name] for name in names) and not options["init"]:
            raise TrainingError(
                f"{model} has 0 images in {', '.join(names)}, which leaves a network at what it "
                "starts from: name that with --set init=FILE (or init=shipped)."
            )

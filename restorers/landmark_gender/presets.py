"""The sizes and schedules of the landmark-gender model as data, and the reading of options.

Source: section IV.D.3 for ``paper``: 500,000 iterations of batch 4 at 256 pixels for each gender,
Adam at 0.0001 and, for the discriminator, a tenth of that; section III.D for the weights 0.1, 250,
0.1 and 0.01.

Deviation: the rates are printed as 10 x 10^-4 and 10 x 10^-5; a tenth of these is what the code
that the model follows has, with the same losses, weights and decays.
Deviation: the pooled generator, the control that the paper lacks, is trained as long as the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restore_recog.errors import TrainingError
from restore_recog.nn.dilated import UPSAMPLING
from restore_recog.nn.options import (
    Configuration,
    check_multiple,
    check_positive,
    check_spread,
    check_widths,
    overridden,
)
from restore_recog.registry import DEFAULT_LANDMARKER
from restore_recog.restorers.landmark_gender.dots import SCHEMES
from restore_recog.restorers.landmark_gender.model import SPLITS

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "size": 256,
        "batch_size": 4,
        "images_pooled": 500_000 * 4,
        "images_male": 500_000 * 4,
        "images_female": 500_000 * 4,
        "start": "scratch",
        "lr": 1e-4,
        "lr_critic": 1e-5,
        "decay": 1.0,
        "clip": 0.0,
        "base": 64,
        "base_critic": 64,
        "attention": True,
        "upsampling": "deconv",
        "narrow": False,
        "gender_split": "nets",
        "landmarks": "98",
        "landmark_source": "mixed",
        "landmarker": DEFAULT_LANDMARKER,
        "landmarker_mark": "",
        "classifier": "gender",
        "pixel": 1.0,
        "per": 0.1,
        "style": 250.0,
        "style_on_hole": True,
        "tv": 0.1,
        "tv_on": "pasted",
        "adv": 0.01,
        "judged": "made",
        "perceptual": "vgg19",
        "perceptual_weights": "",
        "vgg_norm": False,
        "identity": 0.0,
        "margin": 0.0,
        "teachers": ("timm",),
        "identity_weights": "",
        "composite": True,
        "covered": 1.0,
        "dilate": 0,
        "feather": 0,
        "dilate_spread": 0,
        "init": "",
    },
}
PRESETS["compact"] = PRESETS["paper"] | {
    "size": 128,
    "images_pooled": 40_000,
    "images_male": 10_000,
    "images_female": 10_000,
    "start": "pooled",
    "lr": 7e-4,
    "lr_critic": 1e-4,
    "decay": 0.05,
    "clip": 1.0,
    "base": 16,
    "base_critic": 12,
    "upsampling": "bilinear",
    "narrow": True,
    "style_on_hole": False,
    "judged": "pasted",
    "pixel": 10.0,
    "per": 0.5,
    "style": 100.0,
    "adv": 2.0,
    "perceptual": "recognizer",
    "vgg_norm": True,
    "identity": 0.15,
    "margin": 0.05,
    "dilate": 2,
    "feather": 1,
    "dilate_spread": 2,
}
PRESETS["tiny"] = PRESETS["compact"] | {
    "size": 32,
    "batch_size": 2,
    "images_pooled": 40,
    "images_male": 20,
    "images_female": 20,
    "base": 4,
    "base_critic": 4,
    "perceptual": "none",
    "identity": 0.0,
    "margin": 0.0,
}
"""``images_pooled``, ``images_male`` and ``images_female`` are the lengths of the three phases;
``start`` is where the generators of a gender begin: ``scratch``, or ``pooled``, at what the pooled
one has learnt, discriminator included. ``lr_critic`` is the discriminators' rate; all rates fall
along half a cosine to the share ``decay`` of the first, in each phase anew. ``narrow`` halves
what the last convolution reads. ``gender_split`` is
``nets`` (a generator each), ``input`` (one, told by a plane) or ``one`` (one, told nothing).
``landmarks`` are those that the networks are shown: ``98``, ``68`` or ``none``;
``landmark_source`` where they come from in training: half of the faces annotated points, half
what the ``landmarker`` finds on the occluded face (``mixed``), all of one kind (``annotated``,
``predicted``), or an empty map (``zeros``); where nothing is annotated the landmarker looks at
the clean face. ``classifier`` tells the gender in use. ``pixel``, ``per``, ``style``, ``tv`` and
``adv`` are the weights of the losses. ``style_on_hole`` compares style in the hole alone,
``tv_on`` says whether the total variation is that of the face as ``pasted`` or as ``made``,
``judged`` which of the two all other losses see. ``vgg_norm`` feeds VGG-19 as it was trained,
else with images in [0, 1]. ``identity`` and ``margin`` are the weights of what the ``teachers``
find lost, ``composite``, ``dilate``, ``dilate_spread``, ``feather``, ``covered`` and ``init`` as
for GANMasker. ``tiny`` is ``compact`` in small, for tests and for trying a command out: it trains
in seconds and restores nothing well."""

CHOICES: dict[str, tuple[Any, ...]] = {
    "start": ("scratch", "pooled"),
    "upsampling": UPSAMPLING,
    "gender_split": tuple(SPLITS),
    "landmarks": SCHEMES,
    "landmark_source": ("mixed", "annotated", "predicted", "zeros"),
    "tv_on": ("pasted", "made"),
    "judged": ("pasted", "made"),
    "perceptual": ("vgg19", "recognizer", "none"),
}
"""Options with few valid values."""

NETWORKS = (
    *("size", "dilate", "base", "attention", "upsampling", "narrow", "gender_split"),
    *("landmarks", "landmarker", "classifier", "composite"),
)
"""Options without which the networks cannot be built or used."""

LIMITS = {"size": (32, 2048), "base": (4, 256), "dilate": (0, 256), "feather": (0, 256)}

MULTIPLE = 32
"""Of a picture's side."""

CONFIGURATION = Configuration("landmark_gender", PRESETS["paper"], NETWORKS, CHOICES, LIMITS)


def read_options(preset: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preset's options with *options* laid over them.

    Raises:
        TrainingError: No such preset or option, or a value that does not fit.
    """
    model = CONFIGURATION.model
    result = overridden(model, PRESETS, preset, options, CHOICES)
    check_multiple(model, result["size"], MULTIPLE)
    check_widths(model, result)
    CONFIGURATION.check(result)
    check_spread(model, result)
    check_positive(model, result, ("batch_size", "base_critic", "lr", "lr_critic"))
    _check_lengths(model, result)
    return result


def _check_lengths(model: str, options: Mapping[str, Any]) -> None:
    """Refuse a training of nothing, and generators that would be left as they were drawn."""
    names = [f"images_{name}" for name in SPLITS[options["gender_split"]]]
    for name in names:
        if options[name] < 0:
            raise TrainingError(f"{model}'s option '{name}' cannot be {options[name]}.")
    if not any(options[name] for name in names):
        raise TrainingError(f"{model} has nothing to train: 0 images in {', '.join(names)}.")
    # Those that start from the pooled generator are as good as it is.
    needed = names[:1] if options["start"] == "pooled" else names
    idle = [name for name in needed if not options[name]]
    if idle and not options["init"]:
        raise TrainingError(
            f"{model} has 0 images in {', '.join(idle)}, which leaves a generator at what it "
            "starts from: name that with --set init=FILE (or init=shipped)."
        )

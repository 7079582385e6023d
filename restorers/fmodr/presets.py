"""FMODR's sizes and schedules as data, and the reading of options.

A preset is a full set of options; ``train-restorer`` may override any of them. Lengths
are in images, so that they do not change with the batch size.

Source: FMODR section 5.1 for ``paper``; its lengths there are iterations of 4 images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from restore_recog.errors import TrainingError
from restore_recog.nn.options import Configuration, check_positive, check_widths, overridden
from restore_recog.nn.perceptual import LAYERS


@dataclass(frozen=True)
class ScheduleLeg:
    """One leg of the staged schedule.

    Attributes:
        name: C1-C3 train the coarse stage, R1-R4 the refine stage; the detector learns in C1-C3
            too, and alone in D.
        images: Length.
        generator, critic: Whether the stage's network and the discriminator learn.
        rec, adv, per: The generator's weights: lambda 1, 2 for C; lambda 5, 4, 3 for R.
        identity: Weight of the identity term, which the paper does not have.
        margin: Weight of the lead over the most similar other person; not in the paper either.
        joint: Whether the coarse network learns in a leg of the refine stage too.
        rate: Learning rate at the leg's start and end, as a share of the option ``lr``;
            in between it follows half a cosine.
    """

    name: str
    images: int
    generator: bool = True
    critic: bool = True
    rec: float = 0.0
    adv: float = 0.0
    per: float = 0.0
    identity: float = 0.0
    margin: float = 0.0
    joint: bool = False
    rate: tuple[float, float] = (1.0, 1.0)

    @property
    def coarse(self) -> bool:
        """Return whether the coarse stage is trained."""
        return self.name.startswith("C")

    @property
    def detects(self) -> bool:
        """Return whether the detector is trained."""
        return self.coarse or self.name == "D"


SCHEDULES: dict[str, tuple[ScheduleLeg, ...]] = {
    "paper": (
        ScheduleLeg("C1", 4 * 10_000, critic=False, rec=1.0),
        ScheduleLeg("C2", 4 * 1_000, generator=False),
        ScheduleLeg("C3", 4 * 24_000, rec=1.0, adv=0.05),
        ScheduleLeg("R1", 4 * 10_000, critic=False, rec=1.0),
        ScheduleLeg("R2", 4 * 1_000, generator=False),
        ScheduleLeg("R3", 4 * 20_000, rec=0.5, adv=0.1),
        ScheduleLeg("R4", 4 * 80_000, per=1.0, adv=0.1),
    ),
    "compact": (
        ScheduleLeg("D", 16_000, generator=False, critic=False),
        ScheduleLeg("C1", 16_000, critic=False, rec=1.0),
        ScheduleLeg("C2", 1_600, generator=False),
        ScheduleLeg("C3", 16_000, rec=1.0, adv=0.002, identity=0.1, margin=0.05, rate=(1.0, 0.02)),
        ScheduleLeg("R1", 7_200, critic=False, rec=1.0),
        ScheduleLeg("R2", 1_600, generator=False),
        ScheduleLeg(
            "R3", 32_000, rec=1.0, adv=0.002, identity=0.2, margin=0.1, joint=True, rate=(1.0, 0.5)
        ),
        ScheduleLeg(
            "R4",
            48_000,
            rec=1.0,
            per=0.05,
            adv=0.002,
            identity=0.2,
            margin=0.1,
            joint=True,
            rate=(0.5, 0.01),
        ),
    ),
}
SCHEDULES["standard"] = tuple(
    replace(leg, images=29 * leg.images // 2) for leg in SCHEDULES["compact"]
)
SCHEDULES["tiny"] = tuple(replace(leg, images=leg.images // 400) for leg in SCHEDULES["compact"])
"""``compact`` keeps the adversarial weight low and the reconstruction loss on to the end:
with the paper's weights a few ten thousand images buy texture at the cost of PSNR. It begins
with the detector alone, whose images cost a fraction of the others'. ``standard`` is the same with
about 2,000,000 images."""

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "size": 256,
        "batch_size": 4,
        "lr": 1.5e-5,
        "lr_detector": 1.5e-5,
        "clip": 0.0,
        "detector_widths": (32, 64, 128),
        "detector_skips": False,
        "coarse_widths": (64, 128, 256, 512, 512),
        "coarse_convs": 2,
        "coarse_norm": "instance",
        "coarse_in": 3,
        "refine_widths": (24, 48, 96),
        "refine_in": 3,
        "gated": True,
        "residual": False,
        "attention": "sca",
        "rate": 1,
        "prop": "score",
        "norm": "none",
        "critic_widths": (64, 128, 256, 512, 512, 512),
        "critic_hidden": 1024,
        "heads": "fused",
        "share": False,
        "perceptual": "vgg16",
        "perceptual_weights": "",
        "hole": 0.0,
        "covered": 1.0,
        "dilate": 0,
        "feather": 0,
        "mask_source": "gt",
        "coarse_only": False,
        "gm_disc": True,
        "gate": False,
        "init": "",
        "fresh": (),
        "legs": (),
        "identity": 1.0,
        "margin": 1.0,
        "teachers": ("timm",),
        "identity_weights": "",
        "coarse_rec": 0.25,
    },
}
"""``init`` is a weights file to start from (``shipped`` for the one in the package), ``fresh``
names networks that begin untrained all the same, ``legs`` those that are trained (none: all),
``identity`` and ``margin`` are factors on every leg's terms of these names, by the ``teachers``;
``coarse_rec`` weighs the coarse image's reconstruction loss in joint legs; ``covered`` is the share
of the images that get a covering: a detector that never meets a bare face finds coverings there."""

PRESETS["compact"] = PRESETS["paper"] | {
    "size": 128,
    "batch_size": 8,
    "lr": 3e-4,
    "lr_detector": 1e-3,
    "clip": 1.0,
    "detector_widths": (8, 16, 32, 48, 64, 64),
    "detector_skips": True,
    "coarse_widths": (16, 32, 64, 128, 192, 256),
    "coarse_convs": 1,
    "coarse_norm": "batch",
    "coarse_in": 4,
    "refine_widths": (16, 32, 48),
    "refine_in": 5,
    "residual": True,
    "critic_widths": (12, 24, 48, 64, 64, 64),
    "critic_hidden": 256,
    "perceptual": "recognizer",
    "hole": 1.0,
    "covered": 0.9,
    "dilate": 2,
}

PRESETS["standard"] = PRESETS["compact"] | {
    "size": 256,
    "batch_size": 32,
    "detector_widths": (16, 32, 64, 96, 128, 128),
    "coarse_widths": (32, 64, 128, 256, 384, 512),
    "refine_widths": (24, 48, 96),
    "critic_widths": (32, 64, 128, 256, 256, 256),
    "critic_hidden": 512,
    "dilate": 4,
}
"""``compact`` at twice the size, for a GPU that computes in bfloat16: twice as wide, and the refine
network as wide as the paper's."""

PRESETS["tiny"] = PRESETS["compact"] | {
    "size": 32,
    "batch_size": 2,
    "detector_widths": (4, 4),
    "coarse_widths": (4, 4, 8),
    "refine_widths": (4, 4, 8),
    "critic_widths": (4, 4, 8),
    "critic_hidden": 8,
    "perceptual": "none",
    "identity": 0.0,
    "margin": 0.0,
}
"""The whole of ``compact`` in small, for tests and for trying a command out: it trains in seconds,
needs no other network's weights, and restores nothing well."""

CHOICES: dict[str, tuple[Any, ...]] = {
    "coarse_norm": ("instance", "batch"),
    "coarse_in": (3, 4),
    "refine_in": (3, 5),
    "attention": ("sca", "ca", "none"),
    "rate": (1, 2),
    "prop": ("score", "spatial", "feature", "eye", "none"),
    "norm": ("none", "sum", "softmax"),
    "heads": ("fused", "two"),
    "perceptual": ("vgg16", "vgg19", "recognizer", LAYERS, "none"),
    "mask_source": ("gt", "detector"),
}
"""Options with few valid values."""

HALVINGS = 5
"""Images come padded to sides that can be halved so often."""

CONFIGURATION = Configuration(
    "FMODR",
    PRESETS["paper"],
    needed=("size", "dilate", "detector_widths", "detector_skips", "coarse_widths", "coarse_in")
    + ("coarse_convs", "coarse_norm", "coarse_only", "refine_widths", "refine_in", "gated")
    + ("residual", "attention", "rate", "prop", "norm"),
    choices=CHOICES,
    limits={
        "size": (16, 2048),
        "detector_widths": (1, 4096),
        "coarse_widths": (1, 4096),
        "refine_widths": (2, 4096),
        "coarse_convs": (1, 8),
        "dilate": (0, 256),
        "feather": (0, 256),
    },
    lengths={
        "detector_widths": (1, HALVINGS + 1),
        "coarse_widths": (1, HALVINGS + 1),
        "refine_widths": (3, 3),
    },
)


def read_options(preset: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preset's options with *options* laid over them.

    Raises:
        TrainingError: No such preset or option, or a value that does not fit.
    """
    result = overridden("FMODR", PRESETS, preset, options, CHOICES)
    _check_sizes(result)
    check_widths("FMODR", result)
    CONFIGURATION.check(result)
    return result


def legs(preset: str, options: Mapping[str, Any]) -> tuple[ScheduleLeg, ...]:
    """Return the preset's legs as far as the switches leave them.

    Raises:
        TrainingError: The option ``legs`` names one that there is not.
    """
    wanted = options["legs"]
    names = [leg.name for leg in SCHEDULES[preset]]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise TrainingError(f"FMODR has no leg '{unknown[0]}'; there are {', '.join(names)}.")
    result = []
    for leg in SCHEDULES[preset]:
        only_critic = leg.critic and not leg.generator
        off = (options["coarse_only"] and leg.name.startswith("R")) or (
            only_critic and not options["gm_disc"]
        )
        if off or (wanted and leg.name not in wanted):
            continue
        changes: dict[str, Any] = {
            name: getattr(leg, name) * options[name] for name in ("identity", "margin")
        }
        if not options["gm_disc"]:
            changes |= {"critic": False, "adv": 0.0}
        if options["perceptual"] == "none" and leg.per and not leg.rec:
            changes |= {"rec": 1.0}
        result.append(replace(leg, **changes))
    return tuple(result)


def _check_sizes(options: Mapping[str, Any]) -> None:
    """Refuse sizes that the networks cannot halve often enough, and empty batches."""
    halvings = [len(options["coarse_widths"]) - 1, len(options["detector_widths"]) - 1, 3]
    if options["gm_disc"]:
        halvings.append(len(options["critic_widths"]))
    step = 1 << max(halvings)
    if options["size"] < step or options["size"] % step:
        raise TrainingError(
            f"FMODR's option 'size' cannot be {options['size']}: these widths need a multiple "
            f"of {step}."
        )
    check_positive("FMODR", options, ("batch_size", "lr", "lr_detector"))

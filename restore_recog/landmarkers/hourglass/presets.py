"""Sizes and schedules of the hourglass landmarker as data, and the reading of options.

Source of ``paper``: Wang, Bo, Fuxin, ICCV 2019 and its published code: four stacks of 256 features
at 256 pixels, RMSprop with a learning rate of 1e-4, batches of 8, a tenth of the rate twice.

Deviation: the net also learns to find nobody (``nobody``), and the schedule is counted in images,
200 epochs of WFLW's 7,500 training faces with drops after 80 % and 90 % of them; the paper does not
fix where its 240 epochs are cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restore_recog.errors import TrainingError
from restore_recog.nn.options import Configuration, check_positive, overridden

NAME = "hourglass"
LABEL = "The hourglass landmarker"

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "size": 256,
        "stacks": 4,
        "features": 256,
        "depth": 4,
        "exact": False,
        "least": 0.2,
        "batch_size": 8,
        "images": 1_500_000,
        "warm_up": 0.0,
        "schedule": "steps",
        "drops": (0.8, 0.9),
        "optimizer": "rmsprop",
        "lr": 1e-4,
        "weight_decay": 1e-5,
        "clip": 0.0,
        "covered": 0.5,
        "turn": 10.0,
        "zoom": 0.08,
        "nobody": 0.05,
        "init": "scratch",
    },
}
PRESETS["compact"] = PRESETS["paper"] | {
    "size": 128,
    "stacks": 1,
    "features": 64,
    "exact": True,
    "batch_size": 16,
    "images": 300_000,
    "warm_up": 0.02,
    "schedule": "cosine",
    "optimizer": "adam",
    "lr": 2e-3,
    "weight_decay": 1e-4,
    "clip": 5.0,
}
PRESETS["tiny"] = PRESETS["compact"] | {
    "size": 64,
    "features": 16,
    "depth": 2,
    "batch_size": 4,
    "images": 40,
}
"""``features`` and ``depth`` are those of each of the ``stacks`` hourglasses. ``exact`` puts the
middle of a heat-map's blob where the point is and reads it back as finely; without it both go by
whole cells, and reading back adds a quarter of one, as published. ``least`` is how high the better
half of the heat-maps must rise, on average, for a face to be there. ``warm_up`` and ``drops`` are
shares of the schedule: the learning rate rises over the first, and in ``steps`` falls tenfold at
each of the others; in ``cosine`` it follows half a cosine. ``turn`` (degrees) and ``zoom`` are the
deviations of the turns and of the logarithm of the scales that training adds to those of all
trainings here.
``nobody`` is the share of the images that are cut up until no face is left, on which all heat-maps
should be empty: without it the net, which knows where it is, finds a face in the middle of
anything. ``init`` is ``scratch``, ``shipped`` or a file. ``compact`` is in no paper: a narrow stack
at 128 pixels for a file under 1 MB. ``tiny`` is for tests and finds little."""

CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": ("rmsprop", "adam"),
    "schedule": ("steps", "cosine"),
}

CONFIGURATION = Configuration(
    LABEL,
    PRESETS["paper"],
    needed=("size", "stacks", "features", "depth", "exact", "least"),
    choices=CHOICES,
    limits={
        "size": (16, 1024),
        "stacks": (1, 8),
        "features": (8, 1024),
        "depth": (1, 6),
        "least": (0.0, 1.0),
        "warm_up": (0.0, 0.9),
        "drops": (0.0, 1.0),
        "covered": (0.0, 1.0),
        "turn": (0.0, 45.0),
        "zoom": (0.0, 0.5),
        "nobody": (0.0, 0.5),
    },
)


def read_options(preset: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preset's options with *options* laid over them.

    Raises:
        TrainingError: No such preset or option, or a value that does not fit.
    """
    result = overridden(LABEL, PRESETS, preset, options, CHOICES)
    CONFIGURATION.check(result)
    for name, step in (("features", 8), ("size", 4 * 2 ** result["depth"])):
        if result[name] % step:
            raise TrainingError(
                f"{LABEL}'s option '{name}' must be a multiple of {step}, not {result[name]}."
            )
    check_positive(LABEL, result, ("batch_size", "images", "lr"))
    for name in ("weight_decay", "clip"):
        if result[name] < 0:
            raise TrainingError(f"{LABEL}'s option '{name}' cannot be {result[name]}.")
    return result

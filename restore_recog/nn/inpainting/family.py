"""The options that every trained inpainter has, and the reading of a model's own beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from restore_recog.nn.options import (
    Configuration,
    check_multiple,
    check_positive,
    check_spread,
    check_stages,
    check_widths,
    overridden,
)

PAPER: Mapping[str, Any] = {
    "size": 256,
    "batch_size": 8,
    "lr": 1e-4,
    "lr_critic": 1e-4,
    "decay": 1.0,
    "clip": 0.0,
    "identity": 0.0,
    "margin": 0.0,
    "teachers": ("timm",),
    "identity_weights": "",
    "composite": True,
    "covered": 1.0,
    "dilate": 0,
    "dilate_spread": 0,
    "feather": 0,
    "init": "",
}

COMPACT: Mapping[str, Any] = {
    "size": 128,
    "batch_size": 8,
    "decay": 0.05,
    "clip": 1.0,
    "dilate": 2,
    "dilate_spread": 2,
    "feather": 1,
}

TINY: Mapping[str, Any] = {"size": 32, "batch_size": 2, "identity": 0.0, "margin": 0.0}
"""Every model's presets begin with these; what a paper says comes over them. Rates fall along half
a cosine to the share ``decay`` of the first, in each stage anew. ``clip`` is the largest norm of a
gradient, 0 for any. ``identity`` and ``margin`` are the weights of what the ``teachers`` find lost:
no paper has them. ``dilate`` pixels widen the hole that the networks are shown, in training by
``dilate_spread`` more or fewer; ``feather`` is how the fill fades in use
(:func:`restore_recog.nn.masks.pasted`), ``composite`` whether uncovered pixels are put back,
``covered`` the share of the images that get a covering. ``init`` is a weights file to start from
(``shipped`` for the one in the package). Each stage has its length, ``images_NAME``."""

CRITIC_ONLY = ("lr", "lr_critic", "batch_size")


class Family:
    """The options of one model: presets, stages, and what values may be.

    Args:
        model: The plug-in's name.
        stages: Of its training, in order; options ``images_STAGE`` are their lengths.
        paper, compact, tiny: The presets, each over those of this module and over the one before.
        needed: Options without which the networks cannot be built, beside ``size`` and ``dilate``.
        choices: Option -> its valid values, of those that have few.
        limits: Option -> least and most.
        lengths: Option -> fewest and most entries of a list.
        positive: Numbers above 0, beside batch size and rates.
        multiple: What an image's side must be divisible by.
        idle: Stages that may have no images even where nothing is started from.
    """

    def __init__(
        self,
        model: str,
        stages: Sequence[str],
        *,
        paper: Mapping[str, Any],
        compact: Mapping[str, Any],
        tiny: Mapping[str, Any],
        needed: Sequence[str] = (),
        choices: Mapping[str, tuple[Any, ...]] | None = None,
        limits: Mapping[str, tuple[float, float]] | None = None,
        lengths: Mapping[str, tuple[int, int]] | None = None,
        positive: Sequence[str] = (),
        multiple: int = 32,
        idle: Sequence[str] = (),
    ) -> None:
        self.model, self.stages, self.multiple, self.idle = model, tuple(stages), multiple, idle
        self.presets = {"paper": {**PAPER, **paper}}
        self.presets["compact"] = {**self.presets["paper"], **COMPACT, **compact}
        self.presets["tiny"] = {**self.presets["compact"], **TINY, **tiny}
        self.positive = (*CRITIC_ONLY, *positive)
        self._needed, self._lengths = tuple(needed), lengths or {}
        self._choices, self._limits = choices or {}, limits or {}

    @cached_property
    def configuration(self) -> Configuration:
        """Return what weights files of this model may say."""
        return Configuration(
            self.model,
            self.presets["paper"],
            ("size", "dilate", *self._needed),
            self._choices,
            {
                "size": (self.multiple, 2048),
                "dilate": (0, 256),
                "feather": (0, 256),
                **self._limits,
            },
            self._lengths,
        )

    def read(self, preset: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return a preset's options with *options* laid over them.

        Raises:
            TrainingError: No such preset or option, or a value that does not fit.
        """
        model = self.model
        result = overridden(model, self.presets, preset, options, self._choices)
        check_multiple(model, result["size"], self.multiple)
        check_widths(model, result)
        self.configuration.check(result)
        check_spread(model, result)
        check_positive(model, result, self.positive)
        stages = {f"images_{stage}": result[f"images_{stage}"] for stage in self.stages}
        check_stages(model, stages, result["init"], [f"images_{stage}" for stage in self.idle])
        return result

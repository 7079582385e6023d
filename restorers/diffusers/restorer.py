"""The restorer ``diffusers``: settings, seeds, and one image after the other."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from PIL import Image

from restore_recog import specs
from restore_recog.api import Restorer
from restore_recog.errors import ImageError, PluginError, first_line
from restore_recog.images import MIN_SIDE
from restore_recog.names import label, printable
from restore_recog.restorers.diffusers.pipeline import fingerprint, loaded, quiet, side_of
from restore_recog.restoring.by_image import each_filled
from restore_recog.restoring.crop_folder import digest
from restore_recog.types import Pixels

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.types import FaceBatch

PROMPT = "a photograph of a face"

ARGUMENTS = {
    "prompt": "prompt",
    "negative": "negative_prompt",
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
    "strength": "strength",
}
"""Settings -> what pipelines call them; one that is not said is left to the pipeline."""

FIXED = {"prompt": PROMPT, "strength": 1.0}
"""But these are not: with less strength something of the covering would shine through."""

EXAMPLE = "diffusers:\"prompt='a smiling face' steps=30 seed=1 PATH\""


class Diffusers(Restorer):
    """Run an inpainting pipeline of Diffusers: diffusers:PATH, a folder or a name on the hub.

    Before the path may stand ``prompt='...'``, ``negative='...'``, ``steps=N``, ``guidance=X``,
    ``strength=X``, ``seed=N``, ``size=PIXELS`` and ``half=true`` (numbers of 16 bits, usual on a
    GPU). Images go through one by one, each with a seed of its own that follows from its pixels,
    its mask and ``seed``; those without covering do not. Pixels outside the mask are put back bit
    for bit. The safety checker that some pipelines bring, which blackens images, is left out.

    Args:
        argument: Settings and path.
        weights: Not for this restorer.
        device: Where the pipeline computes.

    Raises:
        PluginError: Diffusers is not installed; a setting is wrong, or none of this pipeline.
        WeightsError: There is no such pipeline, or it is not in safetensors.
    """

    name: ClassVar[str] = "diffusers"

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        super().__init__(weights=weights, device=device)
        said, path = _said(argument or "")
        for package in ("diffusers", "transformers"):
            if importlib.util.find_spec(package) is None:
                raise PluginError(
                    f"The restorer 'diffusers' needs the package '{package}'; install the extra "
                    "with pip install 'restore-recog[diffusers]'."
                )
        self.argument = label(Path(path).name if os.path.isdir(path) else path)
        half = bool(said.pop("half", device.startswith("cuda")))
        self.seed = said.pop("seed", 0)
        size = said.pop("size", None)
        with quiet():
            pipeline = loaded(path, half).to(device)
        pipeline.set_progress_bar_config(disable=True)
        takes = inspect.signature(pipeline.__call__).parameters
        asked = _asked({**FIXED, **said}, said, takes, self.argument)
        side = side_of(pipeline, size, self.argument)
        self.image_size = (side, side)
        sides = {name: side for name in ("height", "width") if name in takes}
        # A partial object hides the pipeline from the cache, which would take the steps of its last
        # image, which it keeps, for a part of it; settings say all that counts.
        self._make = partial(pipeline, **asked, **sides)
        self.settings: Mapping[str, Any] = {
            "pipeline": type(pipeline).__name__,
            "sha256": fingerprint(pipeline),
            "half": half,
            "seed": self.seed,
            **{name: asked[its] for name, its in ARGUMENTS.items() if its in asked},
        }
        self.notes = [f"The restorer 'diffusers:{self.argument}' {self._sentence()}"]

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the images with what the pipeline makes of the covered part.

        Raises:
            PluginError: The pipeline fails.
            ImageError: It gives what are no numbers.
        """
        return each_filled(batch, self._filled)

    def _sentence(self) -> str:
        """Return what a report says about it."""
        pipeline, _, _, *chosen = self.settings.items()
        shown = ", ".join(f"{name} {printable(repr(value), keep='')}" for name, value in chosen)
        side = self.image_size[0]
        return f"is a {pipeline[1]} for {side} x {side} pixels; {shown}."

    def _filled(self, image: Pixels, hole: Pixels) -> Pixels:
        if not hole.any():
            return image
        key = f"{self.seed} {digest(image, hole)}".encode()
        seed = int.from_bytes(hashlib.sha256(key).digest()[:7], "big")
        try:
            with quiet(), torch.inference_mode():
                made = self._make(
                    image=Image.fromarray(image),
                    mask_image=Image.fromarray(255 * hole),
                    generator=torch.Generator().manual_seed(seed),
                    output_type="np",
                ).images[0]
        # A pipeline raises whatever the networks inside it raise.
        except Exception as error:
            raise PluginError(
                f"The pipeline '{self.argument}' fails on an image of {image.shape[1]} x "
                f"{image.shape[0]} pixels: {first_line(error)}"
            ) from error
        if made.shape != image.shape:
            raise PluginError(
                f"The pipeline '{self.argument}' makes {made.shape} of an image of {image.shape}; "
                "say another size=PIXELS before its path."
            )
        if not np.isfinite(made).all():
            raise ImageError(
                f"The pipeline '{self.argument}' gives pixels that are not numbers; say half=false "
                "before its path."
            )
        rounded: Pixels = (255 * made).round().clip(0, 255).astype(np.uint8)
        return rounded


def _said(argument: str) -> tuple[dict[str, Any], str]:
    """Return the settings and the path of an argument.

    Raises:
        PluginError: They are none.
    """
    words = [argument] if os.path.isdir(os.path.expanduser(argument)) else None
    texts: dict[str, str] = {}
    if words is None:
        texts, words = specs.settings(argument)
    if len(words) != 1:
        raise PluginError(
            "The restorer 'diffusers' needs one pipeline, a folder or a name on the hub, for "
            f"instance {EXAMPLE}; it is given {printable(' and '.join(words)) or 'none'}."
        )
    return {key: _checked(key, text) for key, text in texts.items()}, str(
        Path(words[0]).expanduser()
    )


def _checked(key: str, text: str) -> Any:
    """Return the value of a setting."""
    value = specs.value(text)
    number = type(value) in (int, float)
    kinds: dict[str, tuple[bool, str]] = {
        "steps": (type(value) is int and 1 <= value <= 1000, "a whole number from 1 to 1000"),
        "guidance": (number and 0 <= value <= 1000, "a number from 0 to 1000"),
        "strength": (number and 0 < value <= 1, "a number above 0, at most 1"),
        "seed": (type(value) is int and value >= 0, "a whole number from 0"),
        "size": (type(value) is int and MIN_SIDE <= value <= 4096, f"pixels from {MIN_SIDE}"),
        "half": (isinstance(value, bool), "true or false"),
    }
    if key in ("prompt", "negative"):
        return text
    if key not in kinds:
        known = ", ".join(["prompt", "negative", *kinds])
        raise PluginError(
            f"The restorer 'diffusers' has no setting '{printable(key)}'; it has {known}, for "
            f"instance {EXAMPLE}."
        )
    sound, meant = kinds[key]
    if not sound:
        raise PluginError(
            f"The setting '{key}' of 'diffusers' is '{printable(text)}'; it is {meant}."
        )
    return value


def _asked(
    wanted: Mapping[str, Any], said: Mapping[str, Any], takes: Mapping[str, Any], who: str
) -> dict[str, Any]:
    """Return the arguments of a pipeline's call.

    Args:
        wanted: Settings and what holds otherwise.
        said: Those that the user gave, which must not be without effect.
        takes: The parameters of its call.
        who: The pipeline, for the message.

    Raises:
        PluginError: It does not take one that was given.
    """
    without = [name for name in said if ARGUMENTS[name] not in takes]
    if without:
        raise PluginError(
            f"The pipeline '{who}' takes no {ARGUMENTS[without[0]]}; leave '{without[0]}' out."
        )
    own = {name: takes[theirs].default for name, theirs in ARGUMENTS.items() if theirs in takes}
    usual = {name: value for name, value in own.items() if isinstance(value, (int, float, str))}
    chosen = {**usual, **{name: value for name, value in wanted.items() if name in own}}
    return {ARGUMENTS[name]: value for name, value in chosen.items()}

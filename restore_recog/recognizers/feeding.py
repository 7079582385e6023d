"""How a network from a file wants its images: order of the colours, range, alignment.

A model's file says how large its images are and nothing else about them. The rest is asked for,
in the command or in a small TOML file beside the model, and is ArcFace's where nobody says::

    input = "bgr"            # or "rgb"
    mean = 127.5             # one number or three, of values in 0..255: (x - mean) / std
    std = 128
    template = "arcface112"  # or five points [[x, y], ...] in the unit square
    flip = true              # templates are means over the crop and its mirror image
    size = 112               # or [112, 96], height first; where the model does not say it
    output = "embedding"     # where an ONNX file has several
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from restore_recog.errors import PluginError
from restore_recog.recognizers.crop_templates import ARCFACE, TEMPLATES, CropTemplate, Points
from restore_recog.system.model_settings import beside

Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Feeding:
    """How images reach a network.

    Attributes:
        input: Order of the colours: ``rgb`` or ``bgr``.
        mean, std: Of each channel in the network's order, for values in 0..255.
        template: Name in :data:`TEMPLATES`, or five points in the unit square.
        flip: Whether a template is the mean over the crop and its mirror image.
        size: (H, W) of the crops, or None for what the model says, else what the template is for.
        output: Which output of the network the templates are, or None for the only one.
    """

    input: str = "rgb"
    mean: Three = (127.5, 127.5, 127.5)
    std: Three = (127.5, 127.5, 127.5)
    template: str | Points = "arcface112"
    flip: bool = False
    size: tuple[int, int] | None = None
    output: str | None = None

    def prepared(self, images: Tensor) -> Tensor:
        """Return (N, 3, H, W) RGB images in [0, 1] as the network wants them."""
        ordered = images.flip(1) if self.input == "bgr" else images
        mean = images.new_tensor(self.mean)[:, None, None]  # (3, 1, 1)
        std = images.new_tensor(self.std)[:, None, None]
        return (ordered * 255 - mean) / std

    def own_size(self) -> tuple[int, int]:
        """Return the (H, W) that was asked for, else that of the template, else ArcFace's."""
        if self.size is not None:
            return self.size
        known = TEMPLATES.get(self.template) if isinstance(self.template, str) else None
        return (known or ARCFACE).size

    def crop_template(self, size: tuple[int, int], what: str) -> CropTemplate:
        """Return the template for crops of *size* (H, W).

        Args:
            size: What the network takes.
            what: The model, for the message.

        Raises:
            PluginError: The template was made for crops of another shape.
        """
        if not isinstance(self.template, str):
            return CropTemplate(self.template, size)
        template = TEMPLATES[self.template]
        if not _alike(template.size, size):
            fitting = [name for name, other in TEMPLATES.items() if _alike(other.size, size)]
            raise PluginError(
                f"{what} takes crops of {_wide(size)} pixels, but the template '{self.template}' "
                f"is for {_wide(template.size)}; choose "
                f"{' or '.join(fitting) or 'five points of your own'} with --template."
            )
        return template

    def record(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return asdict(self)

    def sentence(self, name: str) -> str:
        """Return what a report says about it."""
        template = self.template if isinstance(self.template, str) else "of five given points"
        mirrored = ", averaged with its mirror image" if self.flip else ""
        return (
            f"The recogniser '{name}' is fed {self.input.upper()} as "
            f"(x - {_short(self.mean)}) / {_short(self.std)} of 0..255, "
            f"cut by the template {template}{mirrored}."
        )


SETTINGS = tuple(one.name for one in fields(Feeding))
"""Every setting by name."""


def feeding(model: Path, given: Mapping[str, Any], usual: Feeding) -> Feeding:
    """Return how a model is fed: as *given*, else as the file beside it says, else as is *usual*.

    Args:
        model: ``net.onnx``; the file beside it is ``net.toml`` or ``net.onnx.toml``.
        given: Any of :data:`SETTINGS`.
        usual: What holds where nobody says otherwise.

    Raises:
        PluginError: A setting is unknown, or its value is none that it can have.
    """
    written, where = beside(model)
    checked = {key: _checked(key, value, f"in {where}") for key, value in written.items()}
    checked |= {key: _checked(key, value, "given") for key, value in given.items()}
    return replace(usual, **checked)


def _checked(key: str, value: Any, where: str) -> Any:
    """Return the value of a setting in the type that :class:`Feeding` has."""
    if key == "input" and value in ("rgb", "bgr"):
        return value
    if key in ("mean", "std"):
        return _three(key, value, where)
    if key == "template":
        return _template(value, where)
    if key == "size":
        return _size(value, where)
    if (key == "flip" and isinstance(value, bool)) or (key == "output" and isinstance(value, str)):
        return value
    choices = {"input": "rgb or bgr", "flip": "true or false", "output": "a name"}
    if key in choices:
        raise PluginError(f"The recogniser's '{key}' {where} is {value!r}; it is {choices[key]}.")
    raise PluginError(
        f"A recogniser from a file has no setting '{key}' ({where}); it has {', '.join(SETTINGS)}."
    )


def _three(key: str, value: Any, where: str) -> Three:
    numbers = list(value) if isinstance(value, (list, tuple)) else [value] * 3
    sound = all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
    if len(numbers) != 3 or not sound or (key == "std" and min(numbers) <= 0):
        raise PluginError(
            f"The recogniser's '{key}' {where} is {value!r}; it is one number or three, for values "
            f"in 0..255{', above 0' if key == 'std' else ''}."
        )
    return (float(numbers[0]), float(numbers[1]), float(numbers[2]))


def _size(value: Any, where: str) -> tuple[int, int]:
    sides = list(value) if isinstance(value, (list, tuple)) else [value] * 2
    if len(sides) != 2 or not all(type(side) is int and 16 <= side <= 4096 for side in sides):
        raise PluginError(
            f"The recogniser's 'size' {where} is {value!r}; it is a side in pixels or [height, "
            "width], from 16 to 4096."
        )
    return (sides[0], sides[1])


def _template(value: Any, where: str) -> str | Points:
    if isinstance(value, str):
        if value not in TEMPLATES:
            raise PluginError(
                f"There is no template '{value}' ({where}); choose from {', '.join(TEMPLATES)}, or "
                "write five points into a TOML file beside the model."
            )
        return value
    if not (isinstance(value, Sequence) and len(value) == 5 and all(map(_is_point, value))):
        raise PluginError(
            f"The recogniser's template {where} is {value!r}; it is a name or five points [x, y] "
            "inside the unit square: eyes, nose and mouth corners, left in the image first."
        )
    return tuple((float(x), float(y)) for x, y in value)


def _is_point(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and len(value) == 2
        and all(isinstance(number, float) and 0 < number < 1 for number in value)
    )


def _alike(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Return whether two sizes are of one shape."""
    return one[0] * other[1] == one[1] * other[0]


def _wide(size: tuple[int, int]) -> str:
    """Return (H, W) as people write it, width first."""
    return f"{size[1]} x {size[0]}"


def _short(three: Three) -> str:
    """Return one number where all three are the same."""
    return f"{three[0]:g}" if len(set(three)) == 1 else f"({', '.join(f'{n:g}' for n in three)})"

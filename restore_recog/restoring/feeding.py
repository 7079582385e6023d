"""How an inpainter from a file wants its crops and masks, and how its results are to be read.

A model's file says little of that. The rest is asked for, before the file's name or in a small TOML
file beside it; nothing of it is guessed::

    inputs = ["masked", "mask"]  # for each input of the model; "masked+mask" is one of 4 channels
    range = [0, 1]               # black and white, as the model takes them: also [-1, 1], [0, 255]
    output_range = [0, 255]      # as it gives them; otherwise those of range
    mask_range = [0, 1]          # visible and covered
    fill = 0                     # what "masked" has in the hole, in the model's range
    colours = "rgb"              # or "bgr"
    size = 512                   # side of the crops, where the file does not say it (128)
    multiple = 8                 # sides are padded to a multiple, by reflection, and cropped again
    output = "restored"          # which of several
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from restore_recog import images
from restore_recog.errors import PluginError
from restore_recog.names import printable

Pair = tuple[float, float]

PARTS = {"image": 3, "masked": 3, "mask": 1, "keep": 1}
"""What an input may be made of -> its channels: the crop with its covering, the crop with the hole
filled, the mask (the higher value is covered), the mask the other way round."""

MOST = 1e6
"""Beyond every number that an image is made of."""

SIZE = 128
"""Side of the crops where neither file nor user says one."""


@dataclass(frozen=True, slots=True)
class Feeding:
    """How crops reach an inpainter and its results come back; see the top of this module.

    Attributes:
        inputs: For each input of the model the parts whose channels it is made of.
        range, output_range, mask_range: Of the numbers that enter and leave, lowest first.
        fill: What ``masked`` has in the hole.
        colours: Order of the colours, of crops and results: ``rgb`` or ``bgr``.
        size: Side of the crops in pixels.
        multiple: What sides are padded to a multiple of.
        output: Name or number of the output, or None for the only one.
    """

    inputs: tuple[tuple[str, ...], ...] | None = None
    range: Pair | None = None
    output_range: Pair | None = None
    mask_range: Pair | None = None
    fill: float = 0.0
    colours: str = "rgb"
    size: int | None = None
    multiple: int = 1
    output: str | int | None = None

    def prepared(self, crops: Tensor, masks: Tensor) -> list[Tensor]:
        """Return what each input of the model takes.

        Args:
            crops: (N, 3, H, W) RGB in [0, 1].
            masks: (N, 1, H, W), 1 = covered.

        Returns:
            (N, C, H', W') each, where H' and W' are the next multiples of :attr:`multiple`.
        """
        crops, masks = self._padded(crops), self._padded(masks)
        ordered = crops.flip(1) if self.colours == "bgr" else crops
        image, hole = _into(ordered, self.range), masks > 0.5
        parts = {
            "image": image,
            "masked": torch.where(hole, image.new_tensor(self.fill), image),
            "mask": _into(hole.float(), self.mask_range),
            "keep": _into(1 - hole.float(), self.mask_range),
        }
        return [torch.cat([parts[name] for name in names], 1) for names in self.inputs or ()]

    def read(self, results: Tensor, crops: Tensor) -> Tensor:
        """Return results as RGB images of the size of the crops; [0, 1] where the range is right.

        Args:
            results: (N, 3, H', W') as the model gives them.
            crops: (N, 3, H, W).
        """
        low, high = self.output_range or (0.0, 1.0)
        cropped = results[:, :, : crops.shape[-2], : crops.shape[-1]].float()  # (N, 3, H, W)
        ordered = cropped.flip(1) if self.colours == "bgr" else cropped
        return (ordered - low) / (high - low)

    def _padded(self, tensor: Tensor) -> Tensor:
        """Return (N, C, H', W') with its mirror image at the right and below, where needed."""
        down, right = (-side % self.multiple for side in tensor.shape[-2:])
        return F.pad(tensor, (0, right, 0, down), mode="reflect") if down or right else tensor

    def record(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return {**asdict(self), "inputs": ["+".join(names) for names in self.inputs or ()]}

    def sentence(self, name: str, more: str = "") -> str:
        """Return what a report says about it.

        Args:
            name: Of the restorer.
            more: What is to be said of the inputs besides.
        """
        filled = any("masked" in names for names in self.inputs or ())
        order = "" if self.colours == "rgb" else f" in {self.colours.upper()}"
        inputs = " and ".join("+".join(names) for names in self.inputs or ())
        padded = "" if self.multiple == 1 else f", padded to a multiple of {self.multiple}"
        hole = f", {self.fill:g} in the hole," if filled else ""
        return (
            f"The restorer '{name}' is given {self.size} x {self.size} pixels{padded}, as "
            f"{inputs}{more}, with images{order} in {_short(self.range)}{hole} and masks in "
            f"{_short(self.mask_range)}; its results are read in {_short(self.output_range)}."
        )


SETTINGS = tuple(one.name for one in fields(Feeding))
"""Every setting by name."""


def checked(said: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return settings in the types that :class:`Feeding` has.

    Args:
        said: As they were written.
        where: Where, for messages.

    Raises:
        PluginError: One is unknown, or its value is none that it can have.
    """
    return {key: _checked(key, value, where) for key, value in said.items()}


def _checked(key: str, value: Any, where: str) -> Any:
    """Return the value of one setting."""
    kinds: dict[str, tuple[Any, str]] = {
        "inputs": (_inputs, 'names of parts, e.g. ["masked", "mask"] or ["masked+mask"]; the parts '
                   f"are {', '.join(PARTS)}"),
        "range": (_pair, "the lowest and the highest value, e.g. [-1, 1]"),
        "fill": (_number, "a number"),
        "colours": (lambda x: x if x in ("rgb", "bgr") else None, "rgb or bgr"),
        "size": (lambda x: _whole(x, images.MIN_SIDE), f"a side in pixels from {images.MIN_SIDE}"),
        "multiple": (lambda x: _whole(x, 1), "a number of pixels, e.g. 8"),
        "output": (_output, "the name of an output, or its number from 0"),
    }  # fmt: skip
    kinds |= {"output_range": kinds["range"], "mask_range": kinds["range"]}
    if key not in kinds:
        raise PluginError(
            f"An inpainter from a file has no setting '{printable(key)}' ({where}); it has "
            f"{', '.join(SETTINGS)}."
        )
    read, meant = kinds[key]
    result = read(value)
    if result is None:
        raise PluginError(
            f"The setting '{key}' {where} is {printable(repr(value))}; it is {meant}."
        )
    return result


def _inputs(value: Any) -> tuple[tuple[str, ...], ...] | None:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not names:
        return None
    if not all(isinstance(name, str) for name in names):
        return None
    parts = tuple(tuple(part.strip() for part in name.split("+")) for name in names)
    return parts if all(part in PARTS for joined in parts for part in joined) else None


def _pair(value: Any) -> Pair | None:
    numbers = [_number(one) for one in value] if isinstance(value, (list, tuple)) else []
    low, high = numbers if len(numbers) == 2 else (None, None)
    sound = low is not None and high is not None and 0 < high - low < MOST
    return (low, high) if sound else None  # type: ignore[return-value]


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and abs(value) < MOST else None


def _whole(value: Any, least: int) -> int | None:
    return value if type(value) is int and least <= value <= 4096 else None


def _output(value: Any) -> str | int | None:
    sound = (isinstance(value, str) and value) or (type(value) is int and value >= 0)
    return value if sound else None


def _into(values: Tensor, span: Pair | None) -> Tensor:
    """Return values in [0, 1] in another range."""
    low, high = span or (0.0, 1.0)
    return low + values * (high - low) if (low, high) != (0.0, 1.0) else values


def _short(span: Pair | None) -> str:
    low, high = span or (0.0, 1.0)
    return f"[{low:g}, {high:g}]"

"""What the file of an inpainter says of its inputs, and what follows from that for its feeding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from restore_recog.errors import PluginError
from restore_recog.restoring.feeding import PARTS, SIZE, Feeding, Pair

IMAGES = ("image", "images", "img", "input_image")
MASKS = ("mask", "masks", "input_mask")
"""Names of inputs that leave no doubt of what they take; a mask is 1 where something is missing."""

FLOATS: Pair = (0.0, 1.0)
BYTES: Pair = (0.0, 255.0)

Inputs = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One input of a model.

    Attributes:
        name: Of the input.
        channels: How many, or None where the file does not say it.
        bytes: Whether it takes whole numbers from 0 to 255.
    """

    name: str
    channels: int | None = None
    bytes: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """What a model's file says.

    Attributes:
        slots: Its inputs, in order.
        size: (H, W) that it takes; None where any will do or the file does not say it.
        bytes: Whether its results are whole numbers from 0 to 255.
        own: Settings that it holds itself.
    """

    slots: Sequence[Slot]
    size: tuple[int, int] | None = None
    bytes: bool = False
    own: Mapping[str, Any] = field(default_factory=dict)


def settled(asked: Feeding, described: Described, file: Path) -> Feeding:
    """Return the feeding with all that follows from the file.

    Args:
        asked: What was said of it.
        described: What its file says.
        file: Its place, for messages.

    Raises:
        PluginError: What was said does not fit the file, or what is needed was not said.
    """
    inputs = _inputs(asked, described.slots, file)
    shown, masked = _in_bytes(inputs, described.slots, 3), _in_bytes(inputs, described.slots, 1)
    span = asked.range or (BYTES if shown else None)
    if span is None:
        raise PluginError(
            f"{file} does not say in which range it takes images; {_say(file)} range = [0, 1], "
            "or [-1, 1], or [0, 255]."
        )
    back = asked.output_range or (BYTES if described.bytes else None if shown else span)
    if back is None:
        raise PluginError(
            f"{file} takes bytes, gives other numbers, and does not say in which range; "
            f"{_say(file)} output_range = [0, 255], or [0, 1], or [-1, 1]."
        )
    return replace(
        asked,
        inputs=inputs,
        range=span,
        output_range=back,
        mask_range=asked.mask_range or (BYTES if masked else FLOATS),
        size=_size(asked, described.size, file),
    )


def _say(file: Path) -> str:
    return f"say it in {file.with_suffix('.toml').name} beside it:"


def _inputs(asked: Feeding, slots: Sequence[Slot], file: Path) -> Inputs:
    """Return of which parts each input is made: as was said, or as its name says."""
    inputs = asked.inputs or _by_names(slots)
    shown = ", ".join(_shown(slot) for slot in slots)
    if inputs is None:
        raise PluginError(
            f"{file} does not say what its inputs take ({shown}); {_say(file)} inputs = "
            f"{_example(slots)}, in their order. The parts are image (with its covering), masked "
            "(with the hole filled), mask (high where covered) and keep (high where not); + joins "
            "them."
        )
    if len(inputs) != len(slots):
        raise PluginError(
            f"{file} has {len(slots)} inputs ({shown}), and 'inputs' says what {len(inputs)} take."
        )
    for slot, names in zip(slots, inputs, strict=True):
        if slot.channels not in (None, _width(names)):
            raise PluginError(
                f"The input {_shown(slot)} of {file} cannot take {'+'.join(names)}, which is of "
                f"{_channels(_width(names))}; mend 'inputs'."
            )
    return inputs


def _by_names(slots: Sequence[Slot]) -> Inputs | None:
    """Return the parts of an image and a mask that are called so; None for anything else."""
    named = [
        "image" if slot.name.lower() in IMAGES else "mask" if slot.name.lower() in MASKS else ""
        for slot in slots
    ]
    sound = all(s.channels in (None, PARTS.get(n)) for s, n in zip(slots, named, strict=True))
    return (
        tuple((name,) for name in named) if sorted(named) == ["image", "mask"] and sound else None
    )


def _example(slots: Sequence[Slot]) -> str:
    """Return what may be said of the inputs of a model."""
    if len(slots) == 1:
        return '["masked+mask"] or ["keep+masked"]'
    if len(slots) == 2 and slots[0].channels == 1:
        return '["mask", "masked"] or ["mask", "image"]'
    return '["masked", "mask"] or ["image", "mask"]'


def _shown(slot: Slot) -> str:
    return f"'{slot.name}'" + ("" if slot.channels is None else f" of {_channels(slot.channels)}")


def _channels(count: int) -> str:
    return f"{count} channel{'s' * (count != 1)}"


def _width(names: Sequence[str]) -> int:
    return sum(PARTS[name] for name in names)


def _in_bytes(inputs: Inputs, slots: Sequence[Slot], channels: int) -> bool:
    """Return whether the inputs that hold images (3 channels) or masks (1) take bytes."""
    holders = [
        slot
        for slot, names in zip(slots, inputs, strict=True)
        if any(PARTS[name] == channels for name in names)
    ]
    return bool(holders) and all(slot.bytes for slot in holders)


def _size(asked: Feeding, fixed: tuple[int, int] | None, file: Path) -> int:
    """Return the side of the crops: that of the file, or as was said."""
    if fixed is None:
        size = asked.size or SIZE
        if asked.multiple > size:
            raise PluginError(
                f"Crops of {size} pixels cannot be padded to a multiple of {asked.multiple} for "
                f"{file}; {_say(file)} size = {asked.multiple}."
            )
        return size
    height, width = fixed
    if height != width:
        raise PluginError(
            f"{file} takes {width} x {height} pixels, and crops are square; export it for a square."
        )
    if asked.size not in (None, height) or height % asked.multiple:
        raise PluginError(
            f"{file} takes crops of {height} x {height} pixels and no others; leave 'size' and "
            "'multiple' out."
        )
    return height

"""The published checkpoint of the adaptive wing loss, where the user has it.

Its layout: the stem ``conv1.conv``, ``bn1``, ``conv2`` to ``conv4``; for stack N the hourglass
``mN`` with ``coordconv.conv`` and, level by level from 4 (the finest) to 1, ``b1`` beside, ``b2``
down, ``b3`` up and the innermost ``b2_plus``; ``top_m_N``, ``conv_lastN``, ``bn_endN``, the
heat-maps ``lN``, and, but in the last stack, ``blN`` and ``alN``, which hand features on. Blocks
have ``bn1`` to ``bn3``, ``conv1`` to ``conv3``, and ``downsample`` 0 and 2 where they change the
number of channels. The tensors lie in the file as they are or under ``state_dict``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from restore_recog import weights as weights_file
from restore_recog.errors import WeightsError
from restore_recog.landmarkers.hourglass.networks import HourglassNet

ENDINGS = (".pth", ".pt", ".tar")
"""Of PyTorch's own files."""

_BLOCK = {
    "first.0": "bn1",
    "first.2": "conv1",
    "second.0": "bn2",
    "second.2": "conv2",
    "third.0": "bn3",
    "third.2": "conv3",
    "shortcut.0": "downsample.0",
    "shortcut.2": "downsample.2",
}

_STACK = {
    "block": "top_m_{}",
    "mix": "conv_last{}",
    "norm": "bn_end{}",
    "maps": "l{}",
    "from_features": "bl{}",
    "from_maps": "al{}",
}

_STEM = {
    "stem.conv": "conv1.conv",
    "stem_norm": "bn1",
    "large": "conv2",
    "middle": "conv3",
    "small": "conv4",
}

_LEVEL = {"beside": "b1_{}", "down": "b2_{}", "up": "b3_{}"}


def theirs(name: str, depth: int) -> str:
    """Return what a tensor of :class:`HourglassNet` is called in the published layout."""
    for block, other in _BLOCK.items():
        name = name.replace(f".{block}.", f".{other}.")
    for own, other in _STEM.items():
        if name.startswith(f"{own}."):
            return other + name.removeprefix(own)
    _, number, part, rest = name.split(".", 3)
    if part == "place":
        return f"m{number}.coordconv.{rest}"
    if part != "hourglass":
        return f"{_STACK[part].format(number)}.{rest}"
    level = depth
    while rest.startswith("inner.") and level > 1:
        rest, level = rest.removeprefix("inner."), level - 1
    part, _, rest = rest.partition(".")
    branch = _LEVEL[part].format(level) if part in _LEVEL else f"b2_plus_{level}"
    return f"m{number}.{branch}.{rest}"


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file in the published layout, by their names there.

    Raises:
        WeightsError: As :func:`restore_recog.weights.foreign`.
    """
    tensors = weights_file.foreign(path)
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}


def options_of(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    """Return the options of the network that a published checkpoint holds.

    Raises:
        WeightsError: It is another network's.
    """
    stacks = sum(f"l{n}.weight" in tensors for n in range(8))
    levels = [n for n in range(1, 7) if f"m0.b1_{n}.conv1.weight" in tensors]
    if not stacks or not levels:
        raise WeightsError(
            f"{path} is no checkpoint of the adaptive wing loss: it has no heat-maps 'l0' or no "
            "hourglass 'm0'."
        )
    maps, features = tensors["l0.weight"].shape[:2]
    if maps != 99:
        raise WeightsError(
            f"{path} finds {maps - 1} landmarks, and 98 are wanted; get the checkpoint of WFLW."
        )
    return {"stacks": stacks, "features": int(features), "depth": max(levels)}


def load(net: HourglassNet, tensors: Mapping[str, Tensor], depth: int, path: Path) -> None:
    """Copy the tensors of the published layout into a network.

    Raises:
        WeightsError: They are not those of this network.
    """
    own = net.state_dict()
    # Files of old versions of PyTorch do not count the batches, and nothing reads the count.
    counts = {name: tensor for name, tensor in own.items() if "num_batches_tracked" in name}
    named = {theirs(name, depth): name for name in own}
    given = {named.get(name, name): tensor for name, tensor in tensors.items()}
    floats = {n: t.float() if t.is_floating_point() else t for n, t in given.items()}
    weights_file.load_into(net, counts | floats, path)


def published(net: HourglassNet, init: str) -> str:
    """Copy a published checkpoint into a network, and return what to record of it.

    Raises:
        WeightsError: As :func:`read`, :func:`options_of` and :func:`load`.
    """
    path = Path(init).expanduser()
    tensors = read(path)
    load(net, tensors, options_of(tensors, path)["depth"], path)
    return f"sha256:{weights_file.fingerprint(path)}"

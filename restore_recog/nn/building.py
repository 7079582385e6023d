"""From a weights file to the network that it describes, or to a sentence on why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from restore_recog import weights
from restore_recog.errors import RestoreRecogError, WeightsError, first_line

M = TypeVar("M", bound=torch.nn.Module)

SPARE = 1 << 22
"""Numbers that a network may make beyond twice those in its file."""


class _Bounded(TorchFunctionMode):
    """Refuses to make more numbers; what is asked for is not yet filled, and takes no memory."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if func is torch.empty:
            self.left -= made.numel()
            if self.left < 0:
                raise ValueError("it is far larger than its tensors")
        return made


def built(build: Callable[[], M], tensors: Mapping[str, Tensor], path: Path) -> M:
    """Return a network with its tensors, on the CPU.

    Building stops where it asks for far more numbers than the file holds: the configuration then
    does not belong to the tensors, however sound it looks.

    Args:
        build: Makes the network.
        tensors: Of the file.
        path: The file, for messages.

    Raises:
        WeightsError: As :func:`restore_recog.weights.load_into`, or the network cannot be made.
    """
    try:
        with _Bounded(SPARE + 2 * sum(tensor.numel() for tensor in tensors.values())):
            net = build()
        weights.check_fit(net, tensors, path)
    except RestoreRecogError:
        raise
    # Layers raise nearly anything at sizes that do not go together.
    except Exception as error:
        reason = first_line(error)
        raise WeightsError(
            f"The network that {path} describes cannot be built ({reason}); get the file again "
            "from where it came."
        ) from error
    net.load_state_dict(dict(tensors))
    return net


def ready(
    build: Callable[[Mapping[str, Any]], M],
    path: Path,
    model: str,
    device: str,
    check: Callable[[Mapping[str, Any], Path], dict[str, Any]],
) -> tuple[M, dict[str, Any]]:
    """Return a frozen network with its weights, in eval mode on a device, and its configuration.

    Args:
        build: Makes the network from the configuration.
        path, model: As for :func:`restore_recog.weights.load`.
        device: Where it computes.
        check: Returns the configuration where it is sound, else raises WeightsError; it is given
            the path for its message.

    Raises:
        WeightsError: As :func:`restore_recog.weights.load`, :func:`built` and *check*.
    """
    config, tensors = weights.load(path, model)
    config = check(config, path)
    net = built(lambda: build(config), tensors, path)
    net.eval().requires_grad_(False)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net, config

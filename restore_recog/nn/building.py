"""From a weights file to the network that it describes, or to a sentence on why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from restore_recog import weights
from restore_recog.errors import RestoreRecogError, WeightsError

M = TypeVar("M", bound=torch.nn.Module)


def built(build: Callable[[], M], tensors: Mapping[str, Tensor], path: Path) -> M:
    """Return a network with its tensors, on the CPU.

    It is outlined first, without memory for its numbers, so that a configuration that does not
    belong to the tensors is refused before anything large is made.

    Args:
        build: Makes the network.
        tensors: Of the file.
        path: The file, for messages.

    Raises:
        WeightsError: As :func:`restore_recog.weights.load_into`, or the network cannot be made.
    """
    try:
        with torch.device("meta"):
            outline = build()
        weights.check_fit(outline, tensors, path)
        net = build()
    except RestoreRecogError:
        raise
    # Layers raise nearly anything at sizes that do not go together.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
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

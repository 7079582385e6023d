"""TorchScript under any plug-in: opening a file and running it.

Such a file holds a program of tensor operations, which PyTorch's own interpreter runs: no Python,
and nothing is unpickled. It can still compute for ever or fill the memory.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from restore_recog.errors import WeightsError, first_line

ENDINGS = (".pt", ".pth", ".ts", ".torchscript", ".jit")
"""How names of its files end."""


def load(file: Path, device: str, example: str) -> nn.Module:
    """Return the frozen module of a TorchScript file.

    Args:
        file: It.
        device: Where it computes.
        example: What its network is traced with, for the message.

    Raises:
        WeightsError: There is no such module in the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that TorchScript is no longer developed
            module = torch.jit.load(str(file), map_location=device)  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{file} holds no TorchScript module ({first_line(error)}); it is written by "
            f"torch.jit.script(net).save(FILE) or torch.jit.trace(net, {example}).save(FILE), "
            "and a file of weights alone is none."
        ) from error
    for parameter in module.parameters():  # requires_grad_() of a script module is not supported
        parameter.requires_grad_(False)
    return module.eval()  # type: ignore[no-any-return]


def run(module: nn.Module, *inputs: torch.Tensor) -> Any:
    """Return what a module makes of its inputs.

    Nothing is recompiled after the first images, so that all of them are rounded alike.
    """
    with torch.jit.optimized_execution(False):  # type: ignore[attr-defined, no-untyped-call]
        return module(*inputs)

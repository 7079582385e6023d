"""``torchscript:FILE``: any inpainter that ``torch.jit.save`` has written.

A TorchScript file holds a program of tensor operations, which PyTorch's own interpreter runs: no
Python, and nothing is unpickled. A program it is still, which may never end or fill the memory;
take such files from where you would take a program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from restore_recog.errors import PluginError, WeightsError, first_line
from restore_recog.restoring.from_file import FileRestorer
from restore_recog.restoring.slots import Described, Slot
from restore_recog.system import torchscript


class TorchScriptRestorer(FileRestorer):
    """Inpainter from a TorchScript file: crops and masks in, restored crops out.

    It is given one image at a time, since a network that was traced may have kept the number of
    images that it was traced with.
    """

    name = "torchscript"
    suffixes = torchscript.ENDINGS

    def _open(self, output: str | int | None, **own: Any) -> Described:
        self._module = torchscript.load(self.file, self.device, "(image, mask)")
        self._output = output
        forward: Any = self._module.forward
        takes = forward.schema.arguments[1:]  # without the module itself
        needed = [one for one in takes if not one.has_default_value()]
        wrong = [one.name for one in needed if str(one.type) != "Tensor"]
        if wrong:
            raise WeightsError(
                f"The input '{wrong[0]}' of {self.file} is no tensor; write a network whose "
                "forward() takes images and masks alone."
            )
        return Described([Slot(one.name) for one in needed])

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return (N, 3, H, W) of the inputs.

        Raises:
            PluginError: The network fails, or gives several things or no tensor.
        """
        try:
            made = [torchscript.run(self._module, *one) for one in _singly(inputs)]
        # TorchScript raises whatever the operations inside it raise.
        except Exception as error:
            side = inputs[0].shape[-1]
            raise PluginError(
                f"{self.file} fails on an image of {side} x {side} pixels "
                f"({_last_line(error)}); if it wants another size, or a multiple of a number, say "
                f"so in {self._toml()} beside it: size = 512, or multiple = 8."
            ) from error
        return torch.cat([self._chosen(one) for one in made])

    def _chosen(self, made: Any) -> Tensor:
        """Return the restored image of what the network gives."""
        if isinstance(made, (tuple, list)) and isinstance(self._output, int):
            made = made[self._output] if self._output < len(made) else None
        elif isinstance(made, dict) and self._output is not None:
            made = made.get(self._output)
        if isinstance(made, Tensor):
            return made
        raise PluginError(
            f"{self.file} gives {_kind(made)} and no image; say in {self._toml()} beside it which "
            "one is the restored image: output = 0 for the first of several, or its name."
        )


def _singly(inputs: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
    """Return (N, C, H, W) inputs as N times those of one image, (1, C, H, W)."""
    return [tuple(one[i : i + 1] for one in inputs) for i in range(len(inputs[0]))]


def _kind(made: Any) -> str:
    several = isinstance(made, (tuple, list, dict))
    return f"{len(made)} things" if several else f"a {type(made).__name__}"


def _last_line(error: Exception) -> str:
    """Return what went wrong inside; the first lines say where."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else first_line(error)

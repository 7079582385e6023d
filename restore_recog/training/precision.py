"""In which numbers a training computes: float32, bfloat16, or float16 with loss scaling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from restore_recog.api import Stateful
from restore_recog.errors import TrainingError
from restore_recog.system import devices
from restore_recog.training.scaling import LossScaling

SMALLEST_SCALE = 2.0**-10
"""A scale that has fallen under this means gradients that are not finite at any scale."""


class Precision:
    """The precision of one training.

    Args:
        asked: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        device: Where it computes.
        state: The trainable's; its optimisers each get a scaler in float16.

    Attributes:
        name: ``fp32``, ``bf16`` or ``fp16``.
        scaling: The scalers in float16, else None.

    Raises:
        DeviceError: The device cannot compute so.
    """

    def __init__(self, asked: str, device: str, state: Mapping[str, Stateful]) -> None:
        self.name = devices.precision(asked, device)
        self._kind = device.partition(":")[0]
        self.scaling: LossScaling | None = None
        if self.name == "fp16":
            optimizers = {
                name: part
                for name, part in state.items()
                if isinstance(part, torch.optim.Optimizer)
            }
            self.scaling = LossScaling(optimizers, device)

    def autocast(self) -> torch.autocast:
        """Return the context in which networks compute."""
        dtype = torch.float16 if self.name == "fp16" else torch.bfloat16
        return torch.autocast(self._kind, dtype=dtype, enabled=self.name != "fp32")

    @contextmanager
    def step(self) -> Iterator[None]:
        """Return the context of a training step.

        Raises:
            TrainingError: In float16, of a model that does not scale its losses, or whose
                gradients are not finite whatever the scale.
        """
        if self.scaling is None:
            with self.autocast():
                yield
            return
        with self.autocast(), self.scaling.active():
            yield
        if not self.scaling.used:
            raise TrainingError(
                "This model cannot be trained in float16: its step does not scale its loss. Use "
                "--precision bf16 or fp32, or let the step call restore_recog.nn.stepping.update."
            )
        for name, scale in self.scaling.scales().items():
            if scale < SMALLEST_SCALE:
                raise TrainingError(
                    f"The gradients of '{name}' are not finite in float16 at any scale; go on "
                    "with --resume --precision bf16 or fp32."
                )

    def scales(self) -> dict[str, float]:
        """Return the present loss scales for the log; none but in float16."""
        scales = {} if self.scaling is None else self.scaling.scales()
        return {f"scale of {name}": scale for name, scale in scales.items()}

"""In which numbers a training computes: float32, bfloat16, or float16 with loss scaling.

Without loss scaling small gradients vanish in float16: Micikevicius et al., "Mixed Precision
Training", ICLR 2018, section 3.2. The scalers are PyTorch's; here each optimiser has its own,
since the losses of a generator and of its discriminator overflow at different scales.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch

from restore_recog.api import Stateful
from restore_recog.errors import TrainingError
from restore_recog.system import devices

SMALLEST_SCALE = 2.0**-10
"""A scale that has fallen under this means gradients that are not finite at any scale."""

_ACTIVE: ContextVar[LossScaling | None] = ContextVar("loss_scaling", default=None)


class LossScaling:
    """One scaler for each optimiser.

    Args:
        optimizers: By name.
        device: ``cpu``, ``cuda`` or ``cuda:N``.

    Attributes:
        used: Names of the optimisers that have asked for their scaler since the start.
    """

    def __init__(self, optimizers: Mapping[str, torch.optim.Optimizer], device: str) -> None:
        kind = device.partition(":")[0]
        self._names = {id(optimizer): name for name, optimizer in optimizers.items()}
        self._scalers = {name: torch.amp.GradScaler(kind) for name in optimizers}
        self.used: set[str] = set()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make :func:`scaler` find these scalers."""
        token = _ACTIVE.set(self)
        try:
            yield
        finally:
            _ACTIVE.reset(token)

    def scales(self) -> dict[str, float]:
        """Return the present scale of every optimiser that has stepped."""
        return {name: float(self._scalers[name].get_scale()) for name in sorted(self.used)}

    def scaler_of(self, optimizer: torch.optim.Optimizer) -> torch.amp.GradScaler:
        """Return an optimiser's scaler.

        Raises:
            TrainingError: The optimiser is not among those that were named.
        """
        name = self._names.get(id(optimizer))
        if name is None:
            raise TrainingError(
                "This model steps with an optimiser that its state() does not name, so that "
                "float16 cannot scale its loss; name it there or use --precision fp32."
            )
        self.used.add(name)
        return self._scalers[name]

    def state_dict(self) -> dict[str, Any]:
        """Return every scaler's state by the optimiser's name."""
        return {name: scaler.state_dict() for name, scaler in self._scalers.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from stored scales.

        Raises:
            KeyError: An optimiser has no stored scale.
        """
        for name, scaler in self._scalers.items():
            scaler.load_state_dict(state[name])


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


def scaler(optimizer: torch.optim.Optimizer) -> torch.amp.GradScaler | None:
    """Return what has to scale the optimiser's loss, or None where nothing has to."""
    scaling = _ACTIVE.get()
    return None if scaling is None else scaling.scaler_of(optimizer)

"""Loss scaling, without which small gradients vanish in float16.

Source: Micikevicius et al., "Mixed Precision Training", ICLR 2018, section 3.2. The scalers are
PyTorch's; here stands one for each optimiser, since the losses of a generator and of its
discriminator overflow at different scales.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch

from restore_recog.errors import TrainingError

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


def scaler(optimizer: torch.optim.Optimizer) -> torch.amp.GradScaler | None:
    """Return what has to scale the optimiser's loss, or None where nothing has to."""
    scaling = _ACTIVE.get()
    return None if scaling is None else scaling.scaler_of(optimizer)

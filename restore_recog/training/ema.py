"""The exponential moving average of a model's tensors, often better than the model itself.

Source: Tarvainen, Valpola, "Mean teachers are better role models", NeurIPS 2017, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """Averages named tensors over the steps of a training.

    Floating-point tensors, including running statistics, are averaged; others
    (counters) are copied. The decay is warmed up: after *t* steps it is at most
    (1 + t) / (10 + t), so that the average soon forgets the random first weights.

    Args:
        decay: Share of the old average that a step keeps, in (0, 1).
        tensors: Where the average starts.

    Attributes:
        steps: Steps averaged so far.
        tensors: The average, by name; on the same device as the model.
    """

    def __init__(self, decay: float, tensors: Mapping[str, Tensor]) -> None:
        self.decay = decay
        self.steps = 0
        self.tensors = {name: tensor.detach().clone() for name, tensor in tensors.items()}

    @torch.no_grad()
    def update(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the model's tensors after one more step into the average."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        floats = [name for name, tensor in tensors.items() if tensor.is_floating_point()]
        if floats:
            average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
            average([self.tensors[n] for n in floats], [tensors[n].detach() for n in floats], 0)
        for name in tensors.keys() - set(floats):
            self.tensors[name].copy_(tensors[name])

    @contextmanager
    def lent(self, live: Mapping[str, Tensor]) -> Iterator[None]:
        """Put the average into the model's own tensors for as long as the context lasts.

        Args:
            live: The tensors themselves, not copies, as a module's ``state_dict()`` gives them.
        """
        with torch.no_grad():
            kept = {name: tensor.detach().clone() for name, tensor in live.items()}
            self._copy(self.tensors, live)
        try:
            yield
        finally:
            with torch.no_grad():
                self._copy(kept, live)

    def state_dict(self) -> dict[str, Any]:
        """Return steps and tensors."""
        return {"steps": self.steps, "tensors": dict(self.tensors)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a stored average.

        Raises:
            ValueError: The tensors are not those of this model.
        """
        stored: Mapping[str, Tensor] = state["tensors"]
        wrong = sorted(set(stored) ^ set(self.tensors)) or sorted(
            name for name in stored if stored[name].shape != self.tensors[name].shape
        )
        if wrong:
            raise ValueError(f"the averaged tensor '{wrong[0]}' does not fit")
        self.steps = int(state["steps"])
        self._copy(stored, self.tensors)

    @staticmethod
    def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
        for name, tensor in target.items():
            tensor.copy_(source[name])

"""Taking the steps of a trainable: precision, average of the weights, compiled networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from restore_recog.api import Phase, Stateful, Trainable
from restore_recog.errors import TrainingError, first_line
from restore_recog.nn.distributed import world
from restore_recog.nn.precision import Precision
from restore_recog.training.compile import Compiled, from_compiler
from restore_recog.training.ema import WeightAverage
from restore_recog.training.folder import Weights
from restore_recog.types import FaceBatch

CPU_WORDS = ("can't allocate memory", "not enough memory")
"""PyTorch's words where the CPU's memory is full; it raises a plain RuntimeError there."""


class Stepper:
    """Takes the steps of a trainable.

    Args:
        trainable: The model.
        device: Where it is.
        precision: As :class:`restore_recog.nn.precision.Precision` takes it.
        ema: Decay of the average of the weights; 0 for none.

    Attributes:
        average: The average, after :meth:`begin`, or None.
        compiled: The compiled networks, after :meth:`begin`, or None.

    Raises:
        DeviceError: The device cannot compute so.
    """

    def __init__(self, trainable: Trainable, device: str, precision: str, ema: float) -> None:
        self.trainable = trainable
        self.device = device
        self.precision = Precision(precision, device, trainable.state())
        self.average: WeightAverage | None = None
        self.compiled: Compiled | None = None
        self._ema = ema

    def begin(self, compiled: bool, say: Callable[[str], None]) -> None:
        """Make average and compiled networks, once the model is as it starts.

        Args:
            compiled: Whether to compile the networks.
            say: Is told where that fails.

        Raises:
            TrainingError: The model's tensors cannot be averaged.
        """
        if compiled:
            self.compiled = Compiled(self.trainable, say)
        if not self._ema:
            return
        one, two = self.trainable.weights()[1], self.trainable.weights()[1]
        if any(one[name].data_ptr() != two[name].data_ptr() for name in one):
            raise TrainingError(
                "This model's weights() returns copies, which cannot be averaged: let it return "
                "the tensors themselves, as state_dict() does, or leave --ema out."
            )
        self.average = WeightAverage(self._ema, one)

    def helpers(self) -> dict[str, Stateful]:
        """Return what a checkpoint has to hold besides the trainable's state."""
        parts = {"average": self.average, "scaling": self.precision.scaling}
        return {name: part for name, part in parts.items() if part is not None}

    def step(self, phase: Phase, batch: FaceBatch, progress: float) -> dict[str, float]:
        """Take one step and return its losses.

        Raises:
            TrainingError: The memory is too small; the message says for which batch it is not.
        """

        def take(part: FaceBatch) -> Any:
            with self.precision.step():
                return phase.step(part, progress)

        losses = None
        try:
            losses = take(batch)
        except RuntimeError as error:
            if from_compiler(error):
                reason = first_line(error).rstrip(".")
                raise TrainingError(
                    f"The compiled networks cannot be trained ({reason}); repeat the "
                    "command with --resume and without --compile."
                ) from error
            if not is_out_of_memory(error):
                raise
        if losses is None:
            # Out of the handler, since the error holds on to the failed step's tensors.
            if world() > 1:  # the others do not follow into smaller batches
                raise TrainingError(_shared_advice(self.device, len(batch.images), phase.name))
            fits = largest_that_fits(take, batch)
            raise TrainingError(_advice(self.device, len(batch.images), phase.name, fits))
        if self.average is not None:
            self.average.update(self.trainable.weights()[1])
        return {name: float(value) for name, value in losses.items()}

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Return the context in which the model is shown and validated: averaged, eager."""
        with ExitStack() as stack:
            if self.compiled is not None:
                stack.enter_context(self.compiled.paused())
            if self.average is not None:
                stack.enter_context(self.average.lent(self.trainable.weights()[1]))
            stack.enter_context(self.precision.autocast())
            yield

    def weights(self) -> Weights:
        """Return what a weights file is made of: the average where there is one."""
        config, tensors = self.trainable.weights()
        if self.average is not None:
            tensors = self.average.tensors
        return str(self.trainable.describe()["model"]), config, tensors

    def describe(self) -> dict[str, Any]:
        """Return entries of ``run.json``."""
        entries: dict[str, Any] = {"precision": self.precision.name, "ema": self._ema}
        if self.compiled is not None:
            entries["compiled"] = self.compiled.networks
            entries["compile_notes"] = self.compiled.sentences
        return entries


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the device's memory is full."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in CPU_WORDS)


def largest_that_fits(step: Callable[[FaceBatch], object], batch: FaceBatch) -> int | None:
    """Return the largest half, quarter, ... of a batch that a step gets through.

    The step changes the model in memory: to be called only where the run ends anyway and nothing
    is saved any more.

    Args:
        step: Forward, backward and update, as in the training.
        batch: That was too large.

    Returns:
        Images a step, or None where none fits, or a part of the batch fails in another way.
    """
    size = len(batch.images) // 2
    while size:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            step(_first(batch, size))
            return size
        except Exception as error:  # e.g. batch norm of one image: no answer, but no new error
            if not is_out_of_memory(error):
                return None
        size //= 2
    return None


def _first(batch: FaceBatch, count: int) -> FaceBatch:
    """Return the first images of a batch."""

    def cut(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor[:count]

    return replace(
        batch,
        images=batch.images[:count],
        masks=batch.masks[:count],
        landmarks=cut(batch.landmarks),
        clean=cut(batch.clean),
        valid=cut(batch.valid),
        landmarks98=cut(batch.landmarks98),
        attributes={name: values[:count] for name, values in batch.attributes.items()},
    )


def _shared_advice(device: str, asked: int, phase: str) -> str:
    """Return what the user of several processes can do: none of them tries on alone."""
    return (
        f"The {device} has too little memory for its {asked} images of every batch in phase "
        f"'{phase}'; what was saved is unharmed. Go on with --resume and more processes, or "
        "begin again in another --output with a smaller batch_size."
    )


def _advice(device: str, asked: int, phase: str, fits: int | None) -> str:
    """Return what the user can do."""
    sentence = (
        f"The {device} has too little memory for a batch of {asked} in phase '{phase}'; "
        "what was saved is unharmed. "
    )
    if fits is None:
        return sentence + "No smaller batch ran either; free memory or set a smaller model or size."
    return sentence + (
        f"A batch of {fits} ran: begin again in another --output with --set batch_size={fits}."
    )

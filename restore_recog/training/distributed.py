"""One training over several processes, started by ``torchrun``: the batch is shared out.

Every process has the whole model and makes its own equal part of every batch; gradients are
averaged in :func:`restore_recog.nn.stepping.update`. The first process reads and writes the run's
folder; whatever stops one stops all.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from restore_recog.api import Stateful, Trainable
from restore_recog.errors import DeviceError, TrainingError
from restore_recog.nn.distributed import guard, share_norms
from restore_recog.system import devices
from restore_recog.system.processes import Processes, own_device, processes
from restore_recog.training.run_state import load_states, seed_everything, set_random_state


def check_batch(here: Processes, batch_size: int) -> None:
    """Check that batches can be shared out.

    Raises:
        TrainingError: They cannot.
    """
    if batch_size % here.world:
        raise TrainingError(
            f"A batch of {batch_size} cannot be shared out evenly among {here.world} "
            "processes; choose a batch_size that is a multiple of their number."
        )


def check_same(here: Processes, what: str, value: str) -> None:
    """Check that every process has the same value.

    Raises:
        TrainingError: One has another.
    """
    for rank, other in enumerate(here.gather(value)):
        if other != value:
            raise TrainingError(
                f"The processes do not have the same {what}: process {rank} has {other}, "
                f"process {here.rank} has {value}; give every machine the same files."
            )


def share_model(here: Processes, trainable: Trainable, device: str) -> None:
    """Make a freshly built model the same on every process, and ready to be shared.

    Raises:
        CheckpointError: The processes have built different models.
    """
    if here.world == 1:
        return
    own = trainable.state()
    stored = here.lead(lambda: _packed(own))
    if not here.leads:
        state = torch.load(io.BytesIO(stored), map_location="cpu", weights_only=True)
        load_states(own, state)
    for part in own.values():
        if isinstance(part, nn.Module):
            share_norms(part, device)
        elif isinstance(part, torch.optim.Optimizer):
            guard(part)


def seed_process(here: Processes, seed: int, position: int = 0) -> None:
    """Seed every generator: the first process as if it were alone, each other its own way."""
    if not here.leads:
        seed = int(np.random.SeedSequence([seed, here.rank, position]).generate_state(1)[0])
    seed_everything(seed)


def restore_random(here: Processes, states: list[Any], seed: int, position: int) -> None:
    """Put the generators back to where a checkpoint left them.

    Where the number of processes has changed, all but the first begin new streams.

    Args:
        here: This process among them.
        states: By rank.
        seed: Of the run.
        position: Images seen so far.
    """
    if here.leads or len(states) == here.world:
        set_random_state(states[here.rank])
    else:
        seed_process(here, seed, position)


@contextmanager
def started(device: str) -> Iterator[str]:
    """Join the other processes, where ``torchrun`` has started several, on a device of one's own.

    Args:
        device: As for :func:`restore_recog.system.devices.resolve`; without a number it is the GPU
            of this process's number on its machine.

    Yields:
        The device's name.

    Raises:
        DeviceError: There is no such device, or there are fewer GPUs than processes.
    """
    own = devices.resolve(own_device(device))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if own != "cpu" and here > torch.cuda.device_count():
        raise DeviceError(
            f"torchrun has started {here} processes on a machine with "
            f"{torch.cuda.device_count()} GPUs; give --nproc-per-node no more than that, or "
            "--device cpu."
        )
    with processes(own):
        yield own


@contextmanager
def one_first() -> Iterator[None]:
    """Let one process of every machine go through the block before the others.

    The others find what it leaves on the disk (the cache of the crops). Where it fails, they stop.
    """
    here = Processes.current()
    goes_first = os.environ.get("LOCAL_RANK", "0") == "0"
    if not goes_first:
        here.gather(None)
    yield
    if goes_first:
        here.gather(None)


def _packed(state: Mapping[str, Stateful]) -> bytes:
    buffer = io.BytesIO()
    torch.save({name: part.state_dict() for name, part in state.items()}, buffer)
    return buffer.getvalue()

"""One training over several processes, started by ``torchrun``: the batch is shared out.

Every process has the whole model and makes its own equal part of every batch; gradients are
averaged in :func:`restore_recog.nn.stepping.update`. The first process reads and writes the run's
folder; whatever stops one stops all.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from restore_recog.api import Stateful, Trainable
from restore_recog.errors import DeviceError, RestoreRecogError, TrainingError
from restore_recog.nn.global_norm import share_norms
from restore_recog.nn.reduce import exchange, guard
from restore_recog.system import devices
from restore_recog.system.processes import Ranks, own_device, processes
from restore_recog.training.run_state import load_states, seed_everything, set_random_state

Result = TypeVar("Result")


@dataclass(frozen=True)
class Team:
    """The processes that train one model together, as one of them sees them.

    Attributes:
        rank: Of this process, from 0.
        world: How many there are.
    """

    rank: int = 0
    world: int = 1

    @classmethod
    def current(cls) -> Team:
        """Return the team that ``restore_recog.system.processes.processes`` has started."""
        ranks = Ranks.current()
        return cls(ranks.rank, ranks.world)

    @property
    def leads(self) -> bool:
        """Return whether this process writes, shows and decides."""
        return self.rank == 0

    @property
    def part(self) -> tuple[int, int]:
        """Return which of how many parts of a batch this process makes."""
        return self.rank, self.world

    def check(self, batch_size: int) -> None:
        """Check that batches can be shared out.

        Raises:
            TrainingError: They cannot.
        """
        if batch_size % self.world:
            raise TrainingError(
                f"A batch of {batch_size} cannot be shared out evenly among {self.world} "
                "processes; choose a batch_size that is a multiple of their number."
            )

    def lead(self, work: Callable[[], Result]) -> Result:
        """Let the first process do something, and return its result on every process.

        Raises:
            RestoreRecogError, OSError: What the first one's work raised, on every process.
        """
        if self.world == 1:
            return work()
        outcome: list[Any] = [None, None]
        if self.leads:
            try:
                outcome[0] = work()
            except (RestoreRecogError, OSError) as error:
                outcome[1] = error
        with exchange():
            dist.broadcast_object_list(outcome, 0, device=torch.device("cpu"))
        if outcome[1] is not None:
            raise outcome[1]
        result: Result = outcome[0]
        return result

    def gather(self, value: Result) -> list[Result]:
        """Return every process's value, by rank."""
        return Ranks(self.rank, self.world).gather(value)

    def agree(self, what: str, value: str) -> None:
        """Check that every process has the same.

        Raises:
            TrainingError: One has another.
        """
        for rank, other in enumerate(self.gather(value)):
            if other != value:
                raise TrainingError(
                    f"The processes do not have the same {what}: process {rank} has {other}, "
                    f"process {self.rank} has {value}; give every machine the same files."
                )

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Return for every flag whether one process or more raises it."""
        return tuple(count > 0 for count in self._sum([float(flag) for flag in flags]))

    def average(self, losses: Mapping[str, float]) -> dict[str, float]:
        """Return the means of losses over the processes; NaN on one is NaN on all."""
        sums = self._sum(list(losses.values()))
        return {name: value / self.world for name, value in zip(losses, sums, strict=True)}

    def join(self, trainable: Trainable, device: str) -> None:
        """Make a freshly built model the same on every process, and ready to be shared.

        Raises:
            CheckpointError: The processes have built different models.
        """
        if self.world == 1:
            return
        own = trainable.state()
        stored = self.lead(lambda: _packed(own))
        if not self.leads:
            state = torch.load(io.BytesIO(stored), map_location="cpu", weights_only=True)
            load_states(own, state)
        for part in own.values():
            if isinstance(part, nn.Module):
                share_norms(part, device)
            elif isinstance(part, torch.optim.Optimizer):
                guard(part)

    def begin_random(self, seed: int, position: int = 0) -> None:
        """Seed every generator: the first process as if it were alone, each other its own way."""
        if not self.leads:
            seed = int(np.random.SeedSequence([seed, self.rank, position]).generate_state(1)[0])
        seed_everything(seed)

    def go_on_random(self, states: list[Any], seed: int, position: int) -> None:
        """Put the generators back to where a checkpoint found them.

        Where the number of processes has changed, all but the first begin new streams.

        Args:
            states: By rank.
            seed: Of the run.
            position: Images seen so far.
        """
        if self.leads or len(states) == self.world:
            set_random_state(states[self.rank])
        else:
            self.begin_random(seed, position)

    def _sum(self, values: list[float]) -> list[float]:
        if self.world == 1:
            return values
        sums = torch.tensor(values, dtype=torch.float64)
        with exchange():
            dist.all_reduce(sums)
        return sums.tolist()  # type: ignore[no-any-return]


class NoLog:
    """Stands for the log in the processes that show and write nothing."""

    def __enter__(self) -> NoLog:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


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
    found = devices.resolve(own_device(device))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if found != "cpu" and here > torch.cuda.device_count():
        raise DeviceError(
            f"torchrun has started {here} processes on a machine with "
            f"{torch.cuda.device_count()} GPUs; give --nproc-per-node no more than that, or "
            "--device cpu."
        )
    with processes(found):
        yield found


@contextmanager
def one_first() -> Iterator[None]:
    """Let one process of every machine go through the block before the others.

    What it leaves on the disk (the cache of the crops) the others find. Where it fails, they stop.
    """
    team = Team.current()
    goes_first = os.environ.get("LOCAL_RANK", "0") == "0"
    if not goes_first:
        team.gather(None)
    yield
    if goes_first:
        team.gather(None)


def _packed(state: Mapping[str, Stateful]) -> bytes:
    buffer = io.BytesIO()
    torch.save({name: part.state_dict() for name, part in state.items()}, buffer)
    return buffer.getvalue()

"""One run over several processes: work shared out, results exchanged.

Started by ``torchrun`` on one machine or on many. Of an evaluation, process r of w takes the
blocks r, r + w, r + 2w, ... Blocks are the same whatever w is, so the networks see every block's
images in the same batch and the results are the same bit for bit, as long as each process
computes with as many threads on a device of the same kind. Of a training, every process makes
its own equal part of every batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from restore_recog.errors import RestoreRecogError

TIMEOUT = timedelta(days=7)
"""How long a process waits for the others; slow is not dead."""

Block = TypeVar("Block")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those of the run.

    Attributes:
        rank: From 0.
        world: How many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Return whether this is the process that prints, writes and decides."""
        return self.rank == 0

    @property
    def part(self) -> tuple[int, int]:
        """Return which of how many parts of a batch this process makes."""
        return self.rank, self.world

    @classmethod
    def current(cls) -> Processes:
        """Return this process's place, as :func:`processes` arranged it."""
        import torch.distributed as dist

        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    def map(
        self,
        blocks: Sequence[Block],
        work: Callable[[Block], Result],
        done: Callable[[int], None] = lambda count: None,
    ) -> list[Result]:
        """Return what *work* makes of every block, in order, on every process.

        Args:
            blocks: The same on every process.
            work: Does one block; no process does another's.
            done: Told now and then how many blocks are finished, estimated from its own.

        Raises:
            RestoreRecogError: Another process has stopped.
        """
        mine = []
        for index in range(self.rank, len(blocks), self.world):
            mine.append(work(blocks[index]))
            done(min(len(blocks), len(mine) * self.world))
        shares = self.gather(mine)
        return [shares[i % self.world][i // self.world] for i in range(len(blocks))]

    def gather(self, value: Result) -> list[Result]:
        """Return every process's value, by rank.

        Raises:
            RestoreRecogError: Another process has stopped.
        """
        if self.world == 1:
            return [value]
        import torch.distributed as dist

        values: list[Any] = [None] * self.world
        with exchange():
            dist.all_gather_object(values, value)
        return values

    def lead(self, work: Callable[[], Result]) -> Result:
        """Let the first process do something, and return its result on every process.

        Raises:
            RestoreRecogError, OSError: What the first one's work raised, on every process.
        """
        if self.world == 1:
            return work()
        import torch
        import torch.distributed as dist

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

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Return for every flag whether at least one process raises it."""
        return tuple(count > 0 for count in self._sums([float(flag) for flag in flags]))

    def means(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the means of named values over the processes; NaN on one is NaN on all."""
        sums = self._sums(list(values.values()))
        return {name: value / self.world for name, value in zip(values, sums, strict=True)}

    def _sums(self, values: list[float]) -> list[float]:
        if self.world == 1:
            return values
        import torch
        import torch.distributed as dist

        sums = torch.tensor(values, dtype=torch.float64)
        with exchange():
            dist.all_reduce(sums)
        return sums.tolist()  # type: ignore[no-any-return]


@contextmanager
def exchange() -> Iterator[None]:
    """Turn a failed exchange into a sentence; PyTorch's own words are its cause.

    Raises:
        RestoreRecogError: Another process has stopped.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise RestoreRecogError(
            "Another process of this run has stopped, and this one with it; the reason is in "
            "that one's message."
        ) from error


@contextmanager
def processes(device: str = "cpu") -> Iterator[Processes]:
    """Join the other processes of the run, where ``torchrun`` has started several.

    Args:
        device: Where tensors are exchanged besides the CPU: ``cpu`` or this process's own GPU.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "MASTER_ADDR" not in os.environ:
        yield Processes()
        return
    import torch
    import torch.distributed as dist

    backend = "gloo"
    if device != "cpu":
        torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield Processes.current()
    finally:
        dist.destroy_process_group()


def own_device(device: str) -> str:
    """Return which GPU this process of several takes, where none is named by its number."""
    import torch

    local = os.environ.get("LOCAL_RANK")
    if local is None or device not in ("auto", "cuda") or not torch.cuda.is_available():
        return device
    return f"cuda:{int(local) % torch.cuda.device_count()}"

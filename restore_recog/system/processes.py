"""One evaluation over several processes: blocks shared out, results exchanged.

Started by ``torchrun`` (on one machine or on many), process r of w takes the blocks r, r + w,
r + 2w, ... Blocks are the same whatever w is, so every block's images meet the nets in the
same company and the results are the same bit for bit, as long as each process computes with as
many threads on a device of the same kind.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from restore_recog.errors import RestoreRecogError

TIMEOUT = timedelta(days=7)
"""How long a process waits for the others; a slow one is not a dead one."""

Block = TypeVar("Block")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of the run.

    Attributes:
        rank: From 0.
        world: How many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Return whether this is the process that prints and writes."""
        return self.rank == 0

    @classmethod
    def current(cls) -> Ranks:
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
            done: Told now and then how many blocks are finished, as far as this one knows.

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

        found: list[Any] = [None] * self.world
        try:
            dist.all_gather_object(found, value)
        except RuntimeError as error:
            raise RestoreRecogError(
                "Another process of this run has stopped, and this one with it; the reason is in "
                f"that one's message ({str(error).splitlines()[0]})."
            ) from error
        return found


@contextmanager
def processes(device: str = "cpu") -> Iterator[Ranks]:
    """Join the other processes of the run, where ``torchrun`` has started several.

    Args:
        device: Where tensors are exchanged besides the CPU: ``cpu`` or this process's own GPU.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "MASTER_ADDR" not in os.environ:
        yield Ranks()
        return
    import torch
    import torch.distributed as dist

    backend = "gloo"
    if device != "cpu":
        torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield Ranks.current()
    finally:
        dist.destroy_process_group()


def own_device(device: str) -> str:
    """Return which GPU this process of several takes, where none is named by its number."""
    import torch

    local = os.environ.get("LOCAL_RANK")
    if local is None or device not in ("auto", "cuda") or not torch.cuda.is_available():
        return device
    return f"cuda:{int(local) % torch.cuda.device_count()}"

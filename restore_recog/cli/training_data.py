"""Which images a training may use, and how many workers prepare them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from restore_recog.errors import DataError
from restore_recog.system.workers import cores

if TYPE_CHECKING:
    from pathlib import Path

    from restore_recog.api import Dataset
    from restore_recog.training.leaving_out import LeftOut

PATIENCE = 0.2
"""Share of the time spent waiting for data above which a run says what to do."""

MOST_WORKERS = 32


def left_for_training(
    protocol: str | None, datasets: Sequence[Dataset], seed: int
) -> set[str] | None:
    """Return the image_ids that a protocol leaves for training, or None for all.

    Images that a data set itself marks for training are never part of a plan, and
    the clean counterpart of an occluded training image is what can be learned from.

    Args:
        protocol: Name of the protocol, or None.
        datasets: Of which images.
        seed: Of the protocol's choices.

    Raises:
        DataError: A packed data file was made without this protocol, so it may hold its people.
    """
    if protocol is None:
        return None
    from restore_recog import registry
    from restore_recog.evaluation.request import planner

    _check_packs(protocol, datasets)
    samples = [sample for dataset in datasets for sample in dataset.samples()]
    marked = {s.image_id for s in samples if s.attributes.get("split") == "train"}
    free = [sample for sample in samples if sample.image_id not in marked]
    if not free:
        return marked
    plan = planner(registry.protocols.create(protocol), datasets).plan(free, seed=seed)
    left = set(plan.training)
    clean = {s.clean_id for s in free if s.image_id in left and s.clean_id is not None}
    tested = {*plan.references, *plan.probes}
    return marked | ((left | clean) - tested)


def allowed(
    protocol: str | None, leave_out: Path | None, datasets: Sequence[Dataset], seed: int
) -> tuple[set[str] | None, LeftOut | None]:
    """Return the image_ids that may be trained on, None for all, and what a list leaves out.

    Args:
        protocol, datasets, seed: As for :func:`left_for_training`.
        leave_out: The list, or None.

    Raises:
        DataError: As :func:`left_for_training`, or the list cannot be used.
    """
    from restore_recog.training.leaving_out import left_out

    listed = left_out(leave_out, datasets) if leave_out else None
    only = left_for_training(protocol, datasets, seed)
    if listed is None:
        return only, None
    if only is None:
        only = {sample.image_id for dataset in datasets for sample in dataset.samples()}
    return only - listed.image_ids, listed


def _check_packs(protocol: str, datasets: Sequence[Dataset]) -> None:
    from restore_recog.training.crops import HasPack

    for dataset in datasets:
        if isinstance(dataset, HasPack) and dataset.pack().note.protocol != protocol:
            raise DataError(
                f"{dataset.location} was packed without --protocol {protocol} and may hold its "
                "test people; pack the data again with it, or leave --protocol out."
            )


def worker_count(asked: int | None, device: str) -> int:
    """Return how many processes prepare batches: on a GPU all cores but one, else one.

    Where several processes train on one machine they share the cores.
    """
    if asked is not None:
        return asked
    if device == "cpu":
        return 1
    return max(1, min(MOST_WORKERS, cores() - 1))


def advice(waiting: float, workers: int) -> str | None:
    """Return one sentence for a run that waited long for its data, or None.

    Args:
        waiting: Share of the time, in [0, 1].
        workers: Processes that prepared batches.
    """
    if waiting <= PATIENCE:
        return None
    beginning = f"The model waited for data {waiting:.0%} of the time with --workers {workers}; "
    if workers < cores() - 1:
        return f"{beginning}this machine's {cores()} cores allow --workers {cores() - 1}."
    return f"{beginning}all {cores()} cores are at work, so faster training needs more of them."

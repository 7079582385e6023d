"""What an evaluation is asked to do."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog import registry
from restore_recog.api import Dataset, EvaluationProtocol, Recognizer, Restorer, Segmenter
from restore_recog.segmenters import names
from restore_recog.system import allocation, devices
from restore_recog.system.processes import own_device


@dataclass(frozen=True, slots=True, eq=False)
class EvalRequest:
    """What to evaluate.

    Attributes:
        datasets: One or more; ids get the data set's name as prefix where there are several.
        restorers: One or more; each has its own rows in the table.
        segmenter: ``"own"`` (each restorer's own detector), ``"true"`` (the true mask), the name
            of a restorer whose detector all shall use, or a detector.
        arms: Names out of :data:`restore_recog.evaluation.arms.ARMS`; None takes the default arms.
        coverings: Kind of synthetic covering, where the data has no occluded images.
        colour: Of the covering; None draws one for each image.
        pattern: What is printed on the coverings; None leaves each kind its own.
        difficulty: How they are worn; None is the usual way.
        seed: Of every random choice.
        limit: At most so many probes.
        crop_size: Side of the crops in pixels; None takes the largest that a restorer wants.
        template: (5, 2) where the five points lie in the crops, in units of the side; None for
            the project's own.
        batch_size: Images at a time; changes speed and memory, not the figures.
        device: For detectors that do not come with a restorer.
        faces_policy: What to do with several faces: ``"one"`` (a failure) or ``"largest"``.
        cohorts: Labels to break the figures down by (``gender``, ``covering``, ...); None
            takes every label with two to twelve values among the probes.
        min_subjects: Cohorts with fewer subjects are named and counted, not measured.
        judge_weights: Judge of image quality (``fid``, ``lpips``, ``niqe``, ``brisque``) -> its
            weights file; where one is named, or the protocol is about quality, all judge that
            can be had.
        enrolment: ``"max"`` (a subject scores the best of his references) or ``"mean"`` (his
            references are averaged into one template).
        restorer_failure: ``"input"`` (the probe goes on as it came, counted as a fallback) or
            ``"fta"`` (the probe has no template: failure to acquire).
        cache: Folder of finished work, shared by any number of runs; None keeps none.
        output: Results folder that shall be written later; refused at once if it exists.
        command: The command line, for the record.
    """

    datasets: Sequence[Dataset]
    protocol: EvaluationProtocol
    restorers: Sequence[Restorer]
    recognizer: Recognizer
    segmenter: str | Segmenter = "own"
    arms: tuple[str, ...] | None = None
    coverings: str = "random"
    colour: str | None = None
    pattern: str | None = None
    difficulty: str | None = None
    seed: int = 0
    limit: int | None = None
    crop_size: int | None = None
    template: NDArray[np.float64] | None = None
    batch_size: int = 32
    device: str = "cpu"
    faces_policy: str = "largest"
    cohorts: tuple[str, ...] | None = None
    min_subjects: int = 10
    judge_weights: Mapping[str, Path] = field(default_factory=dict)
    enrolment: str = "max"
    restorer_failure: str = "input"
    cache: Path | None = None
    output: Path | None = None
    command: str = ""

    def covered(self) -> dict[str, str | None]:
        """Return what is asked of the coverings, for the record.

        What is not asked for is left out, but for kind and colour, which every record has.
        """
        asked = {"pattern": self.pattern, "difficulty": self.difficulty}
        given = {name: value for name, value in asked.items() if value is not None}
        return {"kind": self.coverings, "colour": self.colour, **given}

    def planner(self) -> EvaluationProtocol:
        """Return the protocol as :func:`planner` does; the request's own stays as it is."""
        return planner(self.protocol, self.datasets)


def planner(protocol: EvaluationProtocol, datasets: Sequence[Dataset]) -> EvaluationProtocol:
    """Return a protocol, with the list of pairs that came with the data if it has none.

    To be called when the data sets have told their samples, for only then do they know of a
    list. The protocol that is given stays as it is.
    """
    lists = [dataset.pair_list for dataset in datasets if dataset.pair_list is not None]
    if protocol.pair_list is not None or not lists:
        return protocol
    protocol = copy.copy(protocol)
    protocol.pair_list = lists[0]
    return protocol


def from_names(
    *,
    data: Sequence[str | Dataset] = ("phantom",),
    protocol: str | EvaluationProtocol = "fmor",
    restorers: Sequence[str | Restorer] = ("fmodr",),
    recognizer: str | Recognizer = "timm",
    weights: Mapping[str, Path] | None = None,
    recognizer_weights: Path | None = None,
    device: str = "auto",
    **others: Any,
) -> EvalRequest:
    """Return a request whose plug-ins are named as on the command line, or given as objects.

    Args:
        data, protocol, restorers, recognizer: Names, ``name:argument`` or objects.
        weights: Name of a restorer -> its weights file; the shipped ones by default.
        recognizer_weights: Weights file of the recogniser.
        device: ``auto`` (a GPU if there is one), ``cpu`` or ``cuda[:N]``; of what is named.
        others: Further fields of :class:`EvalRequest`.

    Raises:
        PluginError: A plug-in is unknown, of another kind, or cannot be made.
        DeviceError: There is no such device.
    """
    segmenter = others.get("segmenter")
    if isinstance(segmenter, str):
        names.check(segmenter)
    device = devices.resolve(own_device(device))
    allocation.keep_freed_blocks(device)
    files = weights or {}
    return EvalRequest(
        datasets=[registry.datasets.obtain(entry) for entry in data],
        protocol=registry.protocols.obtain(protocol),
        restorers=[
            registry.restorers.obtain(
                entry,
                weights=files.get(entry) if isinstance(entry, str) else None,
                device=device,
            )
            for entry in restorers
        ],
        recognizer=registry.recognizers.obtain(
            recognizer, weights=recognizer_weights, device=device
        ),
        device=device,
        **others,
    )

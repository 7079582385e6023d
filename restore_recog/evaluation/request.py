"""What an evaluation is asked to do."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog import registry
from restore_recog.api import (
    Classifier,
    Dataset,
    EvaluationProtocol,
    Recognizer,
    Restorer,
    Segmenter,
)
from restore_recog.names import printable
from restore_recog.segmenters import names
from restore_recog.system import allocation, devices
from restore_recog.system.processes import own_device


def option(default: Any, text: str, **settings: Any) -> Any:
    """Return a field of a request that is also an option of the command line.

    Args:
        default: Of both field and option.
        text: Its help.
        settings: For the option: ``flag`` where it is not the field's name, ``metavar``,
            ``choices``, ``least`` (of a number), ``multiple``, ``names`` (a comma-separated
            list). ``recorded=False`` keeps the value out of :meth:`EvalRequest.describe`.
    """
    return field(default=default, metadata={"text": text, **settings})


@dataclass(frozen=True, slots=True, eq=False)
class EvalRequest:
    """What to evaluate.

    A field that is made by :func:`option` is also an option of ``restore-recog eval``, and
    part of the record of a run; its text says what it does.

    Attributes:
        datasets: One or more; ids get the data set's name as prefix where there are several.
        restorers: One or more; each has its own rows in the table.
        segmenter: As the option, or a segmenter; or several, each for every restorer in turn.
        arms: Names out of :data:`restore_recog.evaluation.arms.ARMS`; None takes the default arms.
        template: (5, 2) positions of the five points in the crops, in units of the side; None
            for the project's own.
        device: For segmenters that do not come with a restorer.
        judge_weights: Image-quality metric (``fid``, ``lpips``, ``niqe``, ``brisque``, ``vgg``)
            -> its weights file; where one is named, or the protocol is about quality, every metric
            that is available is computed.
        cache: Folder of finished work that runs share; None for no cache.
        output: Results folder to be written later; refused at once if it exists.
        command: The command line, for the record.
    """

    datasets: Sequence[Dataset]
    protocol: EvaluationProtocol
    restorers: Sequence[Restorer]
    recognizer: Recognizer
    segmenter: str | Segmenter | Sequence[str | Segmenter] = option(
        "own",
        "What finds the covering: each restorer's own segmenter, nothing (the true mask is "
        "given; true+3 and true-3 widen and narrow it by 3 pixels), the segmenter of the restorer "
        "NAME with the weights FILE, or module:Class; repeat to give every restorer each in turn.",
        metavar="own|true|NAME[=FILE]",
        multiple=True,
        recorded=False,
    )
    arms: tuple[str, ...] | None = option(
        None, "Arms to run, or +A besides the usual.  [default: these]", metavar="A,B", names=True
    )
    classifier: str | Classifier | None = option(
        None,
        "What tells the label that a protocol asks about, such as the expression: a registered "
        "classifier, with the weights FILE, or module:Class.  [default: resnet18 or gender]",
        metavar="NAME[=FILE]",
        recorded=False,
    )
    coverings: str = option(
        "random",
        "Kinds of the synthetic coverings, where the data has no occluded images: random, "
        "all, fmor, names, template:PATH (restore-recog coverings lists them).",
        metavar="KIND,...",
        recorded=False,
    )
    colour: str | None = option(
        None, "Colour of the coverings.  [default: one drawn for each image]", recorded=False
    )
    pattern: str | None = option(
        None, "What is printed on them.  [default: as each kind has it]", recorded=False
    )
    difficulty: str | None = option(
        None,
        "How they are worn: easy, medium, hard, usual.  [default: usual]",
        metavar="LEVEL,...",
        recorded=False,
    )
    cohorts: tuple[str, ...] | None = option(
        None,
        "Label to break the figures down by (gender, covering, ...); repeat for several.  "
        "[default: every label with two to twelve values]",
        flag="cohort",
        metavar="LABEL",
        multiple=True,
    )
    min_subjects: int = option(10, "Groups with fewer subjects are counted, not measured.", least=1)
    enrolment: str = option(
        "max",
        "Subject with several references: their best score counts, or their mean template; or "
        "their mean, weighted by the quality of each.",
        choices=("max", "mean", "quality"),
    )
    score_norm: str | None = option(
        None,
        "Give scores in standard deviations from those with a cohort, which is drawn from the "
        "training split of the data: those of the reference (z), of the probe (t), or the mean of "
        "both (s).  [default: scores as they are]",
        choices=("z", "t", "s"),
    )
    restorer_failure: str = option(
        "input",
        "Probe that cannot be restored: is used unrestored and counted as a fallback, "
        "or has no template (failure to acquire).",
        flag="on-restorer-failure",
        choices=("input", "fta"),
    )
    faces_policy: str = option(
        "largest",
        "An image with several faces: count it as failed, or take the largest; or take each "
        "image without landmarks as an aligned crop.",
        flag="faces",
        choices=("one", "largest", "aligned"),
    )
    crop_size: int | None = option(
        None,
        "Side of the crops.  [default: the largest that a restorer wants]",
        metavar="PIXELS",
        least=16,
        recorded=False,
    )
    limit: int | None = option(None, "At most this many probes.", least=1)
    batch_size: int = option(
        32, "Images at a time; changes speed and memory, not the figures.", least=1
    )
    seed: int = option(0, "Of every random choice.", least=0)
    template: NDArray[np.float64] | None = None
    device: str = "cpu"
    judge_weights: Mapping[str, Path] = field(default_factory=dict)
    cache: Path | None = None
    output: Path | None = None
    command: str = ""

    def describe(self) -> dict[str, Any]:
        """Return what is asked for, as plain JSON values, before any image is read.

        The results folder records it; a run that goes on must have the same.
        """
        from restore_recog.system import provenance  # here: --help must not import torch

        chosen = [
            one for one in fields(self) if one.metadata.get("recorded", "text" in one.metadata)
        ]
        described = [names.described(choice) for choice in self.choices()]
        return {
            **{one.name: getattr(self, one.name) for one in chosen},
            "data": [
                {
                    "name": d.name,
                    "location": d.location and printable(d.location),
                    "rendered": d.rendered,
                }
                for d in self.datasets
            ],
            "protocol": {
                "name": self.protocol.name,
                "version": self.protocol.version,
                "argument": self.protocol.argument,
            },
            "recognizer": provenance.model(self.recognizer),
            "restorers": {
                name: provenance.model(restorer) for name, restorer in self.named().items()
            },
            "segmenter": described[0] if len(described) == 1 else described,
            **self._classifying(),
            "crop_template": None if self.template is None else self.template.tolist(),
        }

    def _classifying(self) -> dict[str, Any]:
        """Return which classifier was named, where one was."""
        if self.classifier is None:
            return {}
        named = isinstance(self.classifier, str)
        return {"classifier": self.classifier if named else self.classifier.name}  # type: ignore[union-attr]

    @property
    def weighs(self) -> bool:
        """Return whether templates need weights."""
        return self.enrolment == "quality"

    def choices(self) -> tuple[str | Segmenter, ...]:
        """Return what finds the coverings, each as it was asked for."""
        given = self.segmenter
        return (given,) if isinstance(given, str | Segmenter) else tuple(given)

    def restorings(self) -> dict[str, names.Restoring]:
        """Return the restorers with their segmenters, by their names in the run."""
        return names.restorings(self.restorers, self.choices())

    def named(self) -> dict[str, Restorer]:
        """Return the restorers by their names in the run."""
        return {name: one.restorer for name, one in self.restorings().items()}

    def covered(self) -> dict[str, str | None]:
        """Return the choice of coverings, for the record.

        Pattern and difficulty are left out where they were not chosen.
        """
        asked = {"pattern": self.pattern, "difficulty": self.difficulty}
        given = {name: value for name, value in asked.items() if value is not None}
        return {"kind": self.coverings, "colour": self.colour, **given}


def planner(protocol: EvaluationProtocol, datasets: Sequence[Dataset]) -> EvaluationProtocol:
    """Return a protocol, with the list of pairs that came with the data if it has none.

    To be called after the data sets were scanned, for only then is the list known. The
    protocol that is given is not changed.
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
    recognizer_settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    **others: Any,
) -> EvalRequest:
    """Return a request whose plug-ins are named as on the command line, or given as objects.

    Args:
        data, protocol, restorers, recognizer: Names, ``name:argument`` or objects.
        weights: Name of a restorer -> its weights file; the shipped ones by default.
        recognizer_weights: Weights file of the recogniser.
        recognizer_settings: Further arguments of its class, e.g. ``{"input": "bgr"}``.
        device: ``auto`` (a GPU if there is one), ``cpu`` or ``cuda[:N]``; of what is named.
        others: Further fields of :class:`EvalRequest`.

    Raises:
        PluginError: A plug-in is unknown, of another kind, or cannot be made.
        DeviceError: There is no such device.
    """
    segmenter, classifier = others.get("segmenter"), others.get("classifier")
    for choice in [segmenter] if isinstance(segmenter, str) else segmenter or ():
        if isinstance(choice, str):
            names.check(choice)
    if isinstance(classifier, str):
        registry.classifiers.check(classifier)
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
            recognizer,
            weights=recognizer_weights,
            device=device,
            **(recognizer_settings or {}),
        ),
        device=device,
        **others,
    )

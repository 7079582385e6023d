"""What data sets and protocols must do, and the plan that a protocol makes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import ClassVar

from restore_recog.errors import RestoreRecogError
from restore_recog.types import FaceImage, FaceSample, Trial


class Dataset(ABC):
    """A source of images in one layout, on disk or rendered.

    Attributes:
        tree: The expected folders, printed verbatim where they are missing.
        rendered: True where the images are synthetic; reports say so.
        notes: Sentences for the report about what :meth:`samples` found, e.g. files left out.
        pair_list: The file of verification pairs that came with the data, or None; known
            after :meth:`samples`. A protocol that needs one takes it from here.
    """

    name: ClassVar[str]
    tree: ClassVar[str] = ""
    rendered: ClassVar[bool] = False
    notes: Sequence[str] = ()
    pair_list: Path | None = None

    def __init__(self, location: str | None = None) -> None:
        self.location = location

    @abstractmethod
    def samples(self) -> Sequence[FaceSample]:
        """Return every image, sorted by image_id, whatever the file system's order.

        Raises:
            DataError: The folder is missing or empty; the message prints ``tree``.
        """

    @abstractmethod
    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        """Return one image, or the reason why there is none, for every sample in order."""

    def each(self, samples: Sequence[FaceSample]) -> Iterator[FaceImage | RestoreRecogError]:
        """Yield what :meth:`read` answers, in order.

        Files are read one at a time, as they are asked for, so that a single one is decoded at
        once, however many are named; what is rendered is made together.
        """
        for in_files, group in groupby(samples, key=lambda sample: sample.path is not None):
            members = list(group)
            for block in [[one] for one in members] if in_files else [members]:
                yield from self.read(block)


@dataclass(frozen=True, slots=True)
class OpenSetTrial:
    """One of several trials in which the same data is searched in another division of its people.

    Its probes show people of its gallery, or strangers; the images of both together are its
    test set.

    Attributes:
        gallery: image_ids out of the plan's references.
        probes: image_ids out of the plan's probes.
    """

    gallery: tuple[str, ...]
    probes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is compared with whom. Everything a run needs to be repeated.

    Attributes:
        references: image_ids of the gallery. Those whose condition is not ``clean`` pass
            through the arms as probes do (lists of pairs with two occluded images).
        probes: image_ids of the probes. Where ``synthetic`` is True these are clean
            images that the evaluation covers before use; else they are taken as found.
            A probe whose subject has no reference makes open-set searches only.
        pairs: Verification trials between references and probes; may be empty.
        cosine_references: One clean image_id per subject, for the cosine-similarity table.
        synthetic: Whether the evaluation covers the probes.
        training: image_ids that the protocol leaves for training.
        notes: Sentences for the report: counts, proportions, departures.
        identification: Whether the probes are searched in the gallery. Where it is False
            there are pairs only, and an image may be a reference here and a probe there.
        folds: The fold of every pair (LFW View 2: nine folds set the threshold, the tenth is
            measured), or empty.
        missing_pairs: Pairs on the protocol's list for which the data has no images, as
            (fold or 0, reason).
        label: A key of :data:`restore_recog.labels.KINDS`: a classifier is asked what it sees of
            it in every probe, and all probes are labelled; empty for none.
        open_set: Trials whose figures are averaged, or empty. An image may be enrolled in one of
            them and a probe in another.
    """

    references: tuple[str, ...]
    probes: tuple[str, ...]
    pairs: tuple[Trial, ...]
    cosine_references: Mapping[str, str]
    synthetic: bool
    training: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    identification: bool = True
    folds: tuple[int, ...] = ()
    missing_pairs: tuple[tuple[int, str], ...] = ()
    label: str = ""
    open_set: tuple[OpenSetTrial, ...] = ()


class EvaluationProtocol(ABC):
    """Decides who is compared with whom. (``Protocol`` belongs to ``typing``.)

    Attributes:
        version: Raise it with any change that moves a score.
        argument: What stood behind the colon of ``--protocol name:argument``, or None.
        pair_list: A list of pairs to follow, for protocols that read one; the evaluation
            sets it to what came with the data, where it is None.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    pair_list: Path | None = None

    def __init__(self, argument: str | None = None) -> None:
        self.argument = argument

    @abstractmethod
    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return the comparisons.

        Args:
            samples: Of one or several data sets, training images left out already.
            seed: Of every random choice.
            limit: At most this many probes.

        Raises:
            DataError: The data does not support this protocol.
        """

"""BLUFR: ten trials of an open set on LFW, the probes covered.

Source: Liao, Lei, Yi, Li, "A Benchmark Study of Large-scale Unconstrained Face Recognition", IJCB
2014. In each trial some people have one image in the gallery; their other images and all images of
strangers are searched in it. Detection and identification rates at rank 1 are at a false alarm
rate that the strangers set; the verification rate is of all pairs of the test set.

Deviation: BLUFR compares images as they are. Here the probe of each comparison is covered and
restored and the reference stays as it is; every pair is compared both ways round. The arm of the
bare probes is BLUFR as published.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path, PurePosixPath

import numpy as np

from restore_recog.api import EvaluationProtocol, OpenSetTrial, Plan
from restore_recog.errors import DataError
from restore_recog.names import spelt
from restore_recog.protocols.blufr_lists import ListedTrial, read
from restore_recog.protocols.sampling import (
    MOST_PAIRS,
    SPLIT,
    BySubject,
    by_condition,
    by_subject,
    shuffled,
    stream,
    trials,
)
from restore_recog.types import FaceSample, Trial

TRIALS = 10
TESTED, PEOPLE = 4249, 5749
"""LFW has so many people, of whom a trial tests so many; the others are for training."""

OFTEN_SEEN, ENROLLED = 1243, 1000
"""So many of the people tested have two images or more, on average, and so many are enrolled."""


class Blufr(EvaluationProtocol):
    """Ten trials: drawn ones, or the published ones of ``blufr:blufr_lfw_config.mat``."""

    name = "blufr"
    version = 1

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return the trials, and a sample of pairs.

        Args:
            samples: Any order; occluded ones take no part.
            seed: Of the trials, where no lists are given, and of the pairs.
            limit: At most this many probes; the galleries stay.

        Raises:
            DataError: The lists are garbled or fit no image, or the data has too few people.
        """
        clean, occluded = by_condition(sorted(samples, key=lambda sample: sample.image_id))
        notes = [f"{len(occluded)} occluded images take no part."] if occluded else []
        if self.argument:
            place = Path(self.argument).expanduser()
            open_set, more = _published(read(place), clean, place)
        else:
            open_set, more = _drawn(clean, seed)
        notes += more
        tested = {i for trial in open_set for i in (*trial.gallery, *trial.probes)}
        order = _order([sample for sample in clean if sample.image_id in tested], open_set[0], seed)
        probes = set(order[:limit])
        if len(probes) < len(order):
            notes.append(f"Limited to {len(probes)} of {len(order)} probes.")
        open_set = [
            OpenSetTrial(trial.gallery, tuple(i for i in trial.probes if i in probes))
            for trial in open_set
        ]
        pairs = _pairs(open_set, sorted(probes), clean, seed)
        genuine = sum(pair.genuine for pair in pairs)
        return Plan(
            references=tuple(sorted(tested)),
            probes=tuple(sorted(probes)),
            pairs=tuple(pairs),
            cosine_references={},
            synthetic=True,
            notes=(*notes, f"{len(pairs)} verification pairs, {genuine} of them genuine."),
            identification=False,
            open_set=tuple(open_set),
        )


def _drawn(clean: Sequence[FaceSample], seed: int) -> tuple[list[OpenSetTrial], list[str]]:
    """Return trials with the shares of people that BLUFR's have."""
    everybody = dict(sorted(by_subject(clean).items()))
    rng = stream(seed, SPLIT)
    drawn = [trial for _ in range(TRIALS) if (trial := _draw(everybody, rng)) is not None]
    if len(drawn) < TRIALS:
        raise DataError(
            f"The protocol 'blufr' needs people with two images or more, and strangers: the "
            f"{len(everybody)} people of this data are too few."
        )
    note = (
        f"{TRIALS} trials drawn, with BLUFR's shares of people; the figures are not those of its "
        "published lists."
    )
    return drawn, [note, _counts(drawn[0])]


def _draw(everybody: BySubject, rng: np.random.Generator) -> OpenSetTrial | None:
    """Return one trial, or None where the people drawn leave nobody to enrol or no stranger."""
    names = list(everybody)
    size = round(len(names) * TESTED / PEOPLE)
    tested = [names[i] for i in rng.permutation(len(names))[:size]]
    often = [name for name in tested if len(everybody[name]) > 1]
    shares = len(often) / OFTEN_SEEN, len(tested) / TESTED
    count = min(ENROLLED, *(max(1, round(share * ENROLLED)) for share in shares))
    if not often or len(tested) == count:
        return None
    enrolled = [str(rng.choice(everybody[name])) for name in often[:count]]
    images = {image_id for name in tested for image_id in everybody[name]}
    return OpenSetTrial(tuple(sorted(enrolled)), tuple(sorted(images - {*enrolled})))


def _published(
    listed: Sequence[ListedTrial], clean: Sequence[FaceSample], place: Path
) -> tuple[list[OpenSetTrial], list[str]]:
    """Return the trials as far as the data has their images; who lacks the enrolled one is out."""
    known = _by_name(clean)
    matched = [_matched(trial, known) for trial in listed]
    usable = [trial for trial in matched if _both_kinds(trial, known)]
    if not usable:
        raise DataError(
            f"None of the {len(listed)} trials of {place} has probes of enrolled people and of "
            "strangers among the data's images for testing; is this LFW?"
        )
    every = {i for trial in listed for i in (*trial.gallery, *trial.probes)}
    notes = [_counts(usable[0])]
    if lost := len(every - known.keys()):
        notes.append(
            f"Warning: {lost:,} of the {len(every):,} images on BLUFR's lists are not among the "
            "data's images for testing, so the figures must not be compared with published ones."
        )
    if len(usable) < len(listed):
        notes.append(f"Warning: {len(listed) - len(usable)} of the {len(listed)} trials are void.")
    return usable, notes


def _by_name(clean: Iterable[FaceSample]) -> dict[str, FaceSample]:
    """Return the samples by the names of their files, as the lists call them."""
    known: dict[str, FaceSample] = {}
    for sample in clean:
        name = PurePosixPath(spelt(sample.image_id)).stem
        if name in known:
            raise DataError(
                f"The images '{known[name].image_id}' and '{sample.image_id}' both have the name "
                f"'{name}' of BLUFR's lists; give one copy of LFW."
            )
        known[name] = sample
    return known


def _matched(trial: ListedTrial, known: dict[str, FaceSample]) -> OpenSetTrial:
    """Return a trial without the images that are missing.

    Whose enrolled image is missing has no probes either: they would pass for strangers.
    """
    out = {_person(name) for name in trial.gallery if name not in known}
    probes = (name for name in trial.probes if name in known and _person(name) not in out)
    gallery = (name for name in trial.gallery if name in known)
    sides = (tuple(sorted(known[name].image_id for name in side)) for side in (gallery, probes))
    return OpenSetTrial(*sides)


def _person(name: str) -> str:
    return name.rpartition("_")[0]


def _both_kinds(trial: OpenSetTrial, known: dict[str, FaceSample]) -> bool:
    subject = {sample.image_id: sample.subject for sample in known.values()}
    enrolled = {subject[i] for i in trial.gallery}
    return len({subject[i] in enrolled for i in trial.probes}) == 2


def _counts(trial: OpenSetTrial) -> str:
    """Return how large the first trial is."""
    return (
        f"The first trial: {len(trial.gallery):,} people enrolled with one image each, "
        f"{len(trial.probes):,} images to search."
    )


def _order(tested: Sequence[FaceSample], first: OpenSetTrial, seed: int) -> list[str]:
    """Return the probes in the order in which a limit takes them.

    Mates and others of the first trial take turns, so that few probes are of both kinds.
    """
    subject = {sample.image_id: sample.subject for sample in tested}
    enrolled, searched = {subject[i] for i in first.gallery}, {*first.probes}
    mates = [s for s in tested if s.image_id in searched and s.subject in enrolled]
    kept = {sample.image_id for sample in mates}
    sides = (
        shuffled(side, seed) for side in (mates, [s for s in tested if s.image_id not in kept])
    )
    turns = zip_longest(*sides)
    return [image_id for turn in turns for image_id in turn if image_id is not None]


def _pairs(
    open_set: Sequence[OpenSetTrial], probes: Sequence[str], clean: Sequence[FaceSample], seed: int
) -> list[Trial]:
    """Return pairs of probes and images that some trial enrols, never of an image with itself."""
    subjects = {sample.image_id: sample.subject for sample in clean}
    enrolled = {image_id for trial in open_set for image_id in trial.gallery}
    references = by_subject(sample for sample in clean if sample.image_id in enrolled)
    genuine = sum(len(references.get(subjects[probe], ())) for probe in probes)
    pairs = trials(probes, references, subjects, min(genuine, MOST_PAIRS), seed)
    return [pair for pair in pairs if pair.reference_id != pair.probe_id]

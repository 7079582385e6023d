"""What the protocols that follow a published list of pairs share.

There is no gallery: each pair is one comparison. A pair whose images the data does not
have, or must not test because their people trained something, is counted as missing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.errors import DataError
from restore_recog.names import spelt
from restore_recog.protocols.pair_lines import ListedPair
from restore_recog.types import FaceSample, Trial

FEW = 30
"""Pairs of one kind below which the notes warn (the rule of 30 errors cannot be met)."""

REASONS = {
    1: "One image is not among the data's images for testing.",
    2: "Neither image is among the data's images for testing.",
}
"""Why a pair is missing, by how many of its images are."""


@dataclass(frozen=True, slots=True)
class _Matched:
    reference: FaceSample
    probe: FaceSample
    listed: ListedPair


@dataclass(frozen=True, slots=True)
class _Missing:
    listed: ListedPair
    names: Sequence[str]


class PairList(EvaluationProtocol):
    """A protocol that follows a list of pairs: ``name:FILE``, or the list beside the data.

    Attributes:
        covers: Whether probes that are not occluded are given synthetic coverings. Where it
            is False the images are taken as found, and an occluded image of a pair that
            has one is the probe.
        published: How many pairs the published list has; None where that is not known.
    """

    covers: ClassVar[bool]
    published: ClassVar[int | None]

    def __init__(self, argument: str | None = None) -> None:
        super().__init__(argument)
        if argument:
            self.pair_list = Path(argument).expanduser()

    @abstractmethod
    def read(self, file: Path) -> list[ListedPair]:
        """Return the pairs of a list in its order.

        Raises:
            DataError: A line is faulty; the message names it.
        """

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return the pairs that the data has images for, and count the others.

        Args:
            samples: Any order.
            seed: Unused; the list decides.
            limit: At most this many probes, evenly out of the folds and of both kinds.

        Raises:
            DataError: No or a faulty list, two images of one name, or no pair of one kind.
        """
        if self.pair_list is None:
            raise DataError(
                f"The protocol '{self.name}' needs its list of pairs: --protocol "
                f"{self.name}:FILE, or the list beside the data under its usual name."
            )
        listed = self.read(self.pair_list)
        matched, missing = self._match(listed, samples)
        self._check(listed, matched)
        notes = _notes(listed, matched, missing) + _contradictions(matched)
        if self.published is not None and len(listed) != self.published:
            notes.append(
                f"Warning: the list has {len(listed):,} pairs, the published one has "
                f"{self.published:,}."
            )
        kept = _limited(matched, limit)
        if len(kept) < len(matched):
            notes.append(f"Limited to {limit} probes: {len(kept)} of {len(matched)} pairs.")
        return Plan(
            references=tuple(sorted({pair.reference.image_id for pair in kept})),
            probes=tuple(sorted({pair.probe.image_id for pair in kept})),
            pairs=tuple(
                Trial(pair.reference.image_id, pair.probe.image_id, pair.listed.genuine)
                for pair in kept
            ),
            cosine_references={},
            synthetic=self.covers and all(pair.probe.condition == "clean" for pair in matched),
            notes=tuple(notes),
            identification=False,
            folds=tuple(pair.listed.fold for pair in kept) if listed[0].fold else (),
            missing_pairs=tuple((pair.listed.fold, REASONS[len(pair.names)]) for pair in missing),
        )

    def _match(
        self, listed: Sequence[ListedPair], samples: Sequence[FaceSample]
    ) -> tuple[list[_Matched], list[_Missing]]:
        """Return the pairs with their images, and those that lack one or both."""
        known = _index(samples, listed)
        matched: list[_Matched] = []
        missing: list[_Missing] = []
        for pair in listed:
            lacking = [name for name in (pair.first, pair.second) if name not in known]
            if lacking:
                missing.append(_Missing(pair, lacking))
                continue
            reference, probe = known[pair.first], known[pair.second]
            if not self.covers and probe.condition == "clean" != reference.condition:
                reference, probe = probe, reference
            matched.append(_Matched(reference, probe, pair))
        return matched, missing

    def _check(self, listed: Sequence[ListedPair], matched: Sequence[_Matched]) -> None:
        for genuine, what in ((True, "genuine"), (False, "impostor")):
            if not any(pair.listed.genuine == genuine for pair in matched):
                of = sum(pair.genuine == genuine for pair in listed)
                raise DataError(
                    f"None of the {of} {what} pairs in {self.pair_list} has both images in the "
                    f"data, as far as it may be tested; the protocol '{self.name}' needs both "
                    "kinds of pairs."
                )


def _index(samples: Sequence[FaceSample], listed: Sequence[ListedPair]) -> dict[str, FaceSample]:
    """Return the samples that the list names, by these names."""
    wanted = {name for pair in listed for name in (pair.first, pair.second)}
    depths = {name.count("/") + 1 for name in wanted}
    matched: dict[str, FaceSample] = {}
    for sample in sorted(samples, key=lambda sample: sample.image_id):
        place = PurePosixPath(spelt(sample.image_id)).with_suffix("")
        for name in wanted & {"/".join(place.parts[-depth:]) for depth in depths}:
            if name in matched:
                raise DataError(
                    f"The images '{matched[name].image_id}' and '{sample.image_id}' both fit "
                    f"the name '{name}' of the list of pairs; give one copy of the data."
                )
            matched[name] = sample
    return matched


def _limited(matched: Sequence[_Matched], limit: int | None) -> list[_Matched]:
    """Return the pairs of the first *limit* probes, in the order of the list.

    The probes are taken in turn from each fold and kind, so that few pairs are mixed too.
    """
    if limit is None:
        return list(matched)
    seen: Counter[tuple[int, bool]] = Counter()
    turns = []
    for pair in matched:
        group = (pair.listed.fold, pair.listed.genuine)
        turns.append((seen[group], pair.listed.fold, not pair.listed.genuine, pair))
        seen[group] += 1
    turns.sort(key=lambda turn: turn[:3])
    probes = list(dict.fromkeys(turn[3].probe.image_id for turn in turns))
    kept = set(probes[:limit])
    return [pair for pair in matched if pair.probe.image_id in kept]


def _notes(
    listed: Sequence[ListedPair], matched: Sequence[_Matched], missing: Sequence[_Missing]
) -> list[str]:
    """Return how many pairs there are, of which kinds and in which folds."""
    genuine = sum(pair.listed.genuine for pair in matched)
    impostor = len(matched) - genuine
    notes = [
        f"{len(matched):,} of the {len(listed):,} pairs on the list are compared: {genuine:,} "
        f"genuine, {impostor:,} impostor."
    ]
    if listed[0].fold:
        counts = Counter((pair.listed.fold, pair.listed.genuine) for pair in matched)
        folds = sorted({pair.fold for pair in listed})
        shown = ", ".join(f"{counts[fold, True]} + {counts[fold, False]}" for fold in folds)
        notes.append(f"Genuine + impostor pairs in folds 1 to {folds[-1]}: {shown}.")
    kinds = Counter(
        (pair.reference.condition != "clean") + (pair.probe.condition != "clean")
        for pair in matched
    )
    if kinds[1] or kinds[2]:
        notes.append(
            f"{kinds[2]:,} pairs have two occluded images, {kinds[1]:,} one, {kinds[0]:,} none."
        )
    if missing:
        first = missing[0]
        notes.append(
            f"The first missing pair is that of line {first.listed.line}: the data lacks "
            f"{' and '.join(first.names)}, or their people are kept for training."
        )
    for count, what in ((genuine, "genuine"), (impostor, "impostor")):
        if count < FEW:
            notes.append(
                f"Warning: {count} {what} pairs are too few for any rate that rests on them, and "
                "for an accuracy over both kinds."
            )
    return notes


def _contradictions(matched: Sequence[_Matched]) -> list[str]:
    """Return a note on pairs that the list calls genuine or impostor against the names."""
    odd = sum(
        (pair.reference.subject == pair.probe.subject) != pair.listed.genuine for pair in matched
    )
    if not odd:
        return []
    return [
        f"Warning: {odd} pairs are labelled on the list in contradiction to the names of their "
        "people; the list is followed."
    ]

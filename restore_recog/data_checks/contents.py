"""The expensive checks of a data set: open every image and compare it with all others."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

import numpy as np

from restore_recog.api import Dataset
from restore_recog.data_checks.masks import odd_mask
from restore_recog.data_checks.near_duplicates import Thumbnail, alike, thumbnail
from restore_recog.datasets.files import FileDataset
from restore_recog.types import FaceImage, FaceSample

Severity = Literal["fatal", "warning", "note"]
Progress = Callable[[str, int, int], None]

SMALL_SIDE = 48
"""A shorter side under this many pixels is called small: a face in it has little detail."""
LONG_RATIO = 2.5
"""An image that is longer than this many times its shorter side is hardly one face."""

_BLOCK = 8
"""Images that a thread holds at a time."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One image or person of a finding: *where* it is, and what is the matter with it."""

    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        severity: ``fatal`` (what is measured on the data would be wrong), ``warning`` (look
            before you measure) or ``note``.
        check: Which check, one word or two with a hyphen.
        data: The data set's name, or ``protocol`` and the protocol's.
        sentence: What is the matter.
        issues: Every image or person concerned.
    """

    severity: Severity
    check: str
    data: str
    sentence: str
    issues: Sequence[Issue] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One sample, the data set that reads it, and that data set's name here."""

    dataset: Dataset
    data: str
    sample: FaceSample


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is kept of an image once it has been seen.

    Attributes:
        digest: Of the decoded pixels, so that neither name nor container matters.
        size: (width, height).
        masks: What is odd about its mask.
        off: Whether all its landmarks lie beside it.
        thumbnail: What it looks like, to find it again in another size or encoding.
    """

    digest: bytes
    size: tuple[int, int]
    masks: tuple[str, ...]
    off: bool
    thumbnail: Thumbnail


@dataclass
class _Contents:
    """What was seen in the images of one data set, *data*."""

    data: str
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    unreadable: list[Issue] = field(default_factory=list)
    masks: list[Issue] = field(default_factory=list)
    off: list[Issue] = field(default_factory=list)

    def add(self, name: str, facts: _Facts | str) -> None:
        """Take in an image, or the reason why it cannot be read."""
        if isinstance(facts, str):
            self.unreadable.append(Issue(name, facts))
            return
        self.sizes[name] = facts.size
        self.masks.extend(Issue(name, what) for what in facts.masks)
        if facts.off:
            self.off.append(Issue(name, "all landmarks lie beside the image"))


def several(number: int, one: str, many: str) -> str:
    """Return a number with what follows one, or several."""
    return f"{number:,} {one if number == 1 else many}"


def told(
    severity: Severity, check: str, data: str, issues: Sequence[Issue], words: tuple[str, str, str]
) -> Iterator[Finding]:
    """Yield a finding on images or people, where there are any.

    Args:
        words: What follows the number one, what follows others, and the rest of the sentence.
    """
    if issues:
        one, many, rest = words
        yield Finding(severity, check, data, f"{several(len(issues), one, many)} {rest}", issues)


def file_findings(entries: Sequence[Entry], progress: Progress) -> Iterator[Finding]:
    """Yield the files that are missing or empty; opens none."""
    missing: dict[str, list[Issue]] = {}
    for done, entry in enumerate(entries, 1):
        path = entry.sample.path
        if path is not None and not (os.path.isfile(path) and path.stat().st_size):
            issue = Issue(entry.sample.image_id, f"{path} is missing or empty")
            missing.setdefault(entry.data, []).append(issue)
        if done % 1000 == 0 or done == len(entries):
            progress("files", done, len(entries))
    for data, issues in missing.items():
        words = "file is", "files are", "missing or empty."
        yield from told("fatal", "unreadable", data, issues, words)


def content_findings(entries: Sequence[Entry], progress: Progress) -> Iterator[Finding]:
    """Yield what shows once every image is decoded."""
    contents = {entry.data: _Contents(entry.data) for entry in entries}
    same: dict[bytes, list[Entry]] = {}
    thumbnails: list[Thumbnail] = []
    for done, (entry, facts) in enumerate(_see_all(entries), 1):
        contents[entry.data].add(entry.sample.image_id, facts)
        if isinstance(facts, _Facts):
            if facts.digest not in same:
                thumbnails.append(facts.thumbnail)
            same.setdefault(facts.digest, []).append(entry)
        if done % _BLOCK == 0 or done == len(entries):
            progress("images", done, len(entries))
    for data, seen in contents.items():
        samples = [entry.sample for entry in entries if entry.data == data]
        yield from _reading(seen)
        yield from _size_findings(seen)
        yield from _clean_sizes(seen, samples)
    groups = list(same.values())
    yield from _duplicates([group for group in groups if len(group) > 1])
    yield from _duplicates([groups[i][:1] + groups[j][:1] for i, j in alike(thumbnails)], near=True)


def _see_all(entries: Sequence[Entry]) -> Iterator[tuple[Entry, _Facts | str]]:
    """Yield every entry with its facts, in order.

    Files are decoded in threads, since decoders run outside Python's lock; what else a data set
    may do when it reads is not known to bear that.
    """
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for _, group in groupby(entries, key=lambda entry: entry.data):
            members = list(group)
            blocks = [members[k : k + _BLOCK] for k in range(0, len(members), _BLOCK)]
            in_files = isinstance(members[0].dataset, FileDataset)
            seen = pool.map(_see, blocks) if in_files else map(_see, blocks)
            for block, facts in zip(blocks, seen, strict=True):
                yield from zip(block, facts, strict=True)
    finally:
        pool.shutdown(cancel_futures=True)  # or an interrupt would wait for all of them


def _see(block: Sequence[Entry]) -> list[_Facts | str]:
    """Return the facts of each image of one data set, or why it cannot be read."""
    images = block[0].dataset.each([entry.sample for entry in block])
    return [
        _facts(entry, image) if isinstance(image, FaceImage) else str(image)
        for entry, image in zip(block, images, strict=True)
    ]


def _facts(entry: Entry, image: FaceImage) -> _Facts:
    pixels = np.ascontiguousarray(image.pixels)
    height, width = pixels.shape[:2]
    # The shape goes in as well: the same bytes in other rows are another image.
    digest = hashlib.blake2b(pixels.data, digest_size=16, salt=b"%dx%d" % (height, width))
    off = False
    if image.landmarks is not None:
        low, high = np.nanmin(image.landmarks, axis=0), np.nanmax(image.landmarks, axis=0)
        off = not (np.all(high >= 0) and np.all(low <= (width - 1, height - 1)))
    masks: tuple[str, ...] = ()
    if image.mask is not None:
        masks = tuple(odd_mask(entry.dataset, entry.sample, image.mask, (width, height)))
    return _Facts(digest.digest(), (width, height), masks, off, thumbnail(pixels))


def _reading(seen: _Contents) -> Iterator[Finding]:
    words = "image", "images", "cannot be read."
    yield from told("fatal", "unreadable", seen.data, seen.unreadable, words)
    if seen.masks:
        images = len({issue.where for issue in seen.masks})
        sentence = several(images, "image has an odd mask.", "images have odd masks.")
        yield Finding("warning", "mask", seen.data, sentence, seen.masks)
    words = "image has", "images have", "landmarks that lie beside it."
    yield from told("warning", "landmarks", seen.data, seen.off, words)


def _size_findings(seen: _Contents) -> Iterator[Finding]:
    if not seen.sizes:
        return
    common, n = Counter(seen.sizes.values()).most_common(1)[0]
    sides = sorted(min(size) for size in seen.sizes.values())
    sentence = (
        f"The commonest size is {common[0]} x {common[1]} ({n} of {len(seen.sizes)} images);"
        f" shorter sides run from {sides[0]} to {sides[-1]} pixels."
    )
    yield Finding("note", "size", seen.data, sentence)
    small = _sized(seen, lambda size: min(size) < SMALL_SIDE)
    words = "image is", "images are", f"small: a side has fewer than {SMALL_SIDE} pixels."
    yield from told("warning", "small", seen.data, small, words)
    long = _sized(seen, lambda size: max(size) > LONG_RATIO * min(size))
    rest = f"more than {LONG_RATIO} times as long as wide, or the other way round."
    yield from told("warning", "shape", seen.data, long, ("image is", "images are", rest))


def _sized(seen: _Contents, wanted: Callable[[tuple[int, int]], bool]) -> list[Issue]:
    return [
        Issue(name, f"{size[0]} x {size[1]}") for name, size in seen.sizes.items() if wanted(size)
    ]


def _clean_sizes(seen: _Contents, samples: Sequence[FaceSample]) -> Iterator[Finding]:
    other = []
    for sample in samples:
        size, clean = seen.sizes.get(sample.image_id), seen.sizes.get(sample.clean_id or "")
        if size and clean and size != clean:
            what = f"{size[0]} x {size[1]}, clean counterpart {clean[0]} x {clean[1]}"
            other.append(Issue(sample.image_id, what))
    rest = "in size from the clean counterpart: they do not align."
    words = "image differs", "images differ", rest
    yield from told("warning", "twin-size", seen.data, other, words)


def _duplicates(groups: Sequence[Sequence[Entry]], *, near: bool = False) -> Iterator[Finding]:
    """Yield images that occur under several names; which names decides how bad it is.

    Images that are only *near* to each other are never fatal, and an occluded image may be
    near to its own clean counterpart.
    """
    kinds: dict[tuple[str, Severity, str, str], list[Issue]] = {}
    for group in groups:
        first, names = group[0], {entry.sample.image_id for entry in group}
        if near and names & {entry.sample.clean_id for entry in group}:
            continue
        severity, check, sentence = _rated(group)
        spread = len({entry.data for entry in group}) > 1
        data = " and ".join(sorted({entry.data for entry in group}))
        others = ", ".join(
            f"{entry.data}/{entry.sample.image_id}" if spread else entry.sample.image_id
            for entry in group[1:]
        )
        if near:
            severity, check = "warning", f"near-{check}"
            sentence = f"(in another size or encoding, it seems) {sentence}"
        issue = Issue(first.sample.image_id, f"{'like' if near else 'the same as'} {others}")
        kinds.setdefault((data, severity, check, sentence), []).append(issue)
    for (data, severity, check, sentence), issues in kinds.items():
        yield from told(severity, check, data, issues, ("image", "images", sentence))


def _rated(group: Sequence[Entry]) -> tuple[Severity, str, str]:
    """Return (severity, check, end of the sentence) of one image under several names."""
    splits = {entry.sample.attributes.get("split") for entry in group}
    people = {(entry.data, entry.sample.subject) for entry in group}
    within = Counter(data for data, _ in people)
    if {"train", "test"} <= splits:
        return "fatal", "train-and-test", "for training and for testing at once."
    if max(within.values()) > 1:
        return "fatal", "two-people", "under several people at once."
    if len({entry.data for entry in group}) > 1:
        return "warning", "two-data-sets", "in several data sets at once."
    return "warning", "duplicate", "under several names of one person."

"""Look a data set over before anything is measured or trained on it.

Three looks, from cheap to dear: at the list of images (who, what, which split), at the
images themselves (do they decode, are any the same, do masks and twins fit; see
:mod:`~restore_recog.data_checks.contents`), and at what a protocol would make of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from restore_recog.api import Dataset, EvaluationProtocol
from restore_recog.data_checks.contents import (
    Entry,
    Found,
    Issue,
    Severity,
    content_issues,
    file_issues,
    several,
)
from restore_recog.errors import RestoreRecogError
from restore_recog.types import FaceSample

__all__ = ["Count", "Finding", "Findings", "Issue", "validate"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a look has shown.

    Attributes:
        severity: ``fatal`` (what is measured on it would be wrong), ``warning`` (look before
            you measure) or ``note``.
        check: Which check found it, one word or two with a hyphen.
        data: The data set's name, or ``protocol`` and the protocol's.
        sentence: What was found.
        issues: Every image or person that it concerns.
    """

    severity: Severity
    check: str
    data: str
    sentence: str
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """What a data set holds.

    Attributes:
        conditions, splits: Images by condition and by split; images without a split
            stand under ``""``.
    """

    data: str
    images: int
    people: int
    conditions: Mapping[str, int]
    splits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of :func:`validate`; the findings are sorted by severity."""

    counts: tuple[Count, ...]
    findings: tuple[Finding, ...]

    def number(self, severity: Severity) -> int:
        """Return how many findings there are of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def rows(self) -> Iterator[dict[str, str]]:
        """Yield every issue as a row of a table; a finding without issues has one row, too."""
        for found in self.findings:
            for issue in found.issues or (Issue("", ""),):
                yield {
                    "severity": found.severity,
                    "check": found.check,
                    "data": found.data,
                    "finding": found.sentence,
                    "where": issue.where,
                    "detail": issue.detail,
                }


def validate(
    datasets: Sequence[Dataset],
    *,
    protocol: EvaluationProtocol | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> Findings:
    """Look data sets over.

    Args:
        datasets: One or more; the same images in two of them are found, too.
        protocol: Whose plan is tried on them; None tries none.
        quick: Whether images are taken as they are: not decoded, not compared. Missing and
            empty files are found all the same.
        progress: Called with (stage, done, total).
    """
    counts: list[Count] = []
    findings: list[Finding] = []
    entries: list[Entry] = []
    usable: list[Dataset] = []
    for dataset, name in zip(datasets, _names(datasets), strict=True):
        try:
            samples = dataset.samples()
        except RestoreRecogError as error:
            findings.append(Finding("fatal", "nothing-there", name, str(error)))
            continue
        usable.append(dataset)
        counts.append(_count(name, samples))
        findings += [Finding("note", "data-set", name, note) for note in dataset.notes]
        findings += (_finding(name, found) for found in _list_findings(dataset, samples))
        entries += (Entry(dataset, name, sample) for sample in samples)
    look = file_issues if quick else content_issues
    for name, found in look(entries, progress or (lambda stage, done, total: None)):
        findings.append(_finding(name, found))
    if protocol is not None and usable:
        findings += _plan_findings(usable, protocol)
    order: tuple[Severity, ...] = ("fatal", "warning", "note")
    findings.sort(key=lambda finding: order.index(finding.severity))
    return Findings(tuple(counts), tuple(findings))


def _finding(name: str, found: Found) -> Finding:
    severity, check, sentence, issues = found
    return Finding(severity, check, name, sentence, tuple(issues))


def _names(datasets: Sequence[Dataset]) -> list[str]:
    """Return the data sets' names, numbered where one is there several times."""
    seen: Counter[str] = Counter()
    names = []
    for dataset in datasets:
        seen[dataset.name] += 1
        names.append(dataset.name + (f"-{seen[dataset.name]}" if seen[dataset.name] > 1 else ""))
    return names


def _count(name: str, samples: Sequence[FaceSample]) -> Count:
    return Count(
        name,
        len(samples),
        len({sample.subject for sample in samples}),
        dict(sorted(Counter(sample.condition for sample in samples).items())),
        dict(sorted(Counter(sample.attributes.get("split", "") for sample in samples).items())),
    )


def _list_findings(dataset: Dataset, samples: Sequence[FaceSample]) -> Iterator[Found]:
    """Yield what the list of images alone shows."""
    names = Counter(sample.image_id for sample in samples)
    if twice := [Issue(name, f"{n} images") for name, n in names.items() if n > 1]:
        sentence = several(len(twice), "name is", "names are") + " given to several images."
        yield "fatal", "name-twice", sentence, twice
    yield from _split_findings(samples)
    yield from _mate_findings(samples)
    yield from _twin_findings(samples)
    if dataset.pair_list is not None:
        with dataset.pair_list.open(encoding="utf-8", errors="replace") as text:
            lines = sum(bool(line.strip()) for line in text)
        sentence = (
            f"{dataset.pair_list.name} has {lines} lines; --protocol tells how many of its pairs"
            " have both images."
        )
        yield "note", "pair-list", sentence, ()


def _split_findings(samples: Sequence[FaceSample]) -> Iterator[Found]:
    splits: dict[str, Counter[str]] = {}
    for sample in samples:
        if split := sample.attributes.get("split"):
            splits.setdefault(sample.subject, Counter())[split] += 1
    both = [
        Issue(subject, ", ".join(f"{n} {split}" for split, n in sorted(found.items())))
        for subject, found in splits.items()
        if len(found) > 1
    ]
    if both:
        people = several(len(both), "person has", "people have")
        sentence = f"{people} images in two splits: a test on them is no test."
        yield "fatal", "two-splits", sentence, both


def _mate_findings(samples: Sequence[FaceSample]) -> Iterator[Found]:
    """Yield who can only be a probe, only be enrolled, or neither."""
    kinds: dict[str, Counter[bool]] = {}
    for sample in samples:
        if sample.attributes.get("twin") != "yes":
            kinds.setdefault(sample.subject, Counter())[sample.condition == "clean"] += 1
    if {clean for found in kinds.values() for clean in found} == {True, False}:
        for clean, have, lack in ((False, "occluded", "clean"), (True, "clean", "occluded")):
            lone = [
                Issue(subject, f"{found[clean]} {have}")
                for subject, found in kinds.items()
                if set(found) == {clean}
            ]
            if lone:
                people = several(len(lone), "person has", "people have")
                sentence = f"{people} {have} images but no {lack} one."
                yield "warning", f"no-{lack}-mate", sentence, lone
    single = [Issue(subject, "1 image") for subject, n in kinds.items() if n.total() == 1]
    if single:
        people = several(len(single), "person has", "people have")
        sentence = f"{people} one image only: nothing to compare it with."
        yield "note", "one-image", sentence, single


def _twin_findings(samples: Sequence[FaceSample]) -> Iterator[Found]:
    """Yield what is wrong with the unoccluded twins that the images name."""
    known = {sample.image_id: sample for sample in samples}
    lost, strange, covered, none = [], [], [], []
    for sample in samples:
        if sample.clean_id is None:
            if sample.condition != "clean":
                none.append(Issue(sample.image_id, "no twin"))
            continue
        twin = known.get(sample.clean_id)
        if twin is None:
            lost.append(Issue(sample.image_id, f"twin {sample.clean_id} is not there"))
        elif twin.subject != sample.subject:
            strange.append(Issue(sample.image_id, f"{sample.subject}; twin {twin.subject}"))
        elif twin.condition != "clean":
            covered.append(Issue(sample.image_id, f"twin {twin.image_id} is {twin.condition}"))
    if strange:
        sentence = several(len(strange), "twin shows", "twins show") + " another person."
        yield "fatal", "twin-person", sentence, strange
    if lost:
        sentence = several(len(lost), "image's", "images'") + " unoccluded twin is not there."
        yield "warning", "twin-missing", sentence, lost
    if covered:
        sentence = several(len(covered), "twin is", "twins are") + " occluded, too."
        yield "warning", "twin-occluded", sentence, covered
    if none:
        sentence = (
            several(len(none), "occluded image has", "occluded images have")
            + " no unoccluded twin: recognition can be measured on them, not how true a"
            " restoration is."
        )
        yield "note", "no-twin", sentence, none


def _plan_findings(datasets: Sequence[Dataset], protocol: EvaluationProtocol) -> Iterable[Finding]:
    """Return whether the protocol can use the data, and what it says about it."""
    from restore_recog.evaluation.run.faces import (
        Source,  # loads PyTorch, which no other check needs
    )

    lists = [dataset.pair_list for dataset in datasets if dataset.pair_list is not None]
    if protocol.pair_list is None and lists:
        protocol.pair_list = lists[0]
    name = f"protocol {protocol.name}"
    try:
        plan = protocol.plan(list(Source(datasets).samples.values()))
    except RestoreRecogError as error:
        return [Finding("fatal", "protocol", name, str(error))]
    genuine = sum(pair.genuine for pair in plan.pairs)
    sentence = (
        f"The protocol makes a plan: {len(plan.references):,} references, {len(plan.probes):,}"
        f" probes, {len(plan.pairs):,} pairs, {genuine:,} of them genuine."
    )
    found = [Finding("note", "protocol", name, sentence)]
    found += [Finding("note", "protocol", name, note) for note in plan.notes]
    if plan.missing_pairs:
        issues = tuple(
            Issue(f"fold {fold}" if fold else "", reason) for fold, reason in plan.missing_pairs
        )
        pairs = several(len(issues), "pair", "pairs")
        sentence = f"{pairs} of the list without images here: they count as missing."
        found.append(Finding("warning", "missing-pairs", name, sentence, issues))
    return found

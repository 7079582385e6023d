"""Check a data set for problems before anything is measured or trained on it.

Three checks, cheapest first: of the list of images (who, what, which split), of the images
themselves (do they decode, are any the same, do masks and clean counterparts fit; see
:mod:`~restore_recog.data_checks.contents`), and of what a protocol would make of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from restore_recog.api import Dataset, EvaluationProtocol
from restore_recog.data_checks.contents import (
    Entry,
    Finding,
    Issue,
    Severity,
    content_findings,
    file_findings,
    told,
)
from restore_recog.data_checks.names import name_findings
from restore_recog.errors import RestoreRecogError
from restore_recog.names import numbered
from restore_recog.types import FaceSample

__all__ = ["Count", "Finding", "CheckResults", "Issue", "validate"]

Progress = Callable[[str, int, int], None]


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
class CheckResults:
    """The results of :func:`validate`; the findings are sorted by severity."""

    counts: tuple[Count, ...]
    findings: tuple[Finding, ...]

    def number(self, severity: Severity) -> int:
        """Return how many findings there are of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a head and one row per issue; a finding without issues has one row, too."""
        yield "severity", "check", "data", "finding", "where", "detail"
        for f in self.findings:
            for issue in f.issues or (Issue("", ""),):
                yield f.severity, f.check, f.data, f.sentence, issue.where, issue.detail


def validate(
    datasets: Sequence[Dataset],
    *,
    protocol: EvaluationProtocol | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> CheckResults:
    """Check data sets for problems.

    Args:
        datasets: One or more; images that two of them share are reported, too.
        protocol: Whose plan is tried on them; None tries none.
        quick: Whether images are neither decoded nor compared. Missing and empty files are
            reported all the same.
        progress: Called with (stage, done, total).
    """
    counts: list[Count] = []
    findings: list[Finding] = []
    entries: list[Entry] = []
    usable: list[Dataset] = []
    names = numbered(dataset.name for dataset in datasets)
    for dataset, name in zip(datasets, names, strict=True):
        try:
            samples = dataset.samples()
        except RestoreRecogError as error:
            findings.append(Finding("fatal", "nothing-there", name, str(error)))
            continue
        usable.append(dataset)
        counts.append(_count(name, samples))
        findings += [Finding("note", "data-set", name, note) for note in dataset.notes]
        findings += _list_findings(name, dataset, samples)
        entries += (Entry(dataset, name, sample) for sample in samples)
    findings += name_findings(entries)
    check = file_findings if quick else content_findings
    findings += check(entries, progress or (lambda stage, done, total: None))
    if protocol is not None and usable:
        findings += _plan_findings(usable, protocol)
    order: tuple[Severity, ...] = ("fatal", "warning", "note")
    findings.sort(key=lambda finding: order.index(finding.severity))
    return CheckResults(tuple(counts), tuple(findings))


def _count(name: str, samples: Sequence[FaceSample]) -> Count:
    return Count(
        name,
        len(samples),
        len({sample.subject for sample in samples}),
        dict(sorted(Counter(sample.condition for sample in samples).items())),
        dict(sorted(Counter(sample.attributes.get("split", "") for sample in samples).items())),
    )


def _list_findings(data: str, dataset: Dataset, samples: Sequence[FaceSample]) -> Iterator[Finding]:
    """Yield what the list of images alone shows; *data* is the data set's name here."""
    names = Counter(sample.image_id for sample in samples)
    twice = [Issue(name, f"{n} images") for name, n in names.items() if n > 1]
    words = "name is", "names are", "given to several images."
    yield from told("fatal", "name-twice", data, twice, words)
    yield from _split_findings(data, samples)
    yield from _mate_findings(data, samples)
    yield from _clean_findings(data, samples)
    if dataset.pair_list is not None:
        with dataset.pair_list.open("rb") as content:
            count = sum(bool(line.strip()) for line in content)
        sentence = (
            f"{dataset.pair_list.name} has {count} lines; --protocol tells how many of its pairs"
            " have both images."
        )
        yield Finding("note", "pair-list", data, sentence)


def _split_findings(data: str, samples: Sequence[FaceSample]) -> Iterator[Finding]:
    splits: dict[str, Counter[str]] = {}
    for sample in samples:
        if split := sample.attributes.get("split"):
            splits.setdefault(sample.subject, Counter())[split] += 1
    both = [
        Issue(subject, ", ".join(f"{n} {split}" for split, n in sorted(counts.items())))
        for subject, counts in splits.items()
        if len(counts) > 1
    ]
    words = "person has", "people have", "images in two splits: a test on them proves nothing."
    yield from told("fatal", "two-splits", data, both, words)


def _mate_findings(data: str, samples: Sequence[FaceSample]) -> Iterator[Finding]:
    """Yield who can only be a probe, only be enrolled, or neither."""
    kinds: dict[str, Counter[bool]] = {}
    for sample in samples:
        if sample.attributes.get("twin") != "yes":
            kinds.setdefault(sample.subject, Counter())[sample.condition == "clean"] += 1
    if {clean for counts in kinds.values() for clean in counts} == {True, False}:
        for clean, have, lack in ((False, "occluded", "clean"), (True, "clean", "occluded")):
            lone = [
                Issue(subject, f"{counts[clean]} {have}")
                for subject, counts in kinds.items()
                if set(counts) == {clean}
            ]
            words = "person has", "people have", f"{have} images but no {lack} one."
            yield from told("warning", f"no-{lack}-mate", data, lone, words)
    single = [Issue(subject, "1 image") for subject, n in kinds.items() if n.total() == 1]
    words = "person has", "people have", "one image only: nothing to compare it with."
    yield from told("note", "one-image", data, single, words)


def _clean_findings(data: str, samples: Sequence[FaceSample]) -> Iterator[Finding]:
    """Yield what is wrong with the clean counterparts that the images name."""
    known = {sample.image_id: sample for sample in samples}
    lost, strange, covered, none = [], [], [], []
    for sample in samples:
        if sample.clean_id is None:
            if sample.condition != "clean":
                none.append(Issue(sample.image_id, "no clean counterpart"))
            continue
        clean = known.get(sample.clean_id)
        if clean is None:
            lost.append(Issue(sample.image_id, f"{sample.clean_id} is missing"))
        elif clean.subject != sample.subject:
            strange.append(Issue(sample.image_id, f"{sample.subject}; {clean.subject}"))
        elif clean.condition != "clean":
            covered.append(Issue(sample.image_id, f"{clean.image_id} is {clean.condition}"))
    words = "clean counterpart shows", "clean counterparts show", "another person."
    yield from told("fatal", "twin-person", data, strange, words)
    words = "image's clean counterpart is", "images' clean counterparts are", "missing."
    yield from told("warning", "twin-missing", data, lost, words)
    words = "clean counterpart is", "clean counterparts are", "occluded, too."
    yield from told("warning", "twin-occluded", data, covered, words)
    rest = (
        "no clean counterpart: recognition can be measured on them, not how true a restoration is."
    )
    words = "occluded image has", "occluded images have", rest
    yield from told("note", "no-twin", data, none, words)


def _plan_findings(datasets: Sequence[Dataset], protocol: EvaluationProtocol) -> Iterable[Finding]:
    """Return whether the protocol can use the data, and what it says about it."""
    # Here: it loads PyTorch, which no other check needs.
    from restore_recog.evaluation.run.faces import Source

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
    findings = [Finding("note", "protocol", name, sentence)]
    findings += [Finding("note", "protocol", name, note) for note in plan.notes]
    issues = tuple(
        Issue(f"fold {fold}" if fold else "", reason) for fold, reason in plan.missing_pairs
    )
    words = "pair", "pairs", "of the list without images here: they count as missing."
    return findings + [*told("warning", "missing-pairs", name, issues, words)]

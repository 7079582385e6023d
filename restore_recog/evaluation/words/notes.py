"""Labels, notes, warnings and set-up of a run."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Plan
from restore_recog.evaluation.arms import Fill, Occluded
from restore_recog.evaluation.figures.pairs import LEVEL, RESAMPLES
from restore_recog.evaluation.run import coverings_drawn
from restore_recog.evaluation.run.faces import FoundProbe
from restore_recog.evaluation.scores.cosine_table import without
from restore_recog.evaluation.words import teaching
from restore_recog.evaluation.words.ways import feeding, normalised, pooled
from restore_recog.photographs import own_crop
from restore_recog.segmenters.names import title
from restore_recog.system import provenance
from restore_recog.types import Templates

if TYPE_CHECKING:
    from restore_recog.evaluation.figures.findings import Findings
    from restore_recog.evaluation.request import EvalRequest
    from restore_recog.evaluation.run.session import Session

GUESS = "a restoration is a guess, not evidence"

REASONS = 20
"""Most reasons for missing pairs on record, the commonest first."""


def labels(session: Session) -> tuple[str, ...]:
    """Return what a reader must know before any number."""
    sentences = []
    if session.source.rendered:
        sentences.append("phantom faces: shows that the machinery works, not what holds for people")
    if session.plan.synthetic:
        sentences.append("synthetic coverings")
    if session.plan.missing_pairs:
        compared, missing = len(session.plan.pairs), len(session.plan.missing_pairs)
        sentences.append(f"{missing:,} pairs on the list are missing, {compared:,} are compared")
    return (*sentences, GUESS)


def notes(session: Session, findings: Findings) -> tuple[str, ...]:
    """Return sentences on choices that affect the numbers; warnings first."""
    sentences = [*missing_pairs(session.plan), *collapse(findings)]
    sentences += dict.fromkeys(note for r in session.restorers.values() for note in r.notes)
    sentences += strangers(findings) + session.quality_models.notes()
    if not session.asks_quality:
        sentences += calibration(findings)
    if session.source.left_out:
        sentences.append(f"{session.source.left_out} images of the training split are left out.")
    lost = len(session.plan.probes) - len(session.found_probes)
    if lost:
        sentences.append(f"{lost} probes have no usable face; they count as misses in every arm.")
    sentences += [*feeding(session), *pooled(session), *normalised(session)]
    if any(isinstance(spec.arm, Fill) for spec in session.specs):
        sentences.append(
            f"The arm 'fill' puts the mean of the {len(session.gallery)} gallery faces into the "
            f"{session.fill_mask} mask."
        )
    if session.plan.synthetic:
        sentences.append(
            "Faces were detected and aligned before they were covered, so face detection under a "
            "covering is not measured."
        )
    same = duplicates(session.gallery, session.found_probes)
    if same and session.plan.identification:
        sentences.append(
            f"Warning: {same} probes show the very pixels of a gallery image, "
            "which makes rank-1 too high."
        )
    sizes = {tuple(restorer.image_size) for restorer in session.restorers.values()}
    if sizes - {(session.size, session.size)}:
        sentences.append(
            f"Crops are {session.size} x {session.size}; restorers of other sizes were given "
            "resized crops and their results resized back."
        )
    return tuple(sentences)


def duplicates(gallery: Mapping[str, str], probes: Mapping[str, FoundProbe]) -> int:
    """Return how many probes, or their clean counterparts, are a gallery image pixel by pixel."""
    known = set(gallery.values())
    return sum(probe.digest in known or probe.clean_digest in known for probe in probes.values())


def basis(session: Session) -> dict[str, Any]:
    """Return what every record of a run says of its set-up, as plain JSON values."""
    request = session.request
    return {
        "command": request.command,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": provenance.commit(),
        "versions": provenance.versions(),
        "device": request.device,
        "data_sha256": session.source.fingerprint(),
        **request.describe(),
        "coverings": request.covered() if session.plan.synthetic else None,
        "crop_size": session.size,
    }


def setup(session: Session, findings: Findings) -> dict[str, Any]:
    """Return what is needed to repeat the run, as plain JSON values."""
    plan, recognizer = session.plan, session.request.recognizer
    digest = hashlib.sha256()
    for one in [
        *session.gallery.values(),
        *(probe.digest for probe in session.found_probes.values()),
    ]:
        digest.update(one.encode())
    return {
        **basis(session),
        "faces_sha256": digest.hexdigest(),
        "taught": teaching.pupils(recognizer, session.restorers),
        "recognizer_fed_from": "crop" if own_crop(recognizer.template) else "photograph",
        "images": _images(session, findings),
        "pairs": _pairs(plan),
        "identification": plan.identification,
        "coverings_drawn": coverings_drawn.statistics(
            probe.drawn for probe in session.found_probes.values() if probe.drawn is not None
        ),
        "score_norm_cohort": _cohort(session),
        "asks": plan.label or ("quality" if session.asks_quality else "recognition"),
        **session.quality_models.told_by(),
        "judges": session.quality_models.facts(),
        "calibration": None if findings.calibration is None else findings.calibration.facts(),
        "bootstrap": {"unit": "subject", "resamples": RESAMPLES, "level": LEVEL},
        "detectors": {
            name: None if segmenter is None else segmenter.name
            for name, segmenter in session.segmenters.items()
        },
        **_each_segmenter(session.request),
        "fill_mask": session.fill_mask,
        "peak_memory_mib": provenance.peak_memory(),
    }


def _each_segmenter(request: EvalRequest) -> dict[str, Any]:
    """Return restorer -> its name by itself and its segmenter, where there are several."""
    if len(request.choices()) == 1:
        return {}
    each = {n: [one.alone, title(one.choice)] for n, one in request.restorings().items()}
    return {"each_segmenter": each}


def _images(session: Session, findings: Findings) -> dict[str, int]:
    plan, source = session.plan, session.source
    return {
        "in_data": len(source.samples),
        "training_left_out": source.left_out,
        "references": len(plan.references),
        "references_failed": sum(i not in session.gallery for i in plan.references),
        "probes": len(plan.probes),
        "probes_failed": len(plan.probes) - len(session.found_probes),
        "left_for_training": len(plan.training),
        "probes_without_reference": int((~findings.mated).sum()) if plan.identification else 0,
    }


def _cohort(session: Session) -> dict[str, Any] | None:
    if session.cohort is None:
        return None
    lost = {failure.image_id for failure in session.ledger.failures} & {*session.cohort.samples}
    return {
        "people": len(session.cohort.samples),
        "failed": len(lost),
        "sha256": session.cohort.fingerprint(),
    }


def _pairs(plan: Plan) -> dict[str, Any]:
    missing = plan.missing_pairs
    return {
        "compared": len(plan.pairs),
        "missing": len(missing),
        "missing_by_fold": {
            str(fold): n for fold, n in sorted(Counter(fold for fold, _ in missing).items())
        },
        "missing_by_reason": dict(Counter(reason for _, reason in missing).most_common(REASONS)),
    }


def missing_pairs(plan: Plan) -> list[str]:
    """Return how many pairs on the list the data has no images for, and why."""
    missing = len(plan.missing_pairs)
    if not missing:
        return []
    (reason, count), *_ = Counter(reason for _, reason in plan.missing_pairs).most_common()
    return [
        f"Warning: {missing:,} pairs on the list are missing because the data lacks images; the "
        f"figures are of the {len(plan.pairs):,} that are compared and must not be compared with "
        f"figures of the whole list. Commonest reason ({count:,}): {reason}"
    ]


def collapse(findings: Findings) -> list[str]:
    """Return a warning for every arm in which different people look exactly alike.

    A recogniser that has collapsed, or a restorer that makes everybody look the same, gives one
    template to many people; their scores tie, and ties count as errors.
    """
    warnings = []
    for name, arm in findings.measured.items():
        same, constant = shared_templates(arm.probes, findings.design.people)
        if constant:
            warnings.append(
                f"Warning: in the arm '{name}' all probes have one and the same template; the "
                "recogniser or the restorer has collapsed, and nothing in this arm means anything."
            )
        elif same:
            warnings.append(
                f"Warning: in the arm '{name}' {same} probes have exactly the template of "
                "another person's probe."
            )
        tied = arm.scores.ranks.n_tied if arm.scores.search is not None else 0
        if tied:
            warnings.append(
                f"Warning: in the arm '{name}' {tied} probes score the same with their own and "
                "with another subject; such ties count as errors."
            )
    return warnings


def shared_templates(probes: Templates, people: NDArray[np.intp]) -> tuple[int, bool]:
    """Return how many probes share a template with another person, and whether all have one.

    Templates that agree to float32 are the same; probes without one are left out.
    """
    known = ~without(probes)
    owners: dict[bytes, set[int]] = {}
    keys = [row.astype(np.float32).tobytes() for row in probes[known]]
    for key, person in zip(keys, people[known].tolist(), strict=True):
        owners.setdefault(key, set()).add(person)
    shared = sum(len(owners[key]) > 1 for key in keys)
    return shared, len(owners) == 1 and shared == len(keys) > 1


def strangers(findings: Findings) -> list[str]:
    """Return how many probes are of people outside the gallery."""
    if findings.measured[Occluded.name].scores.search is None:
        return []
    n = int((~findings.mated).sum())
    if not n:
        return []
    return [
        f"{n} of the {findings.mated.size} probes are of people without a reference: they count in "
        "open-set searches and impostor comparisons; ranks are of the others only."
    ]


def calibration(findings: Findings) -> list[str]:
    """Return what the fixed thresholds are based on."""
    fixed = findings.calibration
    if fixed is None:
        return ["No thresholds are fixed: there is no impostor comparison of bare faces."]
    weak = [f"{100 * target:g} %" for target, n in fixed.budgets.items() if n == 0]
    note = f"Thresholds are fixed on: {fixed.on}, {fixed.n_impostor:,} impostor comparisons."
    if weak:
        note += f" These are too few for an FMR of {' and '.join(weak)}."
    return [note]

"""Labels, notes and warnings of a run, and what it rests on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from restore_recog import provenance
from restore_recog.api import Plan
from restore_recog.evaluation import alarms, coverings_drawn, segmenter_names
from restore_recog.evaluation.faces import FoundProbe
from restore_recog.evaluation.pairs import LEVEL, RESAMPLES

if TYPE_CHECKING:
    from restore_recog.evaluation.findings import Findings
    from restore_recog.evaluation.request import EvalRequest
    from restore_recog.evaluation.session import Session

GUESS = "a restoration is a guess, not evidence"

REASONS = 20
"""At most so many reasons why pairs are missing go on record, the commonest."""


def where(session: Session) -> str:
    """Return what the probes were, to be set behind the recogniser's name in a sentence."""
    if session.source.rendered:
        return " on rendered phantom faces"
    return " on synthetic coverings" if session.plan.synthetic else ""


def labels(session: Session) -> tuple[str, ...]:
    """Return what a reader must know before any number."""
    found = []
    if session.source.rendered:
        found.append("phantom faces: shows that the machinery works, not what holds for people")
    if session.plan.synthetic:
        found.append("synthetic coverings")
    if session.plan.missing_pairs:
        compared, missing = len(session.plan.pairs), len(session.plan.missing_pairs)
        found.append(f"{missing:,} pairs on the list are missing, {compared:,} are compared")
    return (*found, GUESS)


def notes(session: Session, findings: Findings) -> tuple[str, ...]:
    """Return what was chosen on the way and bears on the numbers; warnings first."""
    found = [*alarms.missing_pairs(session.plan), *alarms.collapse(findings)]
    found += alarms.strangers(findings) + session.judges.notes()
    if not session.asks_quality:
        found += alarms.calibration(findings)
    if session.source.left_out:
        found.append(f"{session.source.left_out} pictures of the training split are left out.")
    lost = len(session.plan.probes) - len(session.found)
    if lost:
        found.append(f"{lost} probes have no usable face; they count as misses in every arm.")
    if any(spec.arm == "fill" for spec in session.specs):
        found.append(
            f"The arm 'fill' puts the mean of the {len(session.gallery)} gallery faces into the "
            f"{session.fill_map} map."
        )
    if session.plan.synthetic:
        found.append(
            "Faces were found and aligned before they were covered, so face detection under a "
            "covering is not part of this measurement."
        )
    same = duplicates(session.gallery, session.found)
    if same and session.plan.identification:
        found.append(
            f"Warning: {same} probes show the very pixels of a gallery picture; "
            "rank-1 is too good by them."
        )
    sizes = {tuple(restorer.image_size) for restorer in session.restorers.values()}
    if sizes - {(session.size, session.size)}:
        found.append(
            f"Crops are {session.size} x {session.size}; restorers of other sizes were given "
            "resized crops and their results resized back."
        )
    return tuple(found)


def duplicates(gallery: Mapping[str, str], found: Mapping[str, FoundProbe]) -> int:
    """Return how many probes (or their clean twins) are a gallery picture, pixel by pixel."""
    known = set(gallery.values())
    return sum(probe.digest in known or probe.clean_digest in known for probe in found.values())


def setup(session: Session, findings: Findings) -> dict[str, Any]:
    """Return what is needed to repeat the run, as plain JSON values."""
    request, plan, source = session.request, session.plan, session.source
    digest = hashlib.sha256()
    for one in [*session.gallery.values(), *(probe.digest for probe in session.found.values())]:
        digest.update(one.encode())
    return {
        "command": request.command,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": provenance.commit(),
        "versions": provenance.versions(),
        "device": request.device,
        "data": [
            {"name": d.name, "location": d.location, "rendered": d.rendered}
            for d in request.datasets
        ],
        "data_sha256": source.fingerprint(),
        "faces_sha256": digest.hexdigest(),
        "pictures": _pictures(session, findings),
        "pairs": _pairs(plan),
        **_choices(request, plan),
        "coverings_drawn": coverings_drawn.statistics(
            probe.drawn for probe in session.found.values() if probe.drawn is not None
        ),
        "asks": "quality" if session.asks_quality else "recognition",
        "judges": session.judges.facts(),
        "calibration": None if findings.calibration is None else findings.calibration.facts(),
        "bootstrap": {"unit": "subject", "resamples": RESAMPLES, "level": LEVEL},
        "recognizer": provenance.model(request.recognizer),
        "restorers": {name: provenance.model(r) for name, r in session.restorers.items()},
        "segmenter": segmenter_names.described(request.segmenter),
        "detectors": {
            name: None if detector is None else detector.name
            for name, detector in session.detectors.items()
        },
        "crop_size": session.size,
        "crop_template": None if request.template is None else request.template.tolist(),
        "fill_map": session.fill_map,
        "peak_memory_mib": provenance.peak_memory(),
    }


def _choices(request: EvalRequest, plan: Plan) -> dict[str, Any]:
    """Return what was asked for."""
    covered = request.covered() if plan.synthetic else None
    return {
        "seed": request.seed,
        "limit": request.limit,
        "batch_size": request.batch_size,
        "protocol": {
            "name": request.protocol.name,
            "version": request.protocol.version,
            "argument": request.protocol.argument,
        },
        "identification": plan.identification,
        "enrolment": request.enrolment,
        "restorer_failure": request.restorer_failure,
        "faces_policy": request.faces_policy,
        "arms": request.arms,
        "cohorts": request.cohorts,
        "min_subjects": request.min_subjects,
        "coverings": covered,
    }


def _pictures(session: Session, findings: Findings) -> dict[str, int]:
    plan, source = session.plan, session.source
    return {
        "in_data": len(source.samples),
        "training_left_out": source.left_out,
        "references": len(plan.references),
        "references_failed": sum(i not in session.gallery for i in plan.references),
        "probes": len(plan.probes),
        "probes_failed": len(plan.probes) - len(session.found),
        "left_for_training": len(plan.training),
        "probes_without_reference": int((~findings.mated).sum()) if plan.identification else 0,
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

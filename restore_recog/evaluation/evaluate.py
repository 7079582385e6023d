"""Answer the question: does restoring the face first help this recogniser?

One evaluation runs a set of arms on the same probes, references and recogniser:
:mod:`~restore_recog.evaluation.run.session` makes the faces and runs the arms,
:mod:`~restore_recog.evaluation.figures.findings` turns templates into figures and
:mod:`~restore_recog.evaluation.words` into sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from restore_recog.api import Recognizer
from restore_recog.errors import DataError
from restore_recog.evaluation import plan_files
from restore_recog.evaluation.arms import check_arms
from restore_recog.evaluation.figures import chance, group_labels, sights
from restore_recog.evaluation.figures.findings import Findings
from restore_recog.evaluation.figures.harm import harms
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import EvaluationReport, ProbeRow
from restore_recog.evaluation.run.ledger import Ledger, Progress
from restore_recog.evaluation.run.probes import ArmRun
from restore_recog.evaluation.run.session import Session, run_together
from restore_recog.evaluation.scores.plan_checks import check_labels
from restore_recog.evaluation.words import notes, teaching
from restore_recog.evaluation.words.examples import examples
from restore_recog.evaluation.words.judging import Case, judge
from restore_recog.metrics.verification import DetCurve
from restore_recog.system.atomic import check_output

__all__ = ["EvalRequest", "Progress", "evaluate", "evaluate_each"]


def evaluate(request: EvalRequest, progress: Progress | None = None) -> EvaluationReport:
    """Run an evaluation.

    Args:
        request: What to evaluate.
        progress: Called with (stage, done, total) as the work goes on.

    Raises:
        OutputError: The results folder exists.
        DataError: The data does not support the protocol, a label to break the figures
            down by does not exist, or no face was found at all.
        PluginError: An unknown arm or segmenter, or a plug-in that breaks its contract.
    """
    return evaluate_each(request, [request.recognizer], progress)[0]


def evaluate_each(
    request: EvalRequest, recognizers: Sequence[Recognizer], progress: Progress | None = None
) -> list[EvaluationReport]:
    """Run an evaluation for each of several recognisers; every image is made once.

    Args:
        request: What to evaluate; its own recogniser is not used.
        recognizers: One or more.
        progress: Called with (stage, done, total) as the work goes on.

    Returns:
        A report for each, the same as :func:`evaluate` gives of it alone but for the verdicts,
        whose tests are corrected together.

    Raises:
        OutputError, DataError, PluginError: As :func:`evaluate`.
    """
    if request.output is not None:
        check_output(request.output)
    check_request(request)
    sessions: list[Session] = []
    for recognizer in recognizers:
        lead = sessions[0] if sessions else None
        wanted = replace(request, recognizer=recognizer)
        sessions.append(Session(wanted, Ledger(progress), lead))
    plan = sessions[0].plan
    if len(sessions) > 1 and sessions[0].asks_quality:
        raise DataError(
            "The protocol asks about images, on which no recogniser has a say; name one only."
        )
    samples = [sessions[0].source.samples[image_id] for image_id in plan.probes]
    group_labels.check(request.cohorts, samples)
    check_labels(plan.label, samples)
    runs = run_together(sessions)
    reports = [_report(session, mine) for session, mine in zip(sessions, runs, strict=True)]
    judgement = judge([Case.of(report) for report in reports])
    return [
        replace(report, verdicts=verdicts, family=judgement.family)
        for report, verdicts in zip(reports, judgement.verdicts, strict=True)
    ]


def _report(session: Session, runs: Mapping[str, ArmRun]) -> EvaluationReport:
    """Return the report of one recogniser, its verdicts not yet given."""
    request, ledger = session.request, session.ledger
    samples = [session.source.samples[image_id] for image_id in session.plan.probes]
    findings = Findings.of(session, runs)
    arms = chance.marked([findings.arm(name, runs[name]) for name in findings.measured])
    coverings = {image_id: probe.covering for image_id, probe in session.found_probes.items()}
    labels = group_labels.labels(samples, coverings, request.cohorts)
    cohorts, spreads = findings.by_group(labels, request.min_subjects)
    asks = not session.asks_quality
    taught = teaching.labels(request.recognizer, session.restorers) if asks else ()
    return EvaluationReport(
        verdicts=(),
        labels=(*chance.label(arms), *notes.labels(session), *taught),
        notes=(*session.plan.notes, *session.notes, *notes.notes(session, findings)),
        arms=arms,
        setup=notes.setup(session, findings),
        timing=ledger.timing(),
        trials=session.plan.pairs,
        scores={name: arm.scores.trials for name, arm in findings.measured.items()},
        probes=tuple(row for name in runs for row in _rows(session, runs[name], findings, name)),
        failures=tuple(ledger.failures),
        examples=examples(session, findings),
        cohorts=cohorts,
        spreads=spreads,
        protocol=plan_files.render(session.plan, session.source.samples),
        curves=_curves(findings),
        harms=harms(session, findings, labels),
        sights=tuple(sights.rows(findings.measured, session.plan.probes, request.seed)),
    )


def check_request(request: EvalRequest) -> None:
    """Refuse what no run can do, before any work is done.

    Raises:
        DataError, PluginError: It has a value out of range, or names an arm that is unknown.
    """
    check_arms(request.arms or ())
    for declared in fields(request):
        value, facts = getattr(request, declared.name), declared.metadata
        what = declared.name.replace("_", " ")
        if "least" in facts and value is not None and value < facts["least"]:
            raise DataError(f"The {what} must be {facts['least']} or more, not {value}.")
        if "choices" in facts and value not in (declared.default, *facts["choices"]):
            raise DataError(f"The {what} is {' or '.join(facts['choices'])}, not '{value}'.")


def _curves(findings: Findings) -> dict[str, DetCurve]:
    searches = {name: arm.scores.search for name, arm in findings.measured.items()}
    curves = {name: s.curve() for name, s in searches.items() if s is not None}
    return {name: curve for name, curve in curves.items() if curve is not None}


def _rows(session: Session, run: ArmRun, findings: Findings, name: str) -> Sequence[ProbeRow]:
    measured = findings.measured[name]
    ranks, best = measured.scores.rank(), measured.scores.best_impostor
    rows = []
    for i, image_id in enumerate(session.plan.probes):
        probe = session.found_probes.get(image_id)
        rows.append(
            ProbeRow(
                arm=name,
                probe_id=image_id,
                subject=session.source.samples[image_id].subject,
                covering="" if probe is None else probe.covering,
                rank=int(ranks[i]),
                cosine=float(measured.scores.cosine[i]),
                fallback=run.fallbacks.get(image_id, False),
                quality=measured.qualities[i],
                best_impostor=float(best[i]),
            )
        )
    return rows

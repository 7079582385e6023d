"""Answer the question: does restoring the face first help this recogniser?

One evaluation is a set of arms over the same probes, references and recogniser:
:mod:`~restore_recog.session` makes the faces and runs the arms,
:mod:`~restore_recog.scoring` turns templates into figures,
:mod:`~restore_recog.outcome` into words.
"""

from __future__ import annotations

from collections.abc import Sequence

from restore_recog import outcome
from restore_recog.arms import ARMS, ArmSpec
from restore_recog.errors import DataError, PluginError
from restore_recog.examples import examples
from restore_recog.ledger import Ledger, Progress
from restore_recog.likeness import Quality
from restore_recog.metrics.identification import cmc
from restore_recog.record import check_output
from restore_recog.report import ArmReport, ProbeRow, Report
from restore_recog.request import EvalRequest
from restore_recog.scoring import ArmScores, figures, gains
from restore_recog.session import ArmRun, Session

__all__ = ["EvalRequest", "Progress", "evaluate"]


def evaluate(request: EvalRequest, progress: Progress | None = None) -> Report:
    """Run an evaluation.

    Args:
        request: What to evaluate.
        progress: Called with (stage, done, total) as the work goes on.

    Raises:
        OutputError: The results folder exists.
        DataError: The data cannot carry the protocol, or no face was found at all.
        PluginError: An unknown arm or detector, or a plug-in that answers wrongly.
    """
    if request.output is not None:
        check_output(request.output)
    _check(request)
    ledger = Ledger(progress)
    session = Session(request, ledger)
    scores: dict[str, ArmScores] = {}
    runs = session.run()
    for spec in session.specs:
        scores[spec.name] = session.board.score(runs[spec.name].templates, session.references(spec))
    arms = tuple(_arm_report(session, spec, runs[spec.name], scores) for spec in session.specs)
    timing = ledger.timing()
    return Report(
        verdicts=outcome.verdicts(arms, session),
        labels=outcome.labels(session),
        notes=(*session.plan.notes, *session.notes, *outcome.notes(session)),
        arms=arms,
        setup=outcome.setup(session),
        timing=timing,
        trials=session.plan.pairs,
        scores={name: found.trials for name, found in scores.items()},
        probes=tuple(row for spec in session.specs for row in _rows(session, spec, runs, scores)),
        failures=tuple(ledger.failures),
        examples=examples(session, {name: found.ranks for name, found in scores.items()}),
    )


def _check(request: EvalRequest) -> None:
    unknown = [arm for arm in request.arms or () if arm not in ARMS]
    if unknown:
        raise PluginError(f"There is no arm '{unknown[0]}'; there are {', '.join(ARMS)}.")
    if request.batch_size < 1:
        raise DataError(f"The batch size must be 1 or more, not {request.batch_size}.")
    if request.limit is not None and request.limit < 1:
        raise DataError(f"The limit must be 1 probe or more, not {request.limit}.")


def _arm_report(
    session: Session, spec: ArmSpec, run: ArmRun, scores: dict[str, ArmScores]
) -> ArmReport:
    board, seed, mine = session.board, session.request.seed, scores[spec.name]
    qualities = [run.qualities.get(image_id, Quality()) for image_id in session.plan.probes]
    found = figures(mine, qualities, board, seed)
    base = "clean" if spec.arm == "restored-clean" and "clean" in scores else "occluded"
    if spec.name != base:
        ceiling = None if spec.arm in ("clean", "restored-clean") else scores.get("clean")
        for name, figure in gains(mine, scores[base], ceiling, board.probe_subjects, seed).items():
            found[name] = figure | {"against": base}
    ranks = mine.ranks
    return ArmReport(
        name=spec.name,
        arm=spec.arm,
        restorer=spec.restorer,
        figures=found,
        cmc=tuple(cmc(ranks, ranks.n_subjects).tolist()),
        fallbacks=sum(run.fallbacks.values()),
        misses=int(ranks.missed.sum()),
    )


def _rows(
    session: Session, spec: ArmSpec, runs: dict[str, ArmRun], scores: dict[str, ArmScores]
) -> Sequence[ProbeRow]:
    run, found = runs[spec.name], scores[spec.name]
    rows = []
    for i, image_id in enumerate(session.plan.probes):
        face = session.found.get(image_id)
        rows.append(
            ProbeRow(
                arm=spec.name,
                probe_id=image_id,
                subject=session.source.samples[image_id].subject,
                covering="" if face is None else face.covering,
                rank=int(found.ranks.pessimistic[i]),
                cosine=float(found.cosine[i]),
                fallback=run.fallbacks.get(image_id, False),
                quality=run.qualities.get(image_id, Quality()),
            )
        )
    return rows

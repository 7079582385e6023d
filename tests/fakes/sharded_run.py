"""Evaluations of squares by several processes, for test_processes."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from evaluation_fakes import Breaker, Healer, Squares, request
from forked import finish, start
from torch import Tensor

from restore_recog.errors import PluginError, RestoreRecogError
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.session import Session
from restore_recog.reporting.folder import write as write_report
from restore_recog.system.processes import processes
from restore_recog.types import FaceBatch


def wanted(cache: Path | None = None, arms: tuple[str, ...] | None = None) -> EvalRequest:
    """Return an evaluation with failures of every kind, of 5 + 3 blocks."""
    data = Squares(5, 4, occluded=2, broken=["00/m0", "01/c2"])
    return request(data, Healer(), Breaker(fail_below=0.5), batch_size=4, cache=cache, arms=arms)


def state(session: Session, ledger: Ledger) -> dict[str, object]:
    """Run a session; return all that every process must agree on, as JSON values."""
    runs = session.run()
    return {
        "templates": {name: run.templates.tobytes().hex() for name, run in runs.items()},
        "references": [session.references(spec).tobytes().hex() for spec in session.specs],
        "qualities": {name: repr(run.qualities) for name, run in runs.items()},
        "fallbacks": {name: run.fallbacks for name, run in runs.items()},
        "failures": [list(map(str, (f.stage, f.image_id, f.reason))) for f in ledger.failures],
        "found": repr(session.found_probes),
        "notes": session.notes,
        "images": {stage: cost["images"] for stage, cost in sorted(ledger.timing().items())},
    }


def work(task: str, folder: Path) -> None:
    """Do a task and write what came of it."""
    with processes() as ranks:
        if task == "report":
            report = evaluate(wanted(arms=("occluded", "restored")))
            if ranks.leads:
                write_report(report, folder / "results")
        elif task == "state":
            ledger = Ledger()
            reached = state(Session(wanted(folder / "cache"), ledger), ledger)
            (folder / f"state-{ranks.rank}.json").write_text(json.dumps(reached))
        else:
            _fail(ranks.rank)


def run(folder: Path) -> None:
    """Do every task by processes of its own."""
    for task, world in (("state", 3), ("report", 2), ("fail", 2)):
        finish(folder, task, start(folder, task, partial(work, task, folder), world))


def _fail(rank: int) -> None:
    """Let the second process fail in the middle of its work."""
    request_ = wanted()
    if rank == 1:
        request_.restorers[0].restore = _broken  # type: ignore[method-assign]
    try:
        Session(request_, Ledger()).run()
    except RestoreRecogError as error:
        sys.exit(f"Error: {error}")


def _broken(batch: FaceBatch) -> Tensor:
    raise PluginError("The restorer of rank 1 is broken.")

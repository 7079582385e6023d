"""Results that are there already: the same run finished before, or one to be replaced."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from restore_recog import weights
from restore_recog.errors import OutputError
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import Report
from restore_recog.evaluation.run.faces import Source
from restore_recog.evaluation.run.session import named
from restore_recog.reporting.folder import read as read_report
from restore_recog.segmenters import names
from restore_recog.system import provenance


def finished(request: EvalRequest, folder: Path) -> Report | None:
    """Return the report in a results folder, or None where there is no folder yet.

    Raises:
        OutputError: The results are those of another set-up.
        DataError: The folder holds no results.
    """
    if not folder.exists():
        return None
    report = read_report(folder)
    wanted: dict[str, Any] = json.loads(json.dumps(facts(request)))
    if report.setup.get("coverings") is not None:
        wanted["coverings"] = request.covered()
    if request.crop_size is not None:
        wanted["crop_size"] = request.crop_size
    template = None if request.template is None else request.template.tolist()
    if template != report.setup.get("crop_template"):
        wanted["crop_template"] = template
    other = sorted(name for name, value in wanted.items() if report.setup.get(name) != value)
    judged = report.setup.get("judges") or {}
    for name, path in request.judge_weights.items():
        if judged.get(name, {}).get("sha256") != weights.fingerprint(path):
            other.append(f"the judge {name}")
    if other:
        raise OutputError(
            f"The results in '{folder}' are those of another set-up (different: "
            f"{', '.join(other)}); name another folder with --output, or give --overwrite."
        )
    return report


def facts(request: EvalRequest) -> Mapping[str, Any]:
    """Return what a report's ``setup`` says of a request before any image is read."""
    return {
        "arms": request.arms,
        "batch_size": request.batch_size,
        "cohorts": request.cohorts,
        "data_sha256": Source(request.datasets).fingerprint(),
        "data": [
            {"name": d.name, "location": d.location, "rendered": d.rendered}
            for d in request.datasets
        ],
        "enrolment": request.enrolment,
        "faces_policy": request.faces_policy,
        "limit": request.limit,
        "min_subjects": request.min_subjects,
        "protocol": {
            "name": request.protocol.name,
            "version": request.protocol.version,
            "argument": request.protocol.argument,
        },
        "recognizer": provenance.model(request.recognizer),
        "restorers": {name: provenance.model(r) for name, r in named(request.restorers).items()},
        "restorer_failure": request.restorer_failure,
        "seed": request.seed,
        "segmenter": names.described(request.segmenter),
    }


def check_replaceable(folder: Path) -> None:
    """Refuse to replace a folder that is no results folder.

    Raises:
        OutputError: There is something else in that place.
    """
    if (folder.exists() or folder.is_symlink()) and not (folder / "report.json").is_file():
        raise OutputError(
            f"'{folder}' is no results folder (it has no report.json), so --overwrite leaves it "
            "alone; name another folder with --output."
        )


@contextmanager
def replaced(folder: Path) -> Iterator[None]:
    """Move a folder aside while a new one is written; put it back if that fails.

    Raises:
        OutputError: It cannot be moved.
    """
    if not folder.exists():
        yield
        return
    aside = folder.with_name(f".{folder.name}-replaced-{os.getpid()}")
    try:
        folder.rename(aside)
    except OSError as error:
        raise OutputError(
            f"The old results in '{folder}' cannot be moved aside ({error.strerror or error}); "
            "name another folder with --output."
        ) from error
    try:
        yield
    except BaseException:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)

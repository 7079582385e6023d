"""Results that exist already: of the same run, or to be replaced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from restore_recog import weights
from restore_recog.api import Recognizer
from restore_recog.errors import OutputError
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import EvaluationReport
from restore_recog.evaluation.run.faces import Source
from restore_recog.reporting import several
from restore_recog.reporting.folder import read as read_report


def finished(request: EvalRequest, folder: Path) -> EvaluationReport | None:
    """Return the report in a results folder, or None where there is no folder yet.

    Raises:
        OutputError: The results are of another set-up.
        DataError: The folder holds no results.
    """
    if not folder.exists():
        return None
    report = read_report(folder)
    facts = {**request.describe(), "data_sha256": Source(request.datasets).fingerprint()}
    wanted: dict[str, Any] = json.loads(json.dumps(facts))
    if report.setup.get("coverings") is not None:
        wanted["coverings"] = request.covered()
    if request.crop_size is not None:
        wanted["crop_size"] = request.crop_size
    other = sorted(name for name, value in wanted.items() if report.setup.get(name) != value)
    metrics = report.setup.get("judges") or {}
    for name, path in request.judge_weights.items():
        if metrics.get(name, {}).get("sha256") != weights.fingerprint(path):
            other.append(f"the image-quality metric {name}")
    if other:
        raise OutputError(
            f"The results in '{folder}' are of another set-up (different: "
            f"{', '.join(other)}); name another folder with --output, or give --overwrite."
        )
    return report


def finished_each(
    request: EvalRequest, recognizers: Mapping[str, Recognizer], folder: Path
) -> dict[str, EvaluationReport] | None:
    """Return the reports in a folder, or None where there is no folder yet.

    Raises:
        OutputError: The results are of other recognisers or of another set-up.
    """
    if not folder.exists():
        return None
    if list(several.read(folder)) != list(recognizers):
        raise OutputError(
            f"The results in '{folder}' are not those of the recognisers "
            f"{', '.join(recognizers)}; name another folder with --output, or give --overwrite."
        )
    reports = {}
    for name, recognizer in recognizers.items():
        report = finished(replace(request, recognizer=recognizer), several.place(folder, name))
        assert report is not None
        reports[name] = report
    return reports


def check_replaceable(folder: Path) -> None:
    """Refuse to replace a folder that is no results folder.

    Raises:
        OutputError: There is something else at that path.
    """
    if (folder.exists() or folder.is_symlink()) and not (folder / "report.json").is_file():
        raise OutputError(
            f"'{folder}' is no results folder (it has no report.json), so --overwrite leaves it "
            "alone; name another folder with --output."
        )

"""The results folder: written whole or not at all, never over another, and read back.

It holds ``report.json`` (every number with its n, interval and provenance),
``scores.csv`` (one line a trial and arm), ``probes.csv`` (one line a probe and arm),
``failures.csv``, ``figures/`` and ``report.html``, which needs none of the others.
"""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog import images, plots
from restore_recog.errors import DataError, OutputError, RestoreRecogError
from restore_recog.likeness import QUALITIES, Quality
from restore_recog.metrics.verification import det_curve
from restore_recog.report import ArmReport, Example, ProbeRow, Report
from restore_recog.types import Failure, Trial

FORMAT = 1
"""Raised by any change of the folder's layout or of a field's meaning."""

_PROBE_COLUMNS = tuple(f.name for f in fields(ProbeRow) if f.name != "quality") + QUALITIES
_SCORE_COLUMNS = ("arm", "reference_id", "probe_id", "genuine", "score")


def check_output(folder: Path) -> None:
    """Refuse a results folder that exists or cannot be made, before any work is done.

    Raises:
        OutputError: It exists, or its place is not a folder that can be written to.
    """
    folder = Path(folder)
    if folder.exists() or folder.is_symlink():
        number = 2
        while folder.with_name(f"{folder.name}-{number}").exists():
            number += 1
        raise OutputError(
            f"The results folder '{folder}' exists and is never overwritten; name another "
            f"one, for instance --output {folder.with_name(f'{folder.name}-{number}')}."
        )
    parent = next(p for p in folder.absolute().parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise OutputError(
            f"'{parent}' is not a folder that can be written to; name another place with --output."
        )


def write(report: Report, folder: Path) -> None:
    """Write the results folder beside its place and move it there in one step.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable.
    """
    from restore_recog.report_html import page

    check_output(folder)
    staging: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        _write_files(report, staging)
        (staging / "report.html").write_text(page(report), encoding="utf-8")
        staging.chmod(0o755)
        os.rename(staging, folder)
    except OSError as error:
        raise OutputError(
            f"The results cannot be written to '{folder}' ({error.strerror or error}); "
            "free some space or name another folder with --output."
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def _write_files(report: Report, folder: Path) -> None:
    """Write every file but the page."""
    (folder / "figures" / "examples").mkdir(parents=True)
    text = json.dumps(as_json(report), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    _write_rows(folder / "scores.csv", _SCORE_COLUMNS, _score_rows(report))
    _write_rows(folder / "probes.csv", _PROBE_COLUMNS, map(_probe_values, report.probes))
    _write_rows(folder / "failures.csv", _names(Failure), map(_values, report.failures))
    for name, figure in (("det", det_figure(report)), ("cmc", cmc_figure(report))):
        if figure is not None:
            plots.save(figure, folder / "figures" / f"{name}.png")
    for index, example in enumerate(report.examples):
        images.write(_example_path(folder, index), example.strip)


def as_json(report: Report) -> dict[str, Any]:
    """Return what ``report.json`` holds, in strict JSON values."""
    stages: dict[str, int] = {}
    for failure in report.failures:
        stages[failure.stage] = stages.get(failure.stage, 0) + 1
    content: dict[str, Any] = {
        "format": FORMAT,
        "verdicts": report.verdicts,
        "labels": report.labels,
        "notes": report.notes,
        "arms": [asdict(arm) for arm in report.arms],
        "failures_by_stage": stages,
        "timing": report.timing,
        "setup": report.setup,
        "examples": [
            {"probe_id": e.probe_id, "caption": e.caption, "titles": e.titles}
            for e in report.examples
        ],
    }
    strict: dict[str, Any] = plain(content)
    return strict


def det_figure(report: Report) -> Any:
    """Return the DET figure of all arms, or None without trials of both kinds."""
    genuine = np.array([trial.genuine for trial in report.trials], dtype=bool)
    if genuine.all() or not genuine.any():
        return None
    return plots.det_figure(
        {name: det_curve(row[genuine], row[~genuine]) for name, row in report.scores.items()}
    )


def cmc_figure(report: Report) -> Any:
    """Return the CMC figure of all arms, or None without any."""
    curves = {arm.name: np.array(arm.cmc) for arm in report.arms if arm.cmc}
    return plots.cmc_figure(curves) if curves else None


def read(folder: Path) -> Report:
    """Read a results folder back.

    Raises:
        DataError: The folder is no results folder or was written in another format.
    """
    try:
        data = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise DataError(
                f"'{folder}' has report format {data['format']}; this version reads {FORMAT}."
            )
        trials, scores = _read_scores(folder / "scores.csv", data["arms"])
        return Report(
            verdicts=tuple(data["verdicts"]),
            labels=tuple(data["labels"]),
            notes=tuple(data["notes"]),
            arms=tuple(ArmReport(**arm | {"cmc": tuple(arm["cmc"])}) for arm in data["arms"]),
            setup=data["setup"],
            timing=data["timing"],
            trials=trials,
            scores=scores,
            probes=tuple(map(_probe_row, _read_rows(folder / "probes.csv"))),
            failures=tuple(Failure(**row) for row in _read_rows(folder / "failures.csv")),
            examples=_read_examples(folder, data["examples"]),
        )
    except RestoreRecogError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"'{folder}' cannot be read as a results folder ({error}); "
            "name a folder that 'restore-recog eval' wrote."
        ) from error


def _read_examples(folder: Path, entries: Sequence[Mapping[str, Any]]) -> tuple[Example, ...]:
    return tuple(
        Example(
            probe_id=entry["probe_id"],
            caption=entry["caption"],
            titles=tuple(entry["titles"]),
            strip=images.read(_example_path(folder, index)),
        )
        for index, entry in enumerate(entries)
    )


def _example_path(folder: Path, index: int) -> Path:
    return folder / "figures" / "examples" / f"{index:02d}.png"


def plain(value: Any) -> Any:
    """Return strict JSON: NaN becomes null, infinities become "inf" and "-inf"."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in _names(type(row)))


def _score_rows(report: Report) -> Iterable[tuple[Any, ...]]:
    for name, row in report.scores.items():
        for trial, score in zip(report.trials, row.tolist(), strict=True):
            yield name, trial.reference_id, trial.probe_id, int(trial.genuine), score


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _probe_values(row: ProbeRow) -> tuple[Any, ...]:
    own = [getattr(row, name) for name in _PROBE_COLUMNS if name not in QUALITIES]
    return (*own, *asdict(row.quality).values())


def _probe_row(row: Mapping[str, str]) -> ProbeRow:
    values: dict[str, Any] = {n: v for n, v in row.items() if n not in QUALITIES}
    values |= {
        "rank": int(row["rank"]),
        "cosine": float(row["cosine"]),
        "best_impostor": float(row["best_impostor"]),
        "fallback": row["fallback"] == "True",
    }
    return ProbeRow(**values, quality=Quality(**{n: float(row[n]) for n in QUALITIES}))


def _read_scores(
    path: Path, arms: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Trial, ...], dict[str, NDArray[np.float64]]]:
    columns: dict[str, list[float]] = {arm["name"]: [] for arm in arms}
    trials = []
    for row in _read_rows(path):
        columns[row["arm"]].append(float(row["score"]))
        if row["arm"] == arms[0]["name"]:
            trials.append(Trial(row["reference_id"], row["probe_id"], row["genuine"] == "1"))
    return tuple(trials), {name: np.array(v, dtype=np.float64) for name, v in columns.items()}

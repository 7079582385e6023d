"""The results folder: written whole or not at all, never over another, and read back.

====================  =======================================================================
``report.html``       the page; needs none of the others
``report.json``       every number with its n, interval and provenance; strict JSON
``table.csv``/``tex`` the table of arms with intervals, to go on with or to paste
``scores.csv``        one row per trial and arm
``probes.csv``        one row per probe and arm
``flips.csv``         one row per probe and restored arm: ranks before and after
``cohorts.csv``       one row per group, arm and figure
``harm.csv``          one row per contrast, group and figure, where wrong decisions were measured
``classes.csv``       one row per probe and arm, where the protocol asks a classifier
``calibration.csv``   one row per arm and bin of probabilities, where it tells two classes
``failures.csv``      one row for everything that failed
``protocol/``         the CSV files that fix who was compared with whom
``figures/``          the curves, and the before-and-after strips with their labels;
                      ``sheet.png``: the same examples with truth and absolute difference
====================  =======================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from restore_recog import images
from restore_recog.errors import DataError, RestoreRecogError
from restore_recog.evaluation.figure import Figure, read_figures
from restore_recog.evaluation.results import (
    ArmReport,
    Cohort,
    EvaluationReport,
    Example,
    Harm,
    Spread,
    Test,
    Verdict,
)
from restore_recog.reporting import csv_files, report_figures, strips
from restore_recog.reporting.csv_files import failures_by_stage
from restore_recog.reporting.latex import arms_latex
from restore_recog.reporting.report_figures import Plot
from restore_recog.reporting.strips import sheet
from restore_recog.reporting.tables import arms_csv
from restore_recog.system.atomic import is_sealed, json_text, plain, sealed, whole_folder
from restore_recog.system.text import read_json

FORMAT = 4
"""Raised by any change of the folder's layout or of a field's meaning."""


RECOGNIZERS = "recognizers"
"""Folder in that of several recognisers (:mod:`restore_recog.reporting.several`) with one each."""


def write(report: EvaluationReport, folder: Path, *, replace: bool = False) -> None:
    """Write the results folder beside its place and move it there in one step.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable.
    """
    from restore_recog.reporting.pages.report import page

    with whole_folder(folder, replace=replace) as staging:
        _write_records(report, staging)
        images = report_figures.images(report)
        _write_images(report, images, staging)
        (staging / "report.html").write_text(page(report, images), encoding="utf-8")


def _write_records(report: EvaluationReport, folder: Path) -> None:
    """Write every file of numbers and text but the page."""
    (folder / "report.json").write_text(json_text(as_json(report)), encoding="utf-8")
    (folder / "table.csv").write_text(arms_csv(report.arms), encoding="utf-8")
    latex = arms_latex(report.arms, caption(report))
    (folder / "table.tex").write_text(latex, encoding="utf-8")
    csv_files.write_all(report, folder)
    for name, content in report.protocol.items():
        path = _inside(folder / "protocol", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())  # as it is: text mode would change line ends


def _write_images(report: EvaluationReport, plots: Mapping[str, Plot], folder: Path) -> None:
    (folder / "figures" / "examples").mkdir(parents=True)
    for name, image in plots.items():
        (folder / "figures" / f"{name}.png").write_bytes(image.png)
    for index, example in enumerate(report.examples):
        images.write(_example_path(folder, index), strips.labelled(example))
    together = sheet(report.examples)
    if together is not None:
        images.write(folder / "figures" / "sheet.png", together)


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a file in a folder.

    Raises:
        ValueError: The name leads out of it.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/"):
        raise ValueError(f"'{name}' is not a valid name for a file of the protocol.")
    return folder.joinpath(*parts)


def as_json(report: EvaluationReport) -> dict[str, Any]:
    """Return what ``report.json`` holds, in strict JSON values."""
    facts = {
        "format": FORMAT,
        "verdicts": [asdict(verdict) for verdict in report.verdicts],
        "family": report.family,
        "labels": report.labels,
        "notes": report.notes,
        "arms": [arm.facts() for arm in report.arms],
        "cohorts": [group.facts() for group in report.cohorts],
        "spreads": [spread.facts() for spread in report.spreads],
        "harms": [harm.facts() for harm in report.harms],
        "failures_by_stage": failures_by_stage(report.failures),
        "timing": report.timing,
        "setup": report.setup,
        "protocol": sorted(report.protocol),
        "examples": [
            {
                "probe_id": e.probe_id,
                "caption": e.caption,
                "titles": e.titles,
                "about": e.about,
                "outcome": e.outcome,
            }
            for e in report.examples
        ],
    }
    return sealed(plain(facts))


def caption(report: EvaluationReport) -> str:
    """Return one sentence that says what the table of a report rests on."""
    setup = report.setup
    protocol = setup.get("protocol", {})
    data = " and ".join(str(entry.get("name")) for entry in setup.get("data", ()))
    recognizer = setup.get("recognizer", {})
    name = ":".join(str(recognizer[k]) for k in ("name", "argument") if recognizer.get(k))
    return (
        f"Recognition by {name or 'the recogniser'} under the protocol "
        f"{protocol.get('name', 'unknown')} (version {protocol.get('version', 'unknown')}) "
        f"on {data or 'unknown data'}; " + "; ".join(report.labels)
    ).rstrip("; ") + "."


def _numbers(value: Any) -> Any:
    """Return figures as they were before :func:`plain`."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if value in ("inf", "-inf"):
        return float(value)
    return math.nan if value is None else value


def read(folder: Path) -> EvaluationReport:
    """Read a results folder back.

    Raises:
        DataError: The folder is not a results folder, was written in another format, or was
            changed since.
    """
    try:
        data = _facts(folder)
        if data["format"] != FORMAT:
            raise DataError(
                f"'{folder}' has report format {data['format']}; this version reads {FORMAT}: "
                "run the evaluation again, or use the version that wrote it."
            )
        if not is_sealed(data):
            raise DataError(
                f"'{folder / 'report.json'}' is not as it was written: its checksum does not fit, "
                "so its figures cannot be trusted. Run the evaluation again."
            )
        if RECOGNIZERS in data:
            raise DataError(
                f"'{folder}' holds the results of several recognisers; name the folder of one, "
                f"such as '{folder / RECOGNIZERS / next(iter(data[RECOGNIZERS]))}'."
            )
        return _report(folder, data)
    except RestoreRecogError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"'{folder}' cannot be read as a results folder ({error}); "
            "name a folder that 'restore-recog eval' wrote."
        ) from error


def _facts(folder: Path) -> Any:
    """Return what ``report.json`` holds; a fault of that file alone is the folder's fault."""
    try:
        return read_json(folder / "report.json")
    except DataError as error:
        raise ValueError(str(error).rstrip(".")) from error


def _report(folder: Path, data: Mapping[str, Any]) -> EvaluationReport:
    arms = tuple(_arm(entry) for entry in data["arms"])
    trials, scores = csv_files.read_scores(folder / "scores.csv", [arm.name for arm in arms])
    return EvaluationReport(
        verdicts=tuple(map(_verdict, data["verdicts"])),
        family=data["family"],
        labels=tuple(data["labels"]),
        notes=tuple(data["notes"]),
        arms=arms,
        setup=dict(data["setup"]),
        timing=dict(_numbers(data["timing"])),
        trials=trials,
        scores=scores,
        probes=csv_files.read_probes(folder / "probes.csv"),
        failures=csv_files.read_failures(folder / "failures.csv"),
        examples=_read_examples(folder, data["examples"]),
        cohorts=tuple(map(_cohort, data["cohorts"])),
        spreads=tuple(map(_spread, data["spreads"])),
        harms=tuple(map(_harm, data.get("harms", ()))),
        curves=csv_files.read_curves(folder / "det.csv"),
        sights=csv_files.read_sights(folder / csv_files.SIGHTS),
        protocol={
            name: _inside(folder / "protocol", name).read_bytes().decode()
            for name in data["protocol"]
        },
    )


def _verdict(entry: dict[str, Any]) -> Verdict:
    return Verdict(**entry | {"tests": tuple(Test(**test) for test in entry["tests"])})


def _arm(entry: dict[str, Any]) -> ArmReport:
    figures = read_figures(_numbers(entry["figures"]))
    return ArmReport(**entry | {"figures": figures, "cmc": tuple(_numbers(entry["cmc"]))})


def _cohort(entry: dict[str, Any]) -> Cohort:
    arms = {name: read_figures(figures) for name, figures in _numbers(entry["arms"]).items()}
    return Cohort(**entry | {"arms": arms})


def _harm(entry: dict[str, Any]) -> Harm:
    return Harm(**entry | {"figures": read_figures(_numbers(entry["figures"]))})


def _spread(entry: dict[str, Any]) -> Spread:
    difference = Figure.read(entry["figure"], _numbers(entry["difference"]))
    return Spread(**_numbers(entry) | {"figure": difference.name, "difference": difference})


def _read_examples(folder: Path, entries: Sequence[Mapping[str, Any]]) -> tuple[Example, ...]:
    return tuple(
        Example(
            probe_id=entry["probe_id"],
            caption=entry["caption"],
            titles=tuple(entry["titles"]),
            strip=strips.bare(images.read(_example_path(folder, index)), entry["titles"]),
            about=entry.get("about", ""),  # folders from before it have neither
            outcome=entry.get("outcome", ""),
        )
        for index, entry in enumerate(entries)
    )


def _example_path(folder: Path, index: int) -> Path:
    return folder / "figures" / "examples" / f"{index:02d}.png"

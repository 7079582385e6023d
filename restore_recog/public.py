"""An evaluation in Python: what :func:`evaluate` asks by names and returns as a report."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import fields, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restore_recog.api import Dataset, EvaluationProtocol, Recognizer, Restorer
from restore_recog.errors import RestoreRecogError
from restore_recog.evaluation import evaluate as engine
from restore_recog.evaluation import results
from restore_recog.evaluation.cache import CACHE
from restore_recog.evaluation.request import EvalRequest, from_names
from restore_recog.evaluation.run.ledger import Progress
from restore_recog.reporting import folder as results_folder
from restore_recog.reporting.tables import arms_text, report_text
from restore_recog.system.progress import Bars

if TYPE_CHECKING:
    from pandas import DataFrame


class Report(results.EvaluationReport):
    """Everything that an evaluation found, with what a notebook does with it.

    ``verdicts``, ``arms``, ``probes`` and the others are those of
    :class:`restore_recog.evaluation.results.EvaluationReport`. In Jupyter it shows its verdicts
    and table.
    """

    __slots__ = ()

    @classmethod
    def load(cls, folder: str | Path) -> Report:
        """Read a results folder that :meth:`save` or ``restore-recog eval`` wrote.

        Raises:
            DataError: It is none, or of another format.
        """
        return cls._of(results_folder.read(Path(folder)))

    @classmethod
    def _of(cls, report: results.EvaluationReport) -> Report:
        return cls(**{field.name: getattr(report, field.name) for field in fields(report)})

    def save(self, folder: str | Path) -> None:
        """Write the results folder: page, tables, CSV and JSON; whole or not at all.

        Raises:
            OutputError: The folder exists, or cannot be written.
        """
        results_folder.write(self, Path(folder))

    def table(self) -> str:
        """Return what ``restore-recog eval`` prints: labels, table of arms, flips, verdicts."""
        return report_text(self)

    def to_dataframe(self) -> DataFrame:
        """Return every figure of every arm as a pandas table.

        Returns:
            One row per arm, two levels of columns: the figure (``rank1``, ``rank1_gain``, ...)
            and ``value``, ``low``, ``high`` (95 % interval) or ``n``. Rates are fractions, not
            per cent. NaN where a figure was not measured or has no interval.

        Raises:
            RestoreRecogError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise RestoreRecogError(
                "A data frame needs pandas, which is not installed; run 'pip install pandas'."
            ) from error
        rows = {
            arm.name: {
                (name, part): figure.get(part)
                for name, figure in arm.figures.items()
                for part in ("value", "low", "high", "n")
            }
            for arm in self.arms
        }
        columns = dict.fromkeys(column for row in rows.values() for column in row)
        return pandas.DataFrame(
            [[row.get(column) for column in columns] for row in rows.values()],
            index=pandas.Index(rows, name="arm"),
            columns=pandas.MultiIndex.from_tuples(columns, names=["figure", "part"]),
            dtype=float,
        )

    def _repr_html_(self) -> str:
        """Return the verdicts and the table of arms for Jupyter."""
        verdicts = "".join(
            f"<p><b>{escape(verdict.answer)}</b> {escape(verdict.sentence)}</p>"
            for verdict in self.verdicts
        )
        labels = f"<p>{escape('; '.join(self.labels))}</p>"
        return f"{verdicts}{labels}<pre>{escape(arms_text(self.arms))}</pre>"


def evaluate(
    request: EvalRequest | None = None,
    *,
    restorer: str | Restorer | Sequence[str | Restorer] | None = None,
    protocol: str | EvaluationProtocol | None = None,
    data: str | Dataset | Sequence[str | Dataset] | None = None,
    recognizer: str | Recognizer | None = None,
    output: str | Path | None = None,
    progress: bool | Progress = True,
    **options: Any,
) -> Report:
    """Measure whether restoring first helps a recogniser, as ``restore-recog eval`` does.

    Either a request, or names as on the command line; objects of plug-in classes may stand in
    place of names. What is left out is as the command has it: FMODR on phantoms, protocol
    ``fmor``, the shipped recogniser.

    Args:
        request: Everything at once, instead of the names below.
        restorer: One or several, e.g. ``"fmodr"`` or ``["fmodr", "telea"]``.
        protocol: Who is compared with whom, e.g. ``"fmor"``.
        data: One or several data sets, e.g. ``"lfw:/data/lfw"``.
        recognizer: Which recogniser is to be helped, e.g. ``"timm"``.
        output: Results folder to write; refused at once where it exists.
        progress: Whether to draw bars, or what to call with (stage, done, total).
        options: Further fields of :class:`EvalRequest` (``limit=100``, ``segmenter="true"``,
            ``arms=("occluded", "restored")``, ...), and ``device="auto"``. With *output*,
            finished work is kept beside it unless ``cache=None``.

    Raises:
        RestoreRecogError: As the command says it, in one sentence.
        TypeError: An option does not exist, or comes together with a request.
    """
    named = {"restorer": restorer, "protocol": protocol, "data": data, "recognizer": recognizer}
    given = {name: value for name, value in named.items() if value is not None} | options
    place = None if output is None else Path(output)
    if request is None:
        request = _request(given, place)
    elif not isinstance(request, EvalRequest) or given:
        raise TypeError(
            "evaluate() takes either one EvalRequest or names, such as evaluate(restorer='fmodr')."
        )
    elif place is not None:
        request = replace(request, output=place)
    if callable(progress):
        report = Report._of(engine.evaluate(request, progress))
    else:
        with Bars(progress) as bars:
            report = Report._of(engine.evaluate(request, bars.update))
    if request.output is not None:
        report.save(request.output)
    return report


def _request(given: dict[str, Any], output: Path | None) -> EvalRequest:
    """Return the request that the arguments of :func:`evaluate` ask for.

    Raises:
        TypeError: One of them does not exist.
    """
    others = {field.name for field in fields(EvalRequest)} - {"datasets", "restorers", "output"}
    for name in given.keys() - others - {"restorer", "data"}:
        near = difflib.get_close_matches(name, ["restorer", "data", *sorted(others)], n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise TypeError(f"evaluate() has no option '{name}'.{hint}")
    for name in given.keys() & {"restorer", "data", "cohorts"}:
        given[name] = _several(given[name])
    if "restorer" in given:
        given["restorers"] = given.pop("restorer")
    if isinstance(given.get("arms"), str):
        given["arms"] = tuple(arm.strip() for arm in given["arms"].split(","))
    if output is not None:
        given.setdefault("cache", output.parent / CACHE)
    if given.get("cache") is not None:
        given["cache"] = Path(given["cache"])
    return from_names(**given, output=output)


def _several(given: Any) -> tuple[Any, ...]:
    """Return one or several as several."""
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)

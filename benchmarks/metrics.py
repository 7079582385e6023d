"""``bench metrics``: exact error rates and search, beside scikit-learn and dense NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.measure import Measurement, available_bytes, machine, measure

CASES = "benchmarks.metrics_cases"
FIGURES = "benchmarks.figures_cases"

STEP = {"point": 0.0, "eer": 1e-3, "cmc": 0.0}
"""How far ours and NumPy's line may be apart: EER's line looks at genuine scores only."""

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes:
        impostors, genuines: Scores of the DET curve.
        searches: Title -> (probes, subjects, length of a template).
        scores: Scores of the stream.
        tail: How many of them it keeps.
        repeats: Runs of each case, but the stream, which runs once; times are medians.
        seed: Of all that is drawn.
    """

    impostors: int = 1_000_000
    genuines: int = 100_000
    searches: tuple[tuple[str, tuple[int, int, int]], ...] = (
        ("Rank 1 at FMOR size", (5_500, 1_100, 512)),
        ("Rank 1 at large size", (20_000, 20_000, 512)),
    )
    scores: int = 20_000_000
    tail: int = 1 << 20
    repeats: int = 3
    seed: int = 0

    @classmethod
    def quick(cls, scores: int, repeats: int, seed: int) -> Sizes:
        """Return sizes that take seconds; their times say little."""
        small = (("Rank 1 at a small size", (700, 700, 64)),)
        return cls(20_000, 2_000, small, scores, 10_000, repeats, seed)


@dataclass(frozen=True, slots=True)
class Row:
    """One case of a table; without times where it was left out, and ``note`` says why."""

    case: str
    seconds: tuple[float, ...] = ()
    median: float | None = None
    peak_mib: float | None = None
    result: Any = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What was measured of one task.

    Attributes:
        title: With its size.
        rows: Ours first.
        equal: Whether all that should agree does; None where nothing was compared.
        finding: The same in words.
    """

    title: str
    rows: list[Row] = field(default_factory=list)
    equal: bool | None = None
    finding: str = ""


def run(sizes: Sizes, note: Note) -> dict[str, Any]:
    """Measure everything and return it as JSON can hold it.

    Args:
        note: Called with what is being measured.

    Raises:
        BenchError: A case failed.
    """
    about = machine()
    tables = [_det(sizes, note), _figures(sizes, note), *_searches(sizes, note)]
    tables.append(_stream(sizes, note))
    return {
        "bench": "metrics",
        "machine": about,
        "sizes": asdict(sizes),
        "memory": "highest resident set of a process of its own, less what its inputs take",
        "equal": all(table.equal is not False for table in tables),
        "tables": [asdict(table) for table in tables],
    }


def _det(sizes: Sizes, note: Note) -> Table:
    options = {key: getattr(sizes, key) for key in ("impostors", "genuines", "seed")}
    title = f"DET curve of {sizes.impostors:,} impostor and {sizes.genuines:,} genuine scores"
    cases = (
        ("det_ours", "restore-recog det_curve", "{:,} points, exact"),
        ("det_sklearn", "scikit-learn det_curve", "{:,} points, exact"),
        ("det_sweep", "NumPy, sweep of 1,000 thresholds", "{:,} points, not exact"),
    )
    rows = []
    for case, name, said in cases:
        measurement = _measured(case, options, sizes.repeats, note)
        rows.append(_row(name, measurement, said.format(measurement.result)))
    check = _measured("det_check", options, 1, note).result
    finding = (
        f"equal at all {check['shared']:,} points of scikit-learn; "
        f"{check['left_out']:,} more of ours have FMR 0 or FNMR 0, which it leaves out"
        if check["equal"]
        else "the curves of restore-recog and scikit-learn differ"
    )
    return Table(title, rows, check["equal"], finding)


def _figures(sizes: Sizes, note: Note) -> Table:
    """Return single figures beside one line of NumPy each."""
    scores = {key: getattr(sizes, key) for key in ("impostors", "genuines", "seed")}
    probes, subjects, _ = sizes.searches[0][1]
    table = {"probes": probes, "subjects": subjects, "seed": sizes.seed}
    asked: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("point", "FNMR at FMR 0.1 %", scores),
        ("eer", "EER", scores),
        ("cmc", f"CMC of a table of {probes:,} x {subjects:,}", table),
    )
    rows, equal = [], True
    for case, figure, options in asked:
        pair = [
            _measured(f"{case}_{who}", options, sizes.repeats, note, FIGURES)
            for who in ("ours", "numpy")
        ]
        rows += [
            _row(f"{name}, {figure}", measurement, f"{measurement.result:.6g}")
            for name, measurement in zip(("restore-recog", "NumPy"), pair, strict=True)
        ]
        equal &= abs(pair[0].result - pair[1].result) <= 1e-9 * abs(pair[1].result) + STEP[case]
    finding = "the same numbers" if equal else "other numbers"
    return Table("Single figures", rows, equal, finding)


def _searches(sizes: Sizes, note: Note) -> Iterator[Table]:
    for title, (probes, subjects, length) in sizes.searches:
        options = {"probes": probes, "subjects": subjects, "length": length, "seed": sizes.seed}
        table = Table(f"{title}: {probes:,} probes x {subjects:,} subjects x {length}")
        for case, name in (
            ("rank_ours", "restore-recog search"),
            ("rank_streams", "restore-recog search, and all comparisons in streams"),
        ):
            ours = _measured(case, options, sizes.repeats, note)
            table.rows.append(_row(name, ours, _rank1(ours)))
        needed = 6 * probes * subjects  # float32 scores, a truth value each, and some room
        if needed < available_bytes():
            dense = _measured("rank_dense", options, sizes.repeats, note)
            table.rows.append(_row("NumPy, whole table in float32", dense, _rank1(dense)))
        else:
            why = f"left out: needs {needed / 2**30:.1f} GiB, which are not free"
            table.rows.append(Row("NumPy, whole table in float32", note=why))
        nearest = _measured("rank_sklearn", options, sizes.repeats, note)
        table.rows.append(_row("scikit-learn NearestNeighbors", nearest, _rank1(nearest)))
        yield _compared(table, probes)


def _compared(table: Table, probes: int) -> Table:
    """Return the table with how many probes not all its cases find.

    The others compute in float32, where one in 10,000 probes may tip over by rounding.
    """
    hits = [int(row.result.pop("hits"), 16) for row in table.rows if row.result]
    unlike = 0
    for other in hits[1:]:
        unlike |= hits[0] ^ other
    count = unlike.bit_count()
    finding = f"{probes - count:,} of {probes:,} probes found or missed by all alike"
    return Table(table.title, table.rows, count <= probes / 10_000, finding)


def _stream(sizes: Sizes, note: Note) -> Table:
    options = {"genuines": sizes.genuines, "tail": sizes.tail, "seed": sizes.seed}
    measurement = _measured("stream_ours", {"impostors": sizes.scores} | options, 1, note)
    figures = measurement.result
    said = (
        f"{sizes.scores / figures['seconds_in_stream']:,.0f} scores/s; {figures['points']:,} "
        f"points, each exact; every step up to FMR {figures['exact_up_to_fmr']:.2g}, beyond it "
        f"one in {figures['width']:.1g} of score, FMR {figures['fmr_bound']:.1g} apart or less"
    )
    rows = [_row("restore-recog ScoreStream", measurement, said)]
    dense = {"impostors": sizes.scores, "genuines": sizes.genuines, "seed": sizes.seed}
    needed = 64 * sizes.scores  # scores, sorted copies, thresholds and rates in float64
    if needed < available_bytes() // 2 and sizes.scores <= 100_000_000:
        curve = _measured("det_ours", dense, 1, note)
        rows.append(_row("restore-recog det_curve, all at once", curve, "exact everywhere"))
    else:
        why = f"left out: needs {needed / 2**30:.1f} GiB"
        rows.append(Row("restore-recog det_curve, all at once", note=why))
    size = min(sizes.scores, sizes.impostors)
    small = {"impostors": size, "tail": max(1, size // 100)}
    check = _measured("stream_check", options | small, 1, note).result
    finding = (
        f"of {size:,} scores, {check['exact']} of {check['targets']} operating points equal the "
        f"exact ones, the others' FNMR is up to {check['worst_fnmr']:.1g} too high"
        if check["equal"]
        else "operating points of the stream are outside their bounds"
    )
    return Table(f"Stream of {sizes.scores:,} impostor scores", rows, check["equal"], finding)


def _measured(
    case: str, options: dict[str, Any], repeats: int, note: Note, module: str = CASES
) -> Measurement:
    note(f"{case} {', '.join(f'{key}={value}' for key, value in options.items())}")
    return measure(f"{module}:{case}", options, repeats)


def _row(name: str, measurement: Measurement, note: str) -> Row:
    return Row(
        name,
        measurement.seconds,
        measurement.median,
        measurement.peak_mib,
        measurement.result,
        note,
    )


def _rank1(measurement: Measurement) -> str:
    return f"rank 1 {100 * measurement.result['rank1']:.2f} %"

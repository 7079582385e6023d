"""``restore-recog bench``: what our computations cost beside the usual ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchmarks.cli_restore import restore
from benchmarks.cli_train import train
from benchmarks.output import check_free, write

_UNITS = {"k": 1e3, "m": 1e6, "g": 1e9}


def count(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a whole number that may be written as 1e9 or 20m.

    Raises:
        click.BadParameter: It is not one, or below 1.
    """
    if value is None:
        return None
    text = value.strip().lower().replace(",", "").replace("_", "")
    unit = _UNITS.get(text[-1:], 1.0)
    try:
        number = float(text[:-1] if unit != 1.0 else text) * unit
        whole = int(number)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"'{value}' is not a number.", ctx, param) from None
    if whole != number or whole < 1:
        raise click.BadParameter(f"'{value}' is not a whole number of 1 or more.", ctx, param)
    return whole


@click.group("bench")
def command() -> None:
    """Measure what our computations cost beside the usual ones.

    \b
    Examples:
      restore-recog bench metrics --scores 1e9 --output bench.json
      restore-recog bench restore --restorer fmodr --preset paper
      restore-recog bench train --restorer fmodr --phase R4
    """


@command.command("metrics")
@click.option("--quick", is_flag=True, help="Small sizes: a check, not a measurement.")
@click.option(
    "--scores",
    callback=count,
    metavar="N",
    help="Scores of the stream, 1e9 for instance.  [default: 2e7; quick: 2e5]",
)
@click.option(
    "--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of a case."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.json",
    help="Write all figures there too; an existing file is refused.",
)
def metrics(quick: bool, scores: int | None, repeats: int, seed: int, output: Path | None) -> None:
    """Exact DET curve, rank 1 and streams, beside scikit-learn and dense NumPy.

    Each case runs in a process of its own and is timed with its peak memory; what should
    be equal is compared, and the exit code is 1 where it is not. The sizes are those of
    1,000,000 impostor and 100,000 genuine scores, and of searches of 5,500 probes among
    1,100 people and of 20,000 among 20,000.

    \b
    Examples:
      restore-recog bench metrics --quick
      restore-recog bench metrics --scores 1e9 --output bench.json
    """
    from benchmarks.metrics import Sizes, run

    if output is not None:
        check_free(output)
    if quick:
        sizes = Sizes.quick(scores or 200_000, repeats, seed)
    else:
        sizes = Sizes(scores=scores or Sizes().scores, repeats=repeats, seed=seed)
    results = run(sizes, lambda text: click.echo(f"measuring {text}", err=True))
    click.echo(_text(results))
    if output is not None:
        write(results, output)
    if not results["equal"]:
        raise click.exceptions.Exit(1)


def _text(results: dict[str, Any]) -> str:
    """Return the tables as text."""
    about = results["machine"]
    lines = [
        f"{about['processor']}, {about['cores']} cores (load {about['load_1min']:.1f}); "
        f"{'; '.join(about['blas'])}; Python {about['python']}, NumPy {about['numpy']}, "
        f"scikit-learn {about['sklearn']}",
        f"Times: median of {results['sizes']['repeats']}. Memory: {results['memory']}.",
    ]
    for table in results["tables"]:
        lines += ["", table["title"]]
        width = max(len(row["case"]) for row in table["rows"])
        for row in table["rows"]:
            cost = " " * 23
            if row["median"] is not None:
                cost = f"{row['median']:9.3f} s {row['peak_mib']:8,.0f} MiB"
            lines.append(f"  {row['case']:<{width}} {cost}  {row['note']}")
        lines.append(f"  {'equal' if table['equal'] else 'DIFFERENT'}: {table['finding']}")
    return "\n".join(lines)


command.add_command(restore)
command.add_command(train)

"""What the project aims at, beside what a run measured.

A target that a run says nothing about (another device, preset or size) is not applicable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]

PAPER_SECONDS = 0.063
"""FMODR's own time for an image of 256 x 256 (ACM TOMM 2022, section 5)."""

PAPER_MIB = 8773.0
"""And its memory."""

GPU = "one data-centre GPU at 256 x 256"


def restore_targets(rows: Sequence[Row], device: str) -> list[Row]:
    """Return each target of restoring with what was measured and whether it is met."""
    gpu, fmodr = device != "cpu", _of(rows, restorer="fmodr", case="restorer")
    paper = _of(fmodr, preset="paper", size=256) if gpu else []
    compact = [] if gpu else _of(fmodr, preset="compact", size=128)
    speeds = [row["images_per_s"] * PAPER_SECONDS for row in paper if row["images_per_s"]]
    memories = [row["reserved_mib"] for row in paper if row["batch"] == 16 and not row["reason"]]
    shares = [share for row in paper if (share := attention_share(row)) is not None]
    rates = [row["images_per_s"] for row in compact if row["images_per_s"]]
    return [
        _target(f"fmodr paper, {GPU}: 40 times the paper's images/s", speeds, 40.0, max),
        _target(
            f"fmodr paper, {GPU}: batch 16 below {PAPER_MIB:,.0f} MiB", memories, PAPER_MIB, min
        ),
        _target(f"fmodr paper, {GPU}: attention below 1/4 of refine net", shares, 0.25, min),
        _target("fmodr compact, two CPU cores, 128 x 128: 10 images/s", rates, 10.0, max),
    ]


def train_targets(rows: Sequence[Row], device: str) -> list[Row]:
    """Return the target of training with what was measured and whether it is met."""
    shares = [] if device == "cpu" else [row["matmul_share"] for row in rows if row["matmul_share"]]
    what = f"training, {GPU}: 40 % of the matrix rate, or the profile says why not"
    return [_target(what, shares, 0.4, max)]


def attention_share(row: Row) -> float | None:
    """Return the attention's share of the refine net's time, where it was timed."""
    times = {part["part"]: part["ms"] for part in row.get("parts") or ()}
    whole, part = times.get("nets.refine"), times.get("nets.refine.attention")
    return part / whole if whole and part else None


def _of(rows: Sequence[Row], **wanted: Any) -> list[Row]:
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def _target(
    what: str, values: Sequence[float], bound: float, best: Callable[[Sequence[float]], float]
) -> Row:
    """Return one target; *best* is max where more is better, min where less is."""
    if not values:
        return {"target": what, "bound": bound, "measured": None, "met": None}
    value = best(values)
    met = value >= bound if best is max else value < bound
    return {"target": what, "bound": bound, "measured": value, "met": met}

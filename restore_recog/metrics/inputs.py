"""What the metrics may be given: numbers are numbers, and people have names.

NumPy turns nearly anything into an array of float64 without a word: text, complex numbers (their
real parts), masked arrays (what the mask hides), and NaN becomes a person of that name. Every
metric reads its arguments through here, which refuses these in one sentence (:class:`ValueError`).

Precision is part of a score: 0.1 in float32 is larger than 0.1 in float64. Where both meet in one
comparison, float64 is rounded to float32 first, so that equal scores stay equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.types import Vector

Subjects = Sequence[str] | Sequence[int] | NDArray[np.generic]

_MISSING = "they must not be missing (None, NaN or masked)"


def numbers(values: ArrayLike, what: str = "Values") -> Vector:
    """Return values as a float64 array, whatever their shape; NaN and infinity stay.

    Args:
        values: Real numbers or bools.
        what: As a message begins.

    Raises:
        ValueError: They are masked, complex, text, objects or of no one shape.
    """
    array = as_array(values, what)
    if array.dtype.kind == "O" and all(_is_number(value) for value in array.flat):
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiub":
        kind = {"c": "complex numbers", "O": "objects", "U": "text", "S": "text"}
        shown = kind.get(array.dtype.kind, str(array.dtype))
        raise ValueError(f"{what} must be real numbers, not {shown}.")
    return array.astype(np.float64, copy=False)


def alike(*sides: ArrayLike, what: str = "Values") -> list[Vector]:
    """Return sides that are compared with each other as float64 arrays, in one precision.

    Args:
        sides: Each as for :func:`numbers`; those with fewer digits decide.
        what: As a message begins.

    Raises:
        ValueError: As :func:`numbers`.
    """
    arrays = [numbers(side, what) for side in sides]
    coarse = precision(*sides)
    if coarse == np.float64:
        return arrays
    return [array.astype(coarse).astype(np.float64) for array in arrays]


def precision(*sides: ArrayLike) -> np.dtype[np.floating]:
    """Return the floating type with the fewest digits among sides that hold something."""
    arrays = [as_array(side, "Values") for side in sides]
    return coarsest(*(a.dtype for a in arrays if a.dtype.kind == "f" and a.size))


def coarsest(*kinds: np.dtype[np.floating]) -> np.dtype[np.floating]:
    """Return the floating type with the fewest digits, float64 at most."""
    return min([np.dtype(np.float64), *kinds], key=lambda kind: kind.itemsize)


def rounded_up(threshold: float, kind: np.dtype[np.floating]) -> float:
    """Return the lowest number of a floating type that is not below a threshold.

    NumPy compares float32 scores with a Python float in float32: a number of float64 that is just
    above a score becomes that score again, and accepts it.
    """
    near = kind.type(threshold)
    return float(near if float(near) >= threshold else np.nextafter(near, kind.type(np.inf)))


def number(value: Any, what: str) -> float:
    """Return one real number, NaN and infinity included.

    Raises:
        ValueError: It is none.
    """
    if not _is_number(value):
        raise ValueError(f"{what} must be a number, not {_short(value)}.")
    return float(value)


def rate(value: Any, what: str) -> float:
    """Return a rate in [0, 1]; one of float32 as it was written, 0.01 and not 0.0099999998.

    Raises:
        ValueError: It is none.
    """
    share = number(value, what)
    if isinstance(value, (np.float32, np.float16)):
        share = float(str(value))
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{what} must lie in [0, 1], not {share}.")
    return share


def people(values: Any, what: str = "Subjects") -> NDArray[np.generic]:
    """Return names (text, bytes or whole numbers) as an array that sorts, whatever their shape.

    Raises:
        ValueError: One is missing, or names and numbers are mixed: 1 and "1" would be one person.
    """
    if isinstance(values, (list, tuple)):
        _check_kinds(_leaves(values), what)
    array = as_array(values, what)
    if array.dtype.kind in "OT":
        _check_kinds(array.flat, what)
        array = np.array(array.tolist())
    if array.size and array.dtype.kind in "fcMmV" and not _whole(array):
        raise ValueError(f"{what} must be names or whole numbers, and {_MISSING}.")
    return array


def same_kind(one: NDArray[np.generic], other: NDArray[np.generic], what: str = "Subjects") -> None:
    """Refuse names on one side and numbers on the other, of which none would be the same.

    Raises:
        ValueError: They are.
    """
    if one.size and other.size and (one.dtype.kind in "US") != (other.dtype.kind in "US"):
        raise ValueError(f"{what} must be names on both sides or numbers on both, not one of each.")


def as_array(values: ArrayLike, what: str) -> NDArray[Any]:
    """Return values as an array of whatever type they are.

    Raises:
        ValueError: Some are masked, or they are of no one shape.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        raise ValueError(f"{what} are partly masked; leave out what is masked, and count it apart.")
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(
            f"{what} cannot be read as one array ({str(error).splitlines()[0].rstrip('.')})."
        ) from error


def _is_number(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "fiub"
    return isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating))


def _leaves(values: Any) -> list[Any]:
    """Return the entries of a list, or of its rows."""
    return [
        entry for row in values for entry in (row if isinstance(row, (list, tuple)) else (row,))
    ]


def _check_kinds(entries: Any, what: str) -> None:
    kinds = {_kind(entry) for entry in entries}
    if "missing" in kinds:
        raise ValueError(f"{what} must be names or whole numbers, and {_MISSING}.")
    if len(kinds) > 1 or kinds - {"name", "number", "array"}:
        raise ValueError(f"{what} must be all names or all whole numbers, not a mixture.")


def _kind(entry: Any) -> str:
    if isinstance(entry, (str, bytes)):
        return "name"
    if isinstance(entry, np.ndarray):
        return "array"
    if entry is None or (isinstance(entry, (float, np.floating)) and not math.isfinite(entry)):
        return "missing"
    return "number" if _is_number(entry) else type(entry).__name__


def _whole(array: NDArray[Any]) -> bool:
    """Return whether all are whole numbers."""
    return array.dtype.kind == "f" and bool((np.isfinite(array) & (array == np.floor(array))).all())


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."

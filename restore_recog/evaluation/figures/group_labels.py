"""The labels of probes that figures are broken down by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from restore_recog.errors import DataError
from restore_recog.types import FaceSample

HIDDEN = frozenset({"split", "role", "twin", "yaw", "pitch", "roll", "votes"})
"""Labels that are no default groups: what an image is for, angles in single degrees, and votes."""

FEWEST, MOST = 2, 12
"""How many values a label has that is taken by default."""

UNKNOWN = "unknown"

Labels = Mapping[str, NDArray[np.str_]]


def labels(
    samples: Sequence[FaceSample], coverings: Mapping[str, str], wanted: Sequence[str] | None
) -> dict[str, NDArray[np.str_]]:
    """Return the labels to break down by: name -> (P,) values of the probes.

    Args:
        samples: Of the probes, in the plan's order.
        coverings: image_id -> kind of covering, of the probes whose face was found.
        wanted: Names; None takes every label with 2 to 12 values.

    Raises:
        DataError: There is no label of a name that is wanted.
    """
    columns = {name: [s.attributes.get(name, "") for s in samples] for name in names(samples)}
    columns["condition"] = [sample.condition for sample in samples]
    columns["covering"] = [coverings.get(sample.image_id, "") for sample in samples]
    known = {name: np.array(column) for name, column in columns.items()}
    if wanted is not None:
        check(wanted, samples)
        chosen = list(dict.fromkeys(wanted))
    else:
        chosen = [name for name in sorted(known) if _telling(known, name)]
    return {name: np.where(known[name] == "", UNKNOWN, known[name]) for name in chosen}


def names(samples: Sequence[FaceSample]) -> list[str]:
    """Return the names of all labels, sorted."""
    attributes = {name for sample in samples for name in sample.attributes}
    return sorted(attributes | {"condition", "covering"})


def check(wanted: Sequence[str] | None, samples: Sequence[FaceSample]) -> None:
    """Raise DataError where the probes do not have a label that is wanted."""
    there = names(samples)
    for name in wanted or ():
        if name not in there:
            raise DataError(
                f"The probes have no label '{name}' to break the figures down by; there are "
                f"{', '.join(there)}."
            )


def _telling(known: Labels, name: str) -> bool:
    """Return whether a label is taken by default."""
    values = set(known[name].tolist()) - {""}
    if name in HIDDEN or not FEWEST <= len(values) <= MOST:
        return False
    covering = known["covering"]
    usable = covering != ""
    # Where no covering is drawn, it is the condition; one of the two is enough.
    return name != "condition" or not np.array_equal(known[name][usable], covering[usable])

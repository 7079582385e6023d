"""Training images sorted by a label, for phases that want every class equally often, or one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Phase
from restore_recog.errors import TrainingError
from restore_recog.labels import KINDS


@dataclass(frozen=True, eq=False)
class Classes:
    """The images whose label is known.

    Attributes:
        kind: A key of :data:`restore_recog.labels.KINDS`.
        rows: word -> numbers of its images, in the order of the kind; no class is empty.
    """

    kind: str
    rows: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, kind: str, codes: NDArray[np.int64], rows: NDArray[np.int64]) -> Classes:
        """Return *rows*, numbers of images, sorted by the codes of all images.

        Raises:
            TrainingError: There is no such kind of label.
        """
        if kind not in KINDS:
            raise TrainingError(
                f"A phase of this training draws images by '{kind}', which is no label;"
                f" there are {', '.join(KINDS)}."
            )
        members = {word: rows[codes[rows] == n] for n, word in enumerate(KINDS[kind])}
        return cls(kind, {word: mine for word, mine in members.items() if len(mine)})

    def check(self) -> None:
        """Check that there are classes to balance.

        Raises:
            TrainingError: There are fewer than two.
        """
        wanted = f"A phase of this training wants every {self.kind} equally often, but"
        if not self.rows:
            raise TrainingError(
                f"{wanted} no training image has a label of its {self.kind}"
                f" ({', '.join(KINDS[self.kind])}); add --data that has."
            )
        if len(self.rows) < 2:
            raise TrainingError(
                f"{wanted} all training images that are labelled have one, {next(iter(self.rows))};"
                " add --data with others."
            )

    def chosen(self, word: str, batch_size: int) -> NDArray[np.int64]:
        """Return the images of one class, at least one batch of them.

        Raises:
            TrainingError: There are fewer, or there is no such class.
        """
        if word not in KINDS[self.kind]:
            raise TrainingError(
                f"A phase of this training wants images of the {self.kind} '{word}', which there "
                f"is not; there are {', '.join(KINDS[self.kind])}."
            )
        rows = self.rows.get(word)
        if rows is None or len(rows) < batch_size:
            raise TrainingError(
                f"A phase of this training wants images of the {self.kind} {word} only, and there "
                f"are {0 if rows is None else len(rows)}, fewer than one batch of {batch_size}; "
                "add --data with that label, or set a smaller batch size."
            )
        return rows

    def absent(self) -> str:
        """Return one sentence on the classes that no image has; empty where there are all."""
        missing = [word for word in KINDS[self.kind] if word not in self.rows]
        if not missing:
            return ""
        return (
            f"No training image has the {self.kind} {' or '.join(missing)}; balanced batches hold"
            f" the other {len(self.rows)} in equal shares."
        )


def used_labels(
    codes: Mapping[str, NDArray[np.int64]], phases: Sequence[Phase]
) -> dict[str, list[str]]:
    """Return what a resumed run must share besides: by phase, the label and its codes' SHA-256.

    Empty where no phase draws by a label, so that labels that nothing reads do not matter.

    Args:
        codes: kind -> codes of all images.
        phases: Of the training.
    """
    read = {
        phase.name: phase.only or ((phase.balanced,) if phase.balanced else ()) for phase in phases
    }
    return {
        name: [
            *label,
            hashlib.sha256(codes[label[0]].tobytes()).hexdigest() if label[0] in codes else "",
        ]
        for name, label in read.items()
        if label
    }

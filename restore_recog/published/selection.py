"""A data set of which only some images take part."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from restore_recog.api import Dataset
from restore_recog.errors import DataError, RestoreRecogError
from restore_recog.types import FaceImage, FaceSample


class Selection(Dataset):
    """Shows the images of another data set that have one of some conditions.

    Everything else (name, place, whether it is rendered, notes) is that of the other.
    """

    name = "selection"

    def __init__(self, whole: Dataset, conditions: Collection[str]) -> None:
        super().__init__(whole.location)
        self._whole = whole
        self._conditions = conditions
        # The report is to name the data, not this view of it.
        self.name, self.rendered = whole.name, whole.rendered  # type: ignore[misc]

    def samples(self) -> Sequence[FaceSample]:
        """Return the chosen images.

        Raises:
            DataError: There is none.
        """
        samples = self._whole.samples()
        chosen = [sample for sample in samples if sample.condition in self._conditions]
        wanted = " or ".join(sorted(self._conditions))
        self.pair_list = self._whole.pair_list
        self.notes = (
            *self._whole.notes,
            f"{len(chosen)} of {len(samples)} images take part: those of condition {wanted}.",
        )
        if not chosen:
            raise DataError(
                f"The data set '{self.name}' has no images of condition {wanted}, which this "
                "table is about."
            )
        return chosen

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        """Read them from the other data set."""
        return self._whole.read(samples)

"""A packed data file: crops of other data sets, ready for training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restore_recog.api import Dataset
from restore_recog.errors import DataError, RestoreRecogError
from restore_recog.packs.format import Pack, open_pack
from restore_recog.types import FaceImage, FaceSample


class Packed(Dataset):
    """What ``restore-recog pack`` wrote.

    Every image in it is there to be trained on, so every sample has the split ``train`` and no
    evaluation uses it. An image is its crop with the margin around it, and has the five landmarks.
    """

    name = "packed"
    tree = """\
FILE.pack               made by: restore-recog pack --data NAME:PATH --output FILE.pack
"""

    def __init__(self, location: str | None = None) -> None:
        super().__init__(location)
        self._pack: Pack | None = None
        self._rows: dict[str, int] = {}

    def pack(self) -> Pack:
        """Return the opened file.

        Raises:
            DataError: It is missing, no packed data file, damaged or cut short.
        """
        if self._pack is None:
            path = Path(self.location or "").expanduser()
            if not path.is_file():
                raise DataError(
                    f"The data set '{self.name}' finds no file {self.location or ''}; --data"
                    f" {self.name}:FILE.pack needs one. Expected:\n{self.tree}"
                )
            self._pack = open_pack(path)
            self._rows = {name: row for row, name in enumerate(self._pack.note.image_ids)}
            self.notes = _notes(self._pack)
        return self._pack

    def samples(self) -> Sequence[FaceSample]:
        pack = self.pack()
        note = pack.note
        samples = [
            FaceSample(
                image_id,
                note.subjects[label],
                attributes={**note.attributes[row], "split": "train"},
            )
            for row, (image_id, label) in enumerate(zip(note.image_ids, pack.subjects, strict=True))
        ]
        return sorted(samples, key=lambda sample: sample.image_id)

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        return [self._read(sample) for sample in samples]

    def _read(self, sample: FaceSample) -> FaceImage | RestoreRecogError:
        pack = self.pack()
        row = self._rows.get(sample.image_id)
        if row is None:
            return DataError(f"{pack.path} has no image '{sample.image_id}'.")
        try:
            pixels = pack.pixels[row]
        except DataError as error:
            return error
        margin = (len(pixels) - pack.note.size) // 2
        return FaceImage(pixels.copy(), pack.landmarks[row] + margin)


def _notes(pack: Pack) -> list[str]:
    note = pack.note
    notes = [
        f"{source['packed']} of {source['pictures']} images of {source['name']} are in the"
        " packed file."
        for source in note.sources
    ]
    if note.protocol:
        notes.append(f"Packed were the images that the protocol {note.protocol} leaves.")
    if note.left_out:
        notes.append(f"When it was packed: {note.left_out}")
    return notes

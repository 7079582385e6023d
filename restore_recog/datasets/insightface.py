"""The identity folders of insightface's evaluation tool, in its three arrangements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from restore_recog.datasets.files import FileDataset
from restore_recog.errors import DataError
from restore_recog.names import label
from restore_recog.types import FaceSample

GALLERY, PROBE, UNKNOWN, IDENTITIES = "gallery", "probe", "unknown", "identities"
PACK = ".bin"


class InsightFace(FileDataset):
    """One folder per person, as insightface 1.0's evaluation of your own data expects it.

    The attribute ``role`` says what an image is for: ``gallery``, ``probe`` or ``unknown``.
    Where folders do not say it, a person's first image with ``gallery`` in its name is the
    gallery's, else the first of all; the others are probes (Auto Split). Images in
    ``unknown`` show people who are in no gallery: each is a subject of its own.

    A subject is the name of the folder; what follows ``__`` in it is the attribute ``name``.
    Nothing says which images are occluded: all have the condition ``clean``, so that a
    protocol covers the probes. Images that are occluded already belong in ``folder`` or
    ``manifest``.
    """

    name = "insightface"
    tree = """\
PATH/                        1:1
  0001__Alice/
    gallery.jpg              optional: else the first image is the gallery's
    img002.jpg
or
PATH/                        1:N
  gallery/0001__Alice/*.jpg
  probe/0001__Alice/*.jpg
  unknown/*.jpg              optional: people who are not in the gallery
or
PATH/                        1:N with Auto Split
  identities/0001__Alice/*.jpg
"""

    def root(self) -> Path:
        if self.location and Path(self.location).suffix.lower() == PACK:
            raise _packed(Path(self.location))
        return super().root()

    def scan(self, root: Path) -> Iterable[FaceSample]:
        if not (root / GALLERY).is_dir():
            tree = root / IDENTITIES if (root / IDENTITIES).is_dir() else root
            samples = list(self._auto_split(root, tree))
        else:
            samples = [*self._people(root, GALLERY), *self._people(root, PROBE)]
            self._note_mates(root, samples)
            if (root / IDENTITIES).is_dir():
                self.notes.append(
                    f"{len(self.image_files(root / IDENTITIES, deep=True))} images in"
                    f" {root / IDENTITIES} were left out: {GALLERY} and {PROBE} go first."
                )
        samples += self._unknown(root)
        self._note_names(root, samples)
        packs = [file for file in self.search.files(root) if file.suffix == PACK]
        if packs and not samples:
            raise _packed(packs[0])
        if packs:
            self.notes.append(f"{len(packs)} packed files (*{PACK}) in {root} are not read.")
        return samples

    def _auto_split(self, root: Path, tree: Path) -> Iterator[FaceSample]:
        self.leave_out_loose(tree)
        for folder in self.folders(tree):
            if folder == root / UNKNOWN:
                continue
            paths = self.image_files(folder, deep=True)
            marked = [path for path in paths if GALLERY in path.name.lower()]
            first = (marked or paths)[:1]
            for path in paths:
                yield self._sample(root, folder, path, GALLERY if path in first else PROBE)

    def _people(self, root: Path, role: str) -> Iterator[FaceSample]:
        if not (root / role).is_dir():
            return
        self.leave_out_loose(root / role)
        for folder in self.folders(root / role):
            for path in self.image_files(folder, deep=True):
                yield self._sample(root, folder, path, role)

    def _sample(self, root: Path, folder: Path, path: Path, role: str) -> FaceSample:
        subject = label(folder.name)
        _, separator, name = subject.partition("__")
        attributes = {"role": role, **({"name": name} if separator else {})}
        return FaceSample(self.identifier(path, root), subject, path, attributes=attributes)

    def _unknown(self, root: Path) -> Iterator[FaceSample]:
        if not (root / UNKNOWN).is_dir():
            return
        taken: set[str] = set()
        for path in self.image_files(root / UNKNOWN, deep=True):
            image_id = self.identifier(path, root)
            subject = image_id.removesuffix(path.suffix)
            if subject in taken:  # one stem with two endings
                subject = image_id
            taken.add(subject)
            yield FaceSample(image_id, subject, path, attributes={"role": UNKNOWN})

    def _note_mates(self, root: Path, samples: Sequence[FaceSample]) -> None:
        people = {
            role: {sample.subject for sample in samples if sample.attributes["role"] == role}
            for role in (GALLERY, PROBE)
        }
        for role, other in ((GALLERY, PROBE), (PROBE, GALLERY)):
            lone = people[role] - people[other]
            if lone:
                kept = sum(sample.subject in lone for sample in samples)
                self.notes.append(
                    f"{len(lone)} of the people in {root / role} are not in {other}; their {kept}"
                    " images are kept."
                )

    def _note_names(self, root: Path, samples: Sequence[FaceSample]) -> None:
        names: dict[str, set[str]] = defaultdict(set)
        for sample in samples:
            if "name" in sample.attributes:
                names[sample.subject.partition("__")[0]].add(sample.subject)
        shared = sorted(number for number, subjects in names.items() if len(subjects) > 1)
        if shared:
            self.notes.append(
                f"{len(shared)} numbers in {root} belong to folders of different names, which are"
                f" taken for different people: {', '.join(shared)}."
            )


def _packed(file: Path) -> DataError:
    return DataError(
        f"The data set 'insightface' does not read the packed file {file}: it is a Python pickle,"
        " which can run any code when it is opened; unpack it with the tool that made it, to"
        " images in folders, and name the folder."
    )

"""Restored images that any system has made of the crops of ``restore-recog crops``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from restore_recog import images
from restore_recog.api import Restorer
from restore_recog.errors import DataError, ImageError, PluginError
from restore_recog.images import to_tensor
from restore_recog.names import label, printable
from restore_recog.restoring.by_image import (
    change,
    in_bytes,
    mostly,
    named,
    put_back,
    read_result,
    swapped,
)
from restore_recog.restoring.crop_folder import MASKS, RESTORED, CropFolder, digest
from restore_recog.system.progress import bar
from restore_recog.types import Pixels

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.types import FaceBatch


class Results:
    """The results in a folder of crops, each looked at once.

    Attributes:
        files: Name of a crop -> the file of its result; without those that cannot be used.
        reasons: Name of a crop -> why it has none.
        notes: Sentences on what is missing, extra, resampled or was put back.
        sha256: Of all files.

    Raises:
        DataError: There is no result at all, or the covered part was left alone in most of them
            and the uncovered part changed.
    """

    def __init__(self, folder: CropFolder) -> None:
        self._folder = folder
        place = folder.path / RESTORED
        inside = sorted(place.iterdir()) if place.is_dir() else []
        there = [path for path in inside if path.is_file() and not path.name.startswith(".")]
        mine = [p for p in there if p.suffix.lower() in images.extensions]
        by_stem = {path.stem: path for path in mine} | {
            p.stem: p for p in mine if p.suffix == ".png"
        }
        names = sorted(set(folder.names.values()))
        self.files = {n: by_stem[Path(n).stem] for n in names if Path(n).stem in by_stem}
        if not self.files:
            raise DataError(
                f"There are no results for the {len(names)} crops in '{place}'; let the system "
                "write its images there, under the names of the crops."
            )
        missing = [name for name in names if name not in self.files]
        self.reasons = {n: f"There is no result {place / n}." for n in missing}
        used = set(self.files.values())
        extra = [label(path.name) for path in there if path not in used]
        self._resampled: list[str] = []
        self._changed: list[str] = []
        self._most = 0
        self.sha256 = self._looked_at()
        self.notes = self._notes(missing, extra)

    def _looked_at(self) -> str:
        """Look at every result beside its crop, and return the hash of all of them."""
        sha256, verdicts = hashlib.sha256(), []
        work = sorted(self.files.items())
        for name, path in bar(len(work), "reading results", iterable=work, unit="image"):
            sha256.update(f"{name}\0".encode() + path.read_bytes())
            try:
                verdicts.append(self._swapped(name, path))
            except ImageError as error:
                self.reasons[name] = str(error)
                del self.files[name]
        if verdicts and mostly(verdicts):
            raise DataError(
                f"In {sum(verdicts)} of {len(verdicts)} results in '{self._folder.path}' the "
                "uncovered part was changed and the covered part was not: the system reads masks "
                f"the other way round; invert those in {MASKS}, or write the crops again with "
                f"--polarity {1 - self._folder.polarity}, and restore them anew."
            )
        return sha256.hexdigest()

    def _swapped(self, name: str, path: Path) -> bool:
        """Note what became of one crop; return whether the wrong part of it was restored."""
        size = self._folder.size
        crop, hole = self._folder.crop(name)
        result, resampled = read_result(path, size)
        if crop.shape != (size, size, 3):
            raise ImageError(f"The crop of {name} is no more {size} x {size} pixels.")
        if resampled:
            self._resampled.append(name)
        gap = change(crop, result)
        outside = int(abs(crop.astype(int) - result.astype(int))[hole == 0].max(initial=0))
        if outside and not resampled:  # which changes every pixel by itself
            self._changed.append(name)
            self._most = max(self._most, outside)
        return swapped(gap, hole)

    def _notes(self, missing: list[str], extra: list[str]) -> list[str]:
        who, count = (
            f"precomputed:{label(self._folder.path.resolve().name)}",
            len(self._folder.names),
        )
        damaged = sorted(set(self.reasons) - set(missing))
        size, read = self._folder.size, len(self.files)
        said = (
            (missing, f"crops without a result, which count as restorer failures: {{}} of {count}"),
            (damaged, f"results of no use, which count as restorer failures: {{}} of {count}"),
            (extra, "files that belong to no crop and are left out: {}"),
            (self._resampled, f"results resampled to {size} x {size} pixels: {{}} of {read}"),
            (
                self._changed,
                f"results that differ outside the mask, by up to {self._most} grey levels, and got "
                f"the crop's pixels back there: {{}} of {read}",
            ),
        )
        return [f"{who}: {text.format(len(of))} ({named(of)})." for of, text in said if of]


class Precomputed(Restorer):
    """Take restored images from a folder that "restore-recog crops" wrote and any system filled.

    A crop is found by its pixels and its mask. Pixels outside the mask are put back bit for bit.

    Args:
        argument: The folder.
        weights, device: As for every restorer; it has no use for them.

    Raises:
        PluginError: No folder is named.
        DataError: It is no such folder, holds no results, or those of inverted masks.
    """

    name: ClassVar[str] = "precomputed"

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        super().__init__(weights=weights, device=device)
        if not argument:
            raise PluginError(
                "The restorer 'precomputed' needs the folder that 'restore-recog crops' wrote: "
                "precomputed:DIR."
            )
        self.folder = CropFolder.read(Path(argument).expanduser())
        self.results = Results(self.folder)
        self.notes = self.results.notes
        self.image_size = (self.folder.size, self.folder.size)
        self.argument = label(self.folder.path.resolve().name)
        self.settings: dict[str, Any] = {
            "folder": printable(argument),
            "results": len(self.results.files),
            "results_sha256": self.results.sha256,
        }

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the images of the folder; outside the masks they are returned bit for bit.

        Raises:
            ImageError: One of them has no result.
            PluginError: The folder knows none of several crops: it is of another run.
        """
        keys = [digest(image, hole) for image, hole in zip(*in_bytes(batch), strict=True)]
        if len(keys) > 1 and not set(keys) & set(self.folder.names):
            raise PluginError(
                f"The folder '{self.folder.path}' holds none of the {len(keys)} crops that are to "
                "be restored: it is of another run. Write it again with the data, protocol, limit, "
                "segmenter, arms, coverings, seed and crop size of this one; it was made by: "
                f"{self.folder.command}"
            )
        return put_back(batch, to_tensor([self._result(key) for key in keys]))

    def _result(self, key: str) -> Pixels:
        """Return the (S, S, 3) result for the crop with a digest."""
        name = self.folder.names.get(key)
        if name is None:
            raise ImageError(f"The folder '{self.folder.path}' holds no crop with digest {key}.")
        if name in self.results.reasons:
            raise ImageError(self.results.reasons[name])
        return read_result(self.results.files[name], self.folder.size)[0]

"""OCFR-2022: LFW under the occluders of the competition on occluded face recognition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from restore_recog import images
from restore_recog.datasets.files import FileDataset, beside
from restore_recog.datasets.lfw import LFW
from restore_recog.errors import ImageError, RestoreRecogError
from restore_recog.names import label
from restore_recog.types import FaceImage, FaceSample, Pixels

PAIRS = ("pairs.txt", "pairs_list.txt", "pair_list.txt")
CLEAR, CLEAR_FOLDER = "C", "lfwA_u"
PHOTOGRAPHS = ("lfw", CLEAR_FOLDER)
STRATEGIES = tuple(f"O{number}" for number in range(1, 8))
"""What the competition calls its seven ways to occlude; the lists call unoccluded images C."""

LAYER, MASK = "_occlusion", "_occlusion_mask"

Image = tuple[Path, Path, Path | None]
"""An occluded image: the place that lists give it, its file or layer, and the layer's mask."""


class OCFR(FileDataset):
    """The benchmark of OCFR-2022: photographs of LFW, and layers with one or several occluders.

    Source: Neto, Boutros, Pinto, Damer, Sequeira, Cardoso et al., "OCFR 2022: Competition on
    Occluded Face Recognition From Synthetically Generated Structure-Aware Occlusions", IJCB 2022,
    and the README of its public repository.

    A layer is two images of the photograph's size: the occluders, and a mask that is 0 on them
    and 255 elsewhere. They are laid over the photograph as the README says, wherever the mask is
    exactly 0; the truth about what is occluded is what was replaced. An image_id is the place
    that the competition's lists give, ``lfwAO3_u/<Name>/<image>.jpg``, its condition the
    strategy, ``O3``. Where a release has the finished images in such folders, those are read; then
    nothing says what is occluded.

    The photographs are read as :class:`~restore_recog.datasets.lfw.LFW` reads them: labels,
    landmarks (a layer moves no face) and who is for training are those of LFW.
    """

    name = "ocfr"
    tree = """\
PATH/
  lfw/<Name>/<Name>_0001.jpg                        LFW, not funneled (or in lfwA_u/); may be a link
  occlusions_1/<Name>/<image>_occlusion.jpg         to occlusions_7/: the occluders
  occlusions_1/<Name>/<image>_occlusion_mask.jpg    0 on the occluders, 255 elsewhere
  pairs.txt                                         optional: the pairs of all protocols
  C_O1_list.txt                                     optional: the images of each protocol
"""

    def __init__(self, location: str | None = None) -> None:
        super().__init__(location)
        self._beneath: dict[str, tuple[Path, Path]] = {}  # image_id -> photograph, mask

    def scan(self, root: Path) -> Iterable[FaceSample]:
        self.pair_list = beside(root, *PAIRS)
        clear = self._photographs(root)
        samples = list(clear.values())
        for strategy in STRATEGIES:
            layers, finished = root / f"occlusions_{strategy[1:]}", root / f"lfwA{strategy}_u"
            if layers.is_dir():
                occluded = self._layers(layers, finished)
            elif finished.is_dir():
                occluded = self._finished(finished)
            else:
                continue
            samples += self._samples_of(root, strategy, occluded, clear)
        if len(samples) == len(clear):
            raise self.finds(f"no occluded image under {root}")
        return samples

    def _photographs(self, root: Path) -> dict[str, FaceSample]:
        """Return the sample of every photograph by its name, ``<Name>_0001``."""
        folder = next((root / name for name in PHOTOGRAPHS if (root / name).is_dir()), None)
        if folder is None:
            raise self.finds(f"neither {root / PHOTOGRAPHS[0]} nor {root / PHOTOGRAPHS[1]}")
        lfw = LFW(str(folder))
        clear = {}
        for sample in lfw.samples():
            assert sample.path is not None
            image_id = f"{CLEAR_FOLDER}/{sample.image_id}"
            if sample.image_id in lfw.points:
                self.points[image_id] = lfw.points[sample.image_id]
            clear[label(sample.path.stem)] = replace(sample, image_id=image_id)
        self.notes += lfw.notes
        return clear

    def _layers(self, folder: Path, finished: Path) -> Iterator[Image]:
        """Yield the images of a strategy that are made of layers; the others are noted."""
        misnamed = unmasked = 0
        for person in self.folders(folder):
            files = {path.stem: path for path in self.image_files(person)}
            for stem, path in files.items():
                if stem.endswith(MASK):
                    continue
                name, mask = stem.removesuffix(LAYER), files.get(stem + MASK.removeprefix(LAYER))
                misnamed += name == stem
                unmasked += name != stem and mask is None
                if name != stem and mask is not None:
                    yield finished / person.name / f"{name}{path.suffix}", path, mask
        self.note(
            misnamed,
            f"images in {folder} are named neither <image>{LAYER} nor <image>{MASK} and were left"
            " out.",
        )
        self.note(unmasked, f"occluders in {folder} have no mask beside them and were left out.")

    def _finished(self, folder: Path) -> Iterator[Image]:
        """Yield the images of a strategy that came finished."""
        for person in self.folders(folder):
            yield from ((path, path, None) for path in self.image_files(person))

    def _samples_of(
        self, root: Path, strategy: str, occluded: Iterable[Image], clear: Mapping[str, FaceSample]
    ) -> Iterator[FaceSample]:
        """Yield the images of a strategy that lie over a photograph; the others are noted."""
        without = 0
        for place, path, mask in occluded:
            name = photograph(label(place.parent.name), label(place.stem))
            photo = clear.get(name or "")
            if photo is None or photo.path is None:
                without += 1
                continue
            image_id = self.identifier(place, root)
            if mask is not None:
                self._beneath[image_id] = photo.path, mask
            if photo.image_id in self.points:
                self.points[image_id] = self.points[photo.image_id]
            yield replace(
                photo, image_id=image_id, path=path, condition=strategy, clean_id=photo.image_id
            )
        self.note(without, f"images of {strategy} show no photograph of LFW and were left out.")

    def _read(self, sample: FaceSample) -> FaceImage | RestoreRecogError:
        if sample.image_id not in self._beneath or sample.path is None:
            return super()._read(sample)
        photo, mask = self._beneath[sample.image_id]
        try:
            pixels, occluded = composed(photo, sample.path, mask)
        except ImageError as error:
            return error
        return FaceImage(pixels, self.landmarks(sample), occluded)


def photograph(person: str, name: str) -> str | None:
    """Return the photograph of LFW that an image shows, ``<Name>_0001``; None where it says none.

    The competition renamed copies of images to tell references from probes, so the name may have
    more around it.
    """
    match = re.search(re.escape(person) + r"_\d{4}(?!\d)", name, re.ASCII)
    return match[0] if match else None


def composed(photo: Path, occluders: Path, mask: Path) -> tuple[Pixels, Pixels]:
    """Return a photograph under a layer, (H, W, 3) RGB, and (H, W) what is occluded, 1 or 0.

    A value of the layer replaces one of the photograph where the mask is exactly 0, as in the
    README of the competition; where the losses of JPEG left 1 or more, the photograph stays.

    Raises:
        ImageError: One of the three cannot be read, or their sizes differ.
    """
    bottom, top, cover = (images.read(path) for path in (photo, occluders, mask))
    for path, layer in ((occluders, top), (mask, cover)):
        if layer.shape != bottom.shape:
            raise ImageError(
                f"The layer {path} is {layer.shape[1]} x {layer.shape[0]} pixels and its photograph"
                f" {photo} is {bottom.shape[1]} x {bottom.shape[0]}: put the LFW there that the"
                " layers were made for, as it was published."
            )
    pixels = np.where(cover == 0, top, bottom)
    return pixels, (cover == 0).any(axis=2).astype(np.uint8)  # (H, W)

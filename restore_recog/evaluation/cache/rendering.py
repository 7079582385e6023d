"""Rendered images, kept so that none is rendered twice: that is most of the work of a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from restore_recog.api import Dataset
from restore_recog.errors import RestoreRecogError
from restore_recog.evaluation.cache.entries import FORMAT, software
from restore_recog.evaluation.cache.identity import identity
from restore_recog.evaluation.cache.packing import (
    packed_image,
    packed_samples,
    unpacked_image,
    unpacked_samples,
)
from restore_recog.evaluation.cache.store import WorkCache
from restore_recog.types import FaceImage, FaceSample


def kept(
    datasets: Sequence[Dataset], folder: Path | None
) -> tuple[Sequence[Dataset], WorkCache | None]:
    """Return data sets, of which those that render keep their images, and the cache in a folder.

    Raises:
        OutputError: The folder cannot be made.
    """
    if folder is None:
        return datasets, None
    cache = WorkCache(folder)
    return [RenderedOnce(d, cache) if d.rendered else d for d in datasets], cache


class RenderedOnce(Dataset):
    """A data set that renders its images, in front of a cache of them.

    Args:
        dataset: An image follows from its sources, its settings and the sample alone.
        cache: Where images are kept.
    """

    rendered = True

    def __init__(self, dataset: Dataset, cache: WorkCache) -> None:
        super().__init__(dataset.location)
        self.name = dataset.name  # type: ignore[misc]
        self._dataset, self._cache = dataset, cache
        self._base = json.dumps([FORMAT, "render", software(), identity(dataset)])

    def samples(self) -> Sequence[FaceSample]:
        """Return those of the data set; what is said of each is drawn as its image is."""
        key = hashlib.sha256(f"{self._base}\0samples".encode()).digest()
        known = self._cache.read(key, unpacked_samples)
        if known is None:
            known = list(self._dataset.samples())
            if all(sample.path is None for sample in known):
                self._cache.put({key: packed_samples(known)})
        return known

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        """Return every image, kept or rendered; reasons why there is none are not kept."""
        keys = [self._key(sample) for sample in samples]
        known = [self._cache.read(key, unpacked_image) for key in keys]
        missing = [i for i, image in enumerate(known) if image is None]
        made = self._dataset.read([samples[i] for i in missing]) if missing else []
        new = dict(zip(missing, made, strict=True))
        entries = {i: image for i, image in new.items() if isinstance(image, FaceImage)}
        self._cache.put({keys[i]: packed_image(image) for i, image in entries.items()})
        return [new[i] if image is None else image for i, image in enumerate(known)]

    def _key(self, sample: FaceSample) -> bytes:
        return hashlib.sha256(f"{self._base}\0{sample.image_id}".encode()).digest()

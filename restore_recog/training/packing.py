"""From images to a packed data file of their crops."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from restore_recog import __version__
from restore_recog.packs import format
from restore_recog.packs.format import Note, Pack
from restore_recog.packs.writer import PackWriter
from restore_recog.system.atomic import whole_file
from restore_recog.training.gathering import Gathered, Source, gather


def write_pack(
    path: Path,
    found: Sequence[Source],
    size: int,
    *,
    stored: format.Storage = "raw",
    protocol: str | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Pack:
    """Write the crops of images to a packed data file, whole or not at all, and open it.

    Args:
        path: The file.
        found: The images.
        size: Side of the crops in pixels.
        stored: ``raw``, ``png`` or ``webp``; the pixels are the same.
        protocol: Whose training images these are.
        overwrite: Whether a file of this name may be replaced.
        progress: Whether to show a bar on the terminal.

    Raises:
        DataError: No image yielded a crop.
        OutputError: The file exists or cannot be written.
    """
    with whole_file(path, overwrite=overwrite) as part, part.open("wb") as file:
        writer = PackWriter(file, size, stored)
        made = gather(found, size, writer.add, progress)
        note = Note(
            size,
            stored,
            made.image_ids,
            tuple(made.people),
            made.attributes,
            [_provenance(source, made) for source in found],
            tuple(made.failures),
            protocol=protocol,
            version=__version__,
        )
        writer.finish(note, np.stack(made.landmarks), np.array(made.labels, np.int64))
    return format.open_pack(path)


def _provenance(source: Source, made: Gathered) -> dict[str, object]:
    """Return what a pack keeps of one data set; of a place only its name, no folders."""
    dataset = source.dataset
    location = Path(dataset.location).name if dataset.location else None
    listed = [[sample.image_id, sample.subject] for sample in source.samples]
    return {
        "name": dataset.name,
        "location": location,
        "rendered": dataset.rendered,
        "pictures": len(source.samples),
        "people": len({sample.subject for sample in source.samples}),
        "packed": sum(text.startswith(f"{source.number}:") for text in made.image_ids),
        "fingerprint": hashlib.sha256(json.dumps(listed).encode()).hexdigest(),
        "notes": list(dataset.notes),
    }

"""What ``restore-recog restore`` reads and writes, settled before any work begins."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from restore_recog import images
from restore_recog.containers import EXACT
from restore_recog.errors import DataError, OutputError
from restore_recog.image_search import ImageSearch
from restore_recog.names import label, listed
from restore_recog.system.atomic import check_place, whole_file
from restore_recog.system.text import write_csv
from restore_recog.types import Failure

FAILURES = "failures.csv"
SHEET = "sheet.png"


@dataclass(frozen=True, slots=True)
class Job:
    """One image to restore.

    Attributes:
        source: The file as the user named it or as the folder holds it.
        target: Where the result goes; its format keeps every pixel unless another was asked for.
        copy: Where the source goes as it is, if nothing changes.
        mask: File with the mask of the covering, or None where it is to be found.
    """

    source: Path
    target: Path
    copy: Path
    mask: Path | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the results.

    Attributes:
        output: A file ``a.png`` goes to ``output/a.png``, a folder's ``b/c.png`` to
            ``output/b/c.png``.
        masks: One mask file for one image, or a folder of masks with the images' names (any
            image format); None has the coverings found.
        overwrite: Whether results that exist are replaced.
        same_format: Whether the result has the format of its source even where that changes
            pixels outside the covering.
        several: One image may yield several files, whose number is not known yet; the output
            folder must then be empty.
        sheet: Whether a contact sheet is written, too.
    """

    output: Path
    masks: Path | None = None
    overwrite: bool = False
    same_format: bool = False
    several: bool = False
    sheet: bool = False


@dataclass(slots=True)
class Jobs:
    """All that is to be done, in sorted order, and what was passed over, a sentence each."""

    jobs: list[Job] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan_jobs(inputs: Sequence[Path], wanted: Wanted) -> Jobs:
    """Return what is to be done; checks everything before any work.

    Args:
        inputs: Files, and folders that are searched with their sub-folders.
        wanted: What is asked of the results.

    Raises:
        DataError: An input is missing, holds no image, or two results would have one name; an
            image has no mask in ``wanted.masks``.
        OutputError: The output cannot be written, or a result exists or would replace a source.
    """
    planned = Jobs()
    sources: dict[Path, Path] = {}
    for top in inputs:
        for source, name in _images(top, wanted.output, planned.notes):
            if name in sources and not os.path.samefile(sources[name], source):
                raise DataError(
                    f"{sources[name]} and {source} would both be written to"
                    f" {wanted.output / name}; restore them into different folders."
                )
            sources[name] = source
    masks, output = wanted.masks, wanted.output
    if masks is not None and os.path.isfile(masks) and len(sources) > 1:
        raise DataError(
            f"{masks} is one mask, but there are {len(sources)} images; give --mask a folder "
            "that holds one mask for each, under the image's name."
        )
    for name, target in _targets(sorted(sources), wanted).items():
        mask = _mask_of(name, masks)
        planned.jobs.append(Job(sources[name], output / target, output / name, mask))
    _check_output(output)
    _check_names(planned.jobs, wanted)
    _check_sources(planned.jobs)
    if not wanted.overwrite:
        _check_new(planned.jobs, wanted)
    return planned


def write_failures(failures: Sequence[Failure], output: Path) -> Path | None:
    """Write failures.csv and return its path; without failures remove a former run's.

    Raises:
        OutputError: It cannot be written.
    """
    path = output / FAILURES
    if failures:
        with whole_file(path) as part:
            rows = ([f.image_id, f.stage, f.reason] for f in failures)
            write_csv(part, ["image", "stage", "reason"], rows)
        return path
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot remove {path}: {error.strerror}.") from error
    return None


def _images(top: Path, output: Path, notes: list[str]) -> Iterator[tuple[Path, Path]]:
    """Yield (file, name below the output folder) of one input, sorted; note what is passed over."""
    if os.path.isfile(top):
        yield top, Path(top.name)
        return
    if not os.path.isdir(top):
        raise DataError(f"There is no file or folder {top}.")
    search = ImageSearch()
    files = search.images(top, deep=True)
    notes += search.notes(top)
    place = output.resolve()
    if top.resolve() in place.parents:  # results of a former run
        results = {path for path in files if place in path.resolve().parents}
        files = [path for path in files if path not in results]
        if results:
            notes.append(f"{len(results)} images in the output folder {output} were passed over.")
    if not files:
        raise DataError(
            " ".join(
                [
                    f"The folder {top} holds no images ({', '.join(images.extensions)}), nor do"
                    " its sub-folders.",
                    *notes,
                ]
            )
        )
    for path in files:
        yield path, path.relative_to(top)


def _targets(names: Sequence[Path], wanted: Wanted) -> dict[Path, Path]:
    """Return name of the source -> name of the result: PNG where its format changes pixels.

    A result never takes the name of another source, as that may be copied.
    """
    kept = images.extensions if wanted.same_format else EXACT
    taken = {*names, *([Path(SHEET)] if wanted.sheet else [])}
    targets: dict[Path, Path] = {}
    for name in names:
        target = name
        if name.suffix.lower() not in kept:
            known = name.suffix.lower() in images.extensions
            target = name.with_suffix(".png") if known else _longer(name)
            if target in taken:
                target = _longer(name)
            if target in taken:
                raise DataError(
                    f"The result of {name} and that of another image would both be"
                    f" called {target}; rename one of them."
                )
            taken.add(target)
        targets[name] = target
    return targets


def _longer(name: Path) -> Path:
    return name.with_name(f"{name.name}.png")


def _mask_of(name: Path, masks: Path | None) -> Path | None:
    if masks is None or os.path.isfile(masks):
        return masks
    if not os.path.isdir(masks):
        raise DataError(f"There is no mask file or folder {masks}; check --mask.")
    for ending in (name.suffix, *images.extensions):
        place = masks / listed(masks, str(name.with_suffix(ending)))
        if os.path.isfile(place):
            return place
    raise DataError(f"There is no mask for {name} in {masks}; it must have the image's name.")


def _check_output(output: Path) -> None:
    if os.path.lexists(output) and not os.path.isdir(output):
        raise OutputError(f"The output {output} is a file; --output must name a folder.")
    check_place(output)


def _check_names(jobs: Sequence[Job], wanted: Wanted) -> None:
    """Refuse results that would have the name of a by-product, or of a folder of another."""
    output = wanted.output
    made = {output / FAILURES: "the list of failures"}
    if wanted.sheet:
        made[output / SHEET] = "the contact sheet"
    files: dict[Path, Path] = {}
    for job in jobs:
        files |= {job.target: job.source, job.copy: job.source}
    for place, source in files.items():
        for other in (place, *place.parents):
            what = made.get(other)
            if what is None and other != place and other in files:
                what = f"the result of {files[other]}"
            if what is not None:
                raise DataError(
                    f"The result of {source} and {what} would both be written to {other};"
                    " restore them into different folders, or rename one."
                )
    if wanted.several:
        _check_further_faces(files)


def _check_further_faces(files: Mapping[Path, Path]) -> None:
    for place, source in files.items():
        stem = re.fullmatch(r"(.+)\.\d+", place.stem)
        first = stem and place.with_stem(stem[1])
        if first and first in files:
            raise DataError(
                f"A further face of {files[first]} and the result of {source} would both be"
                f" written to {place}; restore them into different folders, or rename one."
            )


def _check_sources(jobs: Sequence[Job]) -> None:
    """Refuse results that would replace what is read."""
    read: dict[tuple[int, int], Path] = {}
    for job in jobs:
        for path in filter(None, (job.source, job.mask)):
            facts = path.stat()
            read[facts.st_dev, facts.st_ino] = path
    for job in jobs:
        for path in {job.target, job.copy}:
            if not os.path.exists(path):
                continue
            facts = path.stat()
            replaced = read.get((facts.st_dev, facts.st_ino))
            if replaced == job.source:
                raise OutputError(
                    f"The result would replace its own source {job.source}; choose another"
                    " --output."
                )
            if replaced is not None:
                raise OutputError(
                    f"The result of {job.source} would replace {replaced}, which is read, too;"
                    " choose another --output."
                )


def _check_new(jobs: Sequence[Job], wanted: Wanted) -> None:
    places = [place for job in jobs for place in dict.fromkeys((job.target, job.copy))]
    places += [wanted.output / name for name in (FAILURES, SHEET)]
    there = [place for place in places if os.path.lexists(place)]
    if wanted.several and os.path.isdir(wanted.output):
        there = sorted(wanted.output.iterdir())
    if there:
        raise OutputError(
            f"{len(there)} results exist already, first {label(str(there[0]))}; add --overwrite to"
            " replace them or choose another --output."
        )

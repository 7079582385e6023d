"""What ``restore-recog restore`` reads and writes, settled before any work begins."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from restore_recog import images
from restore_recog.errors import DataError, OutputError
from restore_recog.types import Failure

FAILURES = "failures.csv"
SHEET = "sheet.png"


@dataclass(frozen=True, slots=True)
class Job:
    """One image to restore.

    Attributes:
        source: The file as the user named it or as the folder holds it.
        target: Where the result goes.
        mask: File with the mask of the covering, or None where it is to be found.
    """

    source: Path
    target: Path
    mask: Path | None = None


def plan_jobs(
    inputs: Sequence[Path],
    output: Path,
    *,
    masks: Path | None = None,
    overwrite: bool = False,
    several: bool = False,
) -> list[Job]:
    """Return what is to be done, in sorted order; checks everything before any work.

    Args:
        inputs: Files, and folders that are searched with their sub-folders.
        output: A file ``a.jpg`` goes to ``output/a.jpg``, a folder's ``b/c.jpg`` to
            ``output/b/c.jpg``.
        masks: One mask file for one image, or a folder of masks with the images' names
            (any image format).
        overwrite: Whether results that exist are replaced.
        several: One image may yield several files, whose names are not known yet; the
            output folder must then be empty.

    Raises:
        DataError: An input is missing, holds no image, or two would get one name; an
            image has no mask in *masks*.
        OutputError: A result exists, or would replace its own source.
    """
    sources: dict[Path, Path] = {}
    for top in inputs:
        for source, name in _images(top, output):
            if name in sources and sources[name].resolve() != source.resolve():
                raise DataError(
                    f"{sources[name]} and {source} would both be written to {output / name}; "
                    "restore them into different folders."
                )
            sources[name] = source
    if masks is not None and masks.is_file() and len(sources) > 1:
        raise DataError(
            f"{masks} is one mask, but there are {len(sources)} images; give --mask a folder "
            "that holds one mask for each, under the image's name."
        )
    jobs = [Job(sources[n], output / n, _mask_of(n, masks)) for n in sorted(sources)]
    _check_sources(jobs, output)
    if not overwrite:
        _check_new(jobs, output, several)
    return jobs


def write_failures(failures: Sequence[Failure], output: Path) -> Path | None:
    """Write failures.csv and return its path; without failures remove a former run's.

    Raises:
        OutputError: It cannot be written.
    """
    path = output / FAILURES
    try:
        path.unlink(missing_ok=True)
        if not failures:
            return None
        output.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["image", "stage", "reason"])
            writer.writerows([f.image_id, f.stage, f.reason] for f in failures)
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}.") from error
    return path


def _images(top: Path, output: Path) -> Iterator[tuple[Path, Path]]:
    """Yield (file, name below the output folder) of one input, sorted."""
    if top.is_file():
        yield top, Path(top.name)
        return
    if not top.is_dir():
        raise DataError(f"There is no file or folder {top}.")
    skip = output.resolve()
    files = [
        path
        for path in sorted(top.rglob("*"))
        if path.suffix.lower() in images.extensions
        and path.is_file()
        and skip not in path.resolve().parents
    ]
    if not files:
        raise DataError(
            f"The folder {top} holds no images ({', '.join(images.extensions)}), "
            "nor do its sub-folders."
        )
    for path in files:
        yield path, path.relative_to(top)


def _mask_of(name: Path, masks: Path | None) -> Path | None:
    if masks is None or masks.is_file():
        return masks
    if not masks.is_dir():
        raise DataError(f"There is no mask file or folder {masks}; check --mask.")
    for ending in (name.suffix, *images.extensions):
        if (masks / name.with_suffix(ending)).is_file():
            return masks / name.with_suffix(ending)
    raise DataError(f"There is no mask for {name} in {masks}; it must have the image's name.")


def _check_sources(jobs: Sequence[Job], output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise OutputError(f"The output {output} is a file; --output must name a folder.")
    for job in jobs:
        if job.target.resolve() == job.source.resolve():
            raise OutputError(
                f"The result would replace its own source {job.source}; choose another --output."
            )


def _check_new(jobs: Sequence[Job], output: Path, several: bool) -> None:
    targets = [job.target for job in jobs] + [output / FAILURES, output / SHEET]
    there = [target for target in targets if target.exists()]
    if several and output.is_dir():
        there = sorted(output.iterdir())
    if there:
        raise OutputError(
            f"{len(there)} results exist already, first {there[0]}; add --overwrite to replace "
            "them or choose another --output."
        )

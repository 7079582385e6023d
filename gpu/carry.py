"""``python -m gpu pack`` and ``unpack``: what must travel, in pieces."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from gpu.pieces import MIB, collect, cut, join, write_list
from restore_recog.cli import options
from restore_recog.errors import DataError, RestoreRecogError
from restore_recog.system.atomic import whole_folder

LENT = Path("/tmp/lent")
"""Where everything lies on the machine unless told otherwise."""

NAME = "carry.tar"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")

lent = click.option(
    "--lent",
    type=options.PATH,
    default=LENT,
    show_default=True,
    help="Folder on the machine that holds what was unpacked, and the runs.",
)


@click.command("pack")
@options.data(more="to be packed as training crops; repeat for several")
@click.option("--size", type=int, default=128, show_default=True, help="Side of the crops.")
@click.option("--store", default="webp:92", show_default=True, help="As of restore-recog pack.")
@options.leave_out
@options.images_limit
@click.option(
    "--test-people",
    "tested",
    multiple=True,
    metavar="NAME:WHERE",
    help="Data set whose images of test people travel as they are, for check; repeatable.",
)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Any other file or folder, e.g. a teacher or labels; repeatable.",
)
@click.option(
    "--wheel",
    "wheels",
    multiple=True,
    metavar="REQUIREMENT",
    help="Package that the machine lacks, e.g. facenet-pytorch==2.5.3; repeatable. "
    "What it requires in turn must be named too.",
)
@click.option("--python", default="3.12", show_default=True, help="The machine's Python.")
@click.option(
    "--piece-mib",
    type=click.FloatRange(min=0, min_open=True),
    default=40.0,
    show_default=True,
    help="Size of a piece at most: what may travel in a call, less the checkout.",
)
@options.output("Folder of the pieces; must not exist.", required=True)
def pack(output: Path, piece_mib: float, wheels: tuple[str, ...], **given: Any) -> None:
    """Pack crops, photographs, files and wheels for a machine without a network.

    \b
    Example:
      python -m gpu pack -d utkface:PATH --test-people lfw:PATH --file teacher.onnx \\
          --wheel facenet-pytorch==2.5.3 --output carry
    """
    with whole_folder(output) as folder, tempfile.TemporaryDirectory() as work:
        staged = Path(work) / "all"
        staged.mkdir()
        for file in given["files"]:
            copy = shutil.copytree if file.is_dir() else shutil.copyfile
            copy(file, staged / file.name)
        for spec in given["tested"]:
            _copy_test_people(spec, staged)
        if wheels:
            _download(wheels, given["python"], staged / "wheels")
        if given["data"]:
            _pack_crops(staged / "faces.pack", given)
        if not any(staged.iterdir()):
            raise click.UsageError("Nothing to pack; name --data, --file, --wheel, ...")
        with tarfile.open(Path(work) / NAME, "w") as archive:
            archive.add(staged, ".")
        pieces = cut(Path(work) / NAME, folder, int(piece_mib * MIB))
        write_list(pieces, folder)
    for piece in pieces:
        click.echo(f"{output / piece.name}: {(output / piece.name).stat().st_size / MIB:.1f} MiB")


def _pack_crops(file: Path, given: dict[str, Any]) -> None:
    from restore_recog.cli.pack import command

    names = ("data", "size", "store", "leave_out", "limit")
    chosen = {name: given[name] for name in names}
    click.get_current_context().invoke(command, output=file, protocol=None, seed=0, **chosen)


def _copy_test_people(spec: str, staged: Path) -> None:
    """Copy the images that a data set marks for testing to a folder of its name, as they lie."""
    from restore_recog import registry

    dataset = registry.datasets.create(spec)
    samples = dataset.samples()
    paths = [s.path for s in samples if s.attributes.get("split") == "test" and s.path]
    if not paths or not dataset.location:
        raise DataError(f"'{spec}' marks no image in a folder for testing; use --file for all.")
    root = Path(dataset.location).expanduser()
    for path in paths:
        target = staged / root.name / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    click.echo(f"{len(paths)} images of test people of {spec}")


def _download(wheels: Sequence[str], python: str, folder: Path) -> None:
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    _pip(
        "download", "--no-deps", "--only-binary=:all:", "--implementation", "cp", *platforms,
        "--python-version", python, "--dest", str(folder), *wheels,
    )  # fmt: skip


def _pip(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", words[0], "--quiet", *words[1:]])
    if done.returncode:
        raise RestoreRecogError(f"pip {words[0]} failed for the reason above; mend it and repeat.")


@click.command("unpack")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@lent
def unpack(source: Path, lent: Path) -> None:
    """Keep the pieces in SOURCE; with the last of them, unpack and install.

    Run it from the checkout, once for every piece that arrives.

    \b
    Example:
      python -m gpu unpack carry
    """
    there, missing = collect(source, lent / "pieces")
    if missing:
        click.echo(f"{len(there)} pieces are here; still missing: {', '.join(missing)}")
        return
    join(there, lent / NAME)
    with tarfile.open(lent / NAME) as archive:
        archive.extractall(lent, filter="data")
    (lent / NAME).unlink()
    site = lent / "site"
    wheels = sorted(map(str, (lent / "wheels").glob("*.whl")))
    if wheels:
        _pip("install", "--no-index", "--no-deps", "--upgrade", "--target", str(site), *wheels)
    # Plug-ins are known by the checkout's metadata, which no file of the repository holds.
    subprocess.run([sys.executable, "setup.py", "--quiet", "egg_info"], check=True)
    lacking = _lacking(site)
    if lacking:
        raise RestoreRecogError(
            f"Everything is unpacked, but this machine lacks {', '.join(lacking)}: pack again "
            "with a --wheel for each."
        )
    names = ", ".join(sorted(path.name for path in lent.iterdir()))
    click.echo(f"{lent} holds {names}. Put PYTHONPATH={site} before every command here.")


def _lacking(site: Path) -> list[str]:
    """Return what the project requires that is neither on this machine nor in *site*."""
    from packaging.requirements import Requirement

    places = [*sys.path, str(site)]
    (project,) = metadata.distributions(name="restore-recog", path=["."])
    wanted = [Requirement(text) for text in project.requires or []]
    return [
        str(one)
        for one in wanted
        if (one.marker is None or one.marker.evaluate({"extra": ""}))
        and not any(
            one.specifier.contains(installed.version, prereleases=True)
            for installed in metadata.distributions(name=one.name, path=places)
        )
    ]

"""``restore-recog pack``: put the training crops of data sets into one file."""

from __future__ import annotations

from pathlib import Path

import click

from restore_recog.cli import options
from restore_recog.names import printable


@click.command("pack")
@options.data(required=True)
@click.option(
    "--size",
    type=click.IntRange(min=16),
    default=128,
    show_default=True,
    help="Side of the crops in pixels: that of the model to be trained.",
)
@options.output("The file, e.g. faces.pack; must not exist.", required=True)
@options.protocol("Pack only what this evaluation protocol leaves for training.")
@options.leave_out
@options.images_limit
@options.seed
@click.option(
    "--store",
    default="raw",
    show_default=True,
    metavar="raw|png|webp|webp:QUALITY",
    help="raw trains faster; png takes half the room, webp a third, and no pixel differs. "
    "webp:92, say, takes a fifteenth, and the pixels differ slightly.",
)
def command(
    data: tuple[str, ...],
    size: int,
    output: Path,
    protocol: str | None,
    leave_out: Path | None,
    limit: int | None,
    seed: int,
    store: str,
) -> None:
    """Put the aligned clean training crops of data sets into one file.

    The file is read in place, so a training starts at once and its worker processes share the
    memory. Images of test splits and occluded ones are left out. The file is written whole or
    not at all.

    \b
    Example:
      restore-recog pack --data lfw:PATH --data phantom:200x5 --size 128 --output faces.pack
      restore-recog train-restorer --restorer fmodr --data packed:faces.pack --output runs/fmodr
    """
    from restore_recog import registry
    from restore_recog.packs.format import codec

    codec(store)
    for spec in data:
        registry.datasets.check(spec)
    from restore_recog.system.atomic import check_file, check_place

    check_file(output)
    check_place(output.parent)
    from restore_recog.cli.training_data import allowed
    from restore_recog.training.cropping import sources, write_pack

    datasets = [registry.datasets.create(spec) for spec in data]
    only, listed = allowed(protocol, leave_out, datasets, seed)
    if listed:
        click.echo(listed, err=True)
    chosen = sources(datasets, only, limit)
    pack = write_pack(
        output, chosen, size, stored=store, protocol=protocol, left_out=str(listed or "")
    )
    for failure in pack.note.failures[:5]:
        click.echo(printable(f"{failure.image_id}: {failure.reason}"), err=True)
    click.echo(
        f"{output}: {len(pack)} crops of {len(pack.note.subjects)} people at {size} pixels, "
        f"{output.stat().st_size / 1e6:.1f} MB; {len(pack.note.failures)} images could not be "
        "used; the file lists them and the training repeats them in its failures.csv."
    )

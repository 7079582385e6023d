"""``restore-recog export``: a restorer as a file for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from restore_recog.cli import options


@click.command("export")
@options.restorer(required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["onnx", "torch-export"]),
    default="onnx",
    show_default=True,
)
@options.weights
@options.output("The file; must not exist.  [default: <restorer>.onnx or .pt2]")
def command(restorer: str, form: str, weights: Path | None, output: Path | None) -> None:
    """Write a restorer as ONNX or torch.export, checked against the restorer itself.

    The file takes images (N, 3, H, W) in [0, 1], RGB, aligned crops of the restorer's size, and
    masks (N, 1, H, W), 1 = occluded, and gives the restored crops.

    \b
    Example:
      restore-recog export --restorer fmodr --format onnx --output fmodr.onnx
    """
    from restore_recog import registry
    from restore_recog.restoring.export import export

    registry.restorers.check(restorer)
    plugin = registry.restorers.create(restorer, weights=options.existing_weights(weights))
    ending = {"onnx": "onnx", "torch-export": "pt2"}[form]
    done = export(plugin, output or Path(f"{plugin.name}.{ending}"), form)
    height, width = plugin.image_size
    click.echo(
        f"{done.path}: {done.megabytes:.1f} MB, crops of {width} x {height}; the largest "
        f"difference from the restorer itself is {done.difference:.1e} on a scale of 0 to 1."
    )

"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from restore_recog.errors import WeightsError

device = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda[:N]",
    help="Where to compute; auto takes a GPU if there is one.",
)
threads = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="CPU threads of PyTorch.  [default: one per core]",
)


def use_threads(count: int | None) -> None:
    """Set PyTorch's number of CPU threads, or leave it."""
    if count is not None:
        import torch

        torch.set_num_threads(count)


def existing_weights(file: Path | None) -> Path | None:
    """Return a weights file that was asked for, whether or not the model will read it.

    Raises:
        WeightsError: It is missing.
    """
    if file is not None and not file.is_file():
        raise WeightsError(f"There is no weights file {file}.")
    return file

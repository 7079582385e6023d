"""Weights that torchvision offers: from its own loader, or from a file of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models import WeightsEnum

from restore_recog.errors import TrainingError, first_line

ENDINGS = (".pth", ".pt")
"""Endings of files as torchvision offers them."""


def fetched(
    known: WeightsEnum, what: str, instead: str, option: str = "init"
) -> Mapping[str, Tensor]:
    """Return torchvision's weights, from its cache or from the internet.

    Args:
        known: Which.
        what: What they are called in the message.
        instead: What else to do where they cannot be had.
        option: With which a file is named.

    Raises:
        TrainingError: They cannot be had.
    """
    try:
        tensors: Mapping[str, Tensor] = known.get_state_dict(progress=False, check_hash=True)
    except Exception as error:  # no network, no permission, a broken or altered file
        place = Path(torch.hub.get_dir()) / "checkpoints" / Path(known.url).name
        raise TrainingError(
            f"{what} cannot be had ({first_line(error)}). Put the file {known.url} at {place}, "
            f"name it with --set {option}=FILE, or {instead}."
        ) from error
    return tensors

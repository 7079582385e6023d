"""What a recogniser's own weights file says of its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from restore_recog import weights as weights_file


def trained(name: str, path: Path) -> tuple[Mapping[str, Any], Sequence[str]]:
    """Return settings for the record of a run, and sentences for its report.

    Both are empty where the file does not say that it was trained on covered faces.

    Args:
        name: Of the recogniser.
        path: Its weights file.

    Raises:
        WeightsError: The file is corrupt.
    """
    facts = weights_file.training(path)
    if not facts.get("covered"):
        return {}, ()
    sentence = (
        f"The recogniser '{name}' was trained on faces of which {100 * facts['covered']:g} % had a "
        f"synthetic covering (kinds: {facts['coverings']}): its arm 'occluded' is what one would "
        "do instead of restoring."
    )
    return {"trained_on": facts}, (sentence,)

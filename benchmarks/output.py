"""The file that a benchmark writes: never over another one, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from restore_recog.errors import OutputError
from restore_recog.system.atomic import check_file, write_text


def check_free(file: Path) -> None:
    """Refuse a file that exists or has no folder to lie in, before any work is done."""
    check_file(file)
    if not os.access(file.absolute().parent, os.W_OK):
        raise OutputError(f"'{file.absolute().parent}' is not a folder that can be written to.")


def write(figures: dict[str, Any], file: Path) -> None:
    """Write the figures, never over another file."""
    write_text(file, json.dumps(figures, indent=2) + "\n", overwrite=False)

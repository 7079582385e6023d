"""The file that a benchmark writes: never over another one, whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from restore_recog.errors import OutputError


def check_free(file: Path) -> None:
    """Refuse a file that exists or has no folder to lie in, before any work is done."""
    if file.exists() or file.is_symlink():
        raise OutputError(f"The file '{file}' exists and is never overwritten; name another one.")
    if not os.access(file.absolute().parent, os.W_OK):
        raise OutputError(f"'{file.absolute().parent}' is not a folder that can be written to.")


def write(figures: dict[str, Any], file: Path) -> None:
    """Write the figures beside their place and link them there in one step."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.absolute().parent)
    staging = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(figures, stream, indent=2)
            stream.write("\n")
        staging.chmod(0o644)
        os.link(staging, file)  # unlike a move, this fails where the file has come to exist
    except FileExistsError as error:
        raise OutputError(
            f"The file '{file}' was created in the meantime; it was left as it is."
        ) from error
    except OSError as error:
        raise OutputError(
            f"The figures cannot be written to '{file}' ({error.strerror}); name a file elsewhere."
        ) from error
    finally:
        staging.unlink(missing_ok=True)

"""The small TOML file beside a model that says what its own file does not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from restore_recog.errors import DataError, PluginError
from restore_recog.system.text import read_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def beside(model: Path) -> tuple[dict[str, Any], str]:
    """Return the settings beside a model and the file that they stand in; none and "" without.

    Args:
        model: ``net.onnx``; the file beside it is ``net.onnx.toml`` or ``net.toml``.

    Raises:
        PluginError: The file cannot be read as TOML.
    """
    places = (model.with_name(model.name + ".toml"), model.with_suffix(".toml"))
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        return {}, ""
    try:
        return tomllib.loads(read_text(file)), str(file)
    except (DataError, ValueError, RecursionError) as error:
        raise PluginError(f"{file} is no readable TOML file: {str(error).rstrip('.')}.") from error

"""The forms that a comparison is shown and kept in."""

from __future__ import annotations

import json
from pathlib import Path

from restore_recog.published import rendering
from restore_recog.published.comparison import Comparison
from restore_recog.published.presets import Preset
from restore_recog.system.atomic import write_file

ENDINGS = {"text": "txt", "markdown": "md", "csv": "csv", "json": "json"}
"""Form -> ending of its file in the results folder."""


def shown(found: Comparison, preset: Preset, form: str) -> str:
    """Return a comparison in one of :data:`ENDINGS`' forms."""
    if form == "json":
        content = rendering.comparison_json(found, preset)
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if form == "csv":
        return rendering.comparison_csv(found)
    if form == "markdown":
        return rendering.comparison_markdown(found, preset)
    return rendering.comparison_text(found, preset) + "\n"


def write(found: Comparison, preset: Preset, folder: Path) -> None:
    """Write ``reproduce.*`` into a results folder, replacing what an earlier run wrote.

    Raises:
        OutputError: The files cannot be written.
    """
    for form, ending in ENDINGS.items():
        text = shown(found, preset, form)
        write_file(folder / f"reproduce.{ending}", text, overwrite=True)

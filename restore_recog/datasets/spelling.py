"""What to write for a data set that is asked for by its path alone.

Read where a name is unknown, and light, so that the answer comes at once.
"""

from __future__ import annotations

from pathlib import Path

from restore_recog.registry import datasets


def advice(spec: str) -> str:
    """Return a sentence and a space for a spec that is a path, or ``""``."""
    path = Path(spec).expanduser()
    if not ("/" in spec or "\\" in spec or path.exists()):
        return ""
    name = path.name.lower().replace("-", "").replace("_", "")
    likely = [known for known in datasets.names() if known in name]
    layout = max(likely, key=len, default="folder")
    return (
        f"That is a place; write the layout before it: '{layout}:{spec}'"
        + ("" if likely else ", which has a folder for each person, or another one")
        + ". "
    )

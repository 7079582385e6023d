"""What the installed packages say that they offer."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from importlib import metadata
from importlib.metadata import EntryPoint


def entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Return a group's entry points, of packages installed a moment ago as well."""
    places = (path for path in sys.path if os.path.isdir(path))
    return _entry_points(group, tuple((path, os.stat(path).st_mtime_ns) for path in places))


@lru_cache(maxsize=16)
def _entry_points(group: str, places: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    """Return the same; kept while no place has changed, since reading them takes some 30 ms."""
    return tuple(metadata.entry_points(group=group))


def distribution(point: EntryPoint) -> str:
    """Return name and version of the package that an entry point is of."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"

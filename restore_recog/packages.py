"""What the installed packages say that they offer, and importing it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import metadata
from importlib.metadata import EntryPoint

from restore_recog.errors import PluginImportError

SLOW = 5.0
"""Seconds of an import after which whoever waits is told what for."""


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


@contextmanager
def importing(who: str, where: str) -> Iterator[None]:
    """Name the plug-in whose module fails, ends the program or takes its time.

    Args:
        who: As a message begins.
        where: ``module:Class`` or an entry point's.

    Raises:
        PluginImportError: Its import did not work.
    """
    said = (f"{who} is still being imported from {where} after {SLOW:g} seconds.\n",)
    timer = threading.Timer(SLOW, sys.stderr.write, said)
    timer.daemon = True
    if not where.startswith(f"{__package__}."):  # our own wait for PyTorch alone
        timer.start()
    try:
        yield
    except SystemExit as error:
        raise PluginImportError(
            f"{who} cannot be imported from {where}: its module calls sys.exit({error.code!r}), "
            "which it must not do."
        ) from error
    except ModuleNotFoundError as error:
        raise PluginImportError(
            f"{who} cannot be imported from {where}: there is no module '{error.name}'; install "
            "its package, or name the folder that it lies in: PYTHONPATH=FOLDER restore-recog ..."
        ) from error
    # Anything may go wrong in a stranger's module; the cause is kept and named.
    except Exception as error:
        raise PluginImportError(
            f"{who} cannot be imported from {where}: {type(error).__name__}: {error}"
        ) from error
    finally:
        timer.cancel()

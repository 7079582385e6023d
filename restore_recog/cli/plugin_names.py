"""The names of plug-ins as a type of parameter: any text, completed by the shell."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


class PluginName(click.types.StringParamType):
    """The name of a plug-in, or several with commas between them; checked where it is used.

    Args:
        groups: Of :data:`restore_recog.registry.GROUPS`, whose names fit.
    """

    def __init__(self, *groups: str) -> None:
        self.groups = groups

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the registered names that go on from what is written after the last comma."""
        from restore_recog.registry import GROUPS  # here: a command line that runs has no need

        before, comma, begun = incomplete.rpartition(",")
        names = sorted({name for group in self.groups for name in GROUPS[group].names()})
        return [CompletionItem(before + comma + name) for name in names if name.startswith(begun)]

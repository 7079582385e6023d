"""``restore-recog list``: list the installed plug-ins."""

from __future__ import annotations

import inspect
import json

import click

from restore_recog import registry
from restore_recog.errors import PluginError


@click.command("list")
@click.argument("group", required=False, type=click.Choice(list(registry.GROUPS)))
@click.option("--long", "long", is_flag=True, help="Import each plug-in and show its summary.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
def command(group: str | None, long: bool, as_json: bool) -> None:
    """List the installed plug-ins, of one GROUP or of all.

    \b
    Examples:
      restore-recog list
      restore-recog list restorers --long
    """
    rows = [row for name in registry.GROUPS if group in (None, name) for row in _rows(name, long)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("No plug-ins are registered; run 'pip install .' in the checkout.")
        return
    width = max(len(row["name"]) for row in rows)
    shown = None
    for row in rows:
        if row["group"] != shown:
            shown = row["group"]
            click.secho(shown, bold=True)
        click.echo(f"  {row['name']:<{width}}  {row['summary'] if long else row['origin']}")


def _rows(group: str, long: bool) -> list[dict[str, str]]:
    plugins = registry.GROUPS[group]
    rows = []
    for name in plugins.names():
        row = {"group": group, "name": name, "origin": plugins.origin(name)}
        if long:
            row["summary"] = _summary(plugins, name)
        rows.append(row)
    return rows


def _summary(plugins: registry.Registry[object], name: str) -> str:
    """Return the first line of the class's docstring, or why it is not available."""
    try:
        text = inspect.getdoc(plugins.load(name)) or ""
    except PluginError as error:
        return f"not usable: {error}"
    return text.partition("\n")[0]

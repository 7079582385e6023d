"""``python -m gpu``: what goes to a lent machine, and what is done there."""

from __future__ import annotations

import click

from gpu.carry import pack, unpack
from gpu.check import check
from gpu.train import train
from restore_recog.errors import RestoreRecogError


class Commands(click.Group):
    """A failure that a user can fix is one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except RestoreRecogError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Train and measure on a machine with a GPU that is lent for minutes at a time.

    \b
    At home:          pack
    On the machine:   unpack, train, check
    """


for command in (pack, unpack, train, check):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="python -m gpu")

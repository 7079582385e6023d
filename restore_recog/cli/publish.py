"""``restore-recog publish``: weights on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

import click

from restore_recog import hub
from restore_recog.cli import options


@click.command("publish")
@click.argument("weights", type=options.PATH)
@click.argument("address", metavar="hf:USER/REPO")
@click.option(
    "--card",
    type=options.PATH,
    metavar="FILE",
    help="Markdown for the page.  [default: WEIGHTS with .md, else what header and run.json tell]",
)
@click.option("--license", "licence", metavar="ID", help="The hub's name of a licence, e.g. mit.")
@click.option("--private", is_flag=True, help="Let nobody else see the repository.")
@click.option("--overwrite", is_flag=True, help="Replace weights and card that are there.")
@click.option(
    "--dry-run",
    type=options.PATH,
    metavar="FOLDER",
    help="Write what would be uploaded into FOLDER instead; no network, no token.",
)
def command(
    weights: Path, address: str, card: Path | None, licence: str | None, private: bool,
    overwrite: bool, dry_run: Path | None,
) -> None:  # fmt: skip
    """Put a weights file and its card on the Hugging Face hub (extra 'hub').

    The file is checked first. The repository is made where there is none, public without --private
    (or as an organisation's settings say); nothing that is there is replaced without --overwrite.
    It needs a token that may write: hf auth login, or HF_TOKEN. Everybody then names the weights
    as hf:USER/REPO, or hf:USER/REPO@COMMIT, wherever a weights file is named.

    \b
    Examples:
      restore-recog publish runs/fmodr/best.safetensors hf:me/fmodr-masks --dry-run look
      restore-recog publish runs/fmodr/best.safetensors hf:me/fmodr-masks --private
      restore-recog eval --restorer fmodr=hf:me/fmodr-masks
    """
    place = hub.parse(address)
    if place.revision is not None:
        raise click.UsageError("publish writes to the main branch; leave @REVISION out.")
    from restore_recog import hub_upload

    made = hub_upload.package(weights, place, card, licence)
    if dry_run is not None:
        made.write(dry_run)
        click.echo(f"{dry_run} holds what would go to {place}: {hub.FILE}, {hub_upload.CARD}")
        return
    commit = hub_upload.upload(made, place, private=private, overwrite=overwrite)
    click.echo(f"Published; name these weights as {place}@{commit}, the newest as {place}")

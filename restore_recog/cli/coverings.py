"""``restore-recog coverings``: name the synthetic coverings, and draw one of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIDE = 256


@click.command("coverings")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.png",
    help="Draw one of each kind on a phantom face into this image.",
)
@click.option(
    "--coverings",
    "kind",
    default="all",
    show_default=True,
    metavar="KIND,...",
    help="What the sheet shows.",
)
@click.option("--colour", help="Colour of all of them.")
@click.option("--pattern", help="Pattern of all of them.")
@click.option("--difficulty", help="How they are worn.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def command(
    sheet: Path | None,
    kind: str,
    colour: str | None,
    pattern: str | None,
    difficulty: str | None,
    seed: int,
) -> None:
    """Name the kinds, sets, colours, patterns and levels that --coverings and its like take.

    \b
    Example:
      restore-recog coverings --sheet coverings.png
    """
    from restore_recog.coverings.choice import choose

    choice = choose(kind, colour, pattern, difficulty)
    if sheet is None:
        _tell()
        return
    from restore_recog import images
    from restore_recog.coverings.showcase import showcase

    pixels, landmarks = _phantom_face(seed)
    drawn = showcase(
        pixels, landmarks, choice.kinds, seed=seed,
        colour=colour, pattern=pattern, difficulty=difficulty,
    )  # fmt: skip
    images.write(sheet, drawn)
    click.echo(f"{len(choice.kinds)} coverings: {sheet}")


def _tell() -> None:
    """List everything by name."""
    from restore_recog.coverings.colours import COLOURS, SKIN
    from restore_recog.coverings.kinds import KINDS, SETS, WARDROBE
    from restore_recog.coverings.patterns import PLAIN, PRINTS
    from restore_recog.coverings.template import ANCHORS, NEEDED
    from restore_recog.coverings.wearing import LEVELS

    usual = ", ".join(name for name, garment in WARDROBE.items() if garment.weight)
    lines = {
        f"kinds ({len(KINDS)})": ", ".join(KINDS),
        "sets": f"random ({usual}; by weight), "
        + ", ".join(f"{name} ({len(kinds)} kinds)" for name, kinds in SETS.items()),
        "with an argument": "rectangle:64 or rectangle:25%, @lower, @face or @centre behind it; "
        "template:FILE_OR_FOLDER",
        "colours": ", ".join((*COLOURS, SKIN, "#rrggbb")),
        "patterns": ", ".join((PLAIN, *PRINTS)),
        "difficulty": ", ".join(LEVELS),
        "anchor points of a template": ", ".join(NEEDED)
        + f"; if you like {', '.join(tuple(ANCHORS)[len(NEEDED) :])}",
    }
    for title, text in lines.items():
        click.echo(click.wrap_text(f"{title}: {text}", 100, subsequent_indent="    "))


def _phantom_face(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.floating]]:
    """Return a rendered face and its landmarks."""
    from dataclasses import replace

    from restore_recog.phantom.identity import draw_person, draw_shot
    from restore_recog.phantom.render import render

    person = draw_person(0, seed)
    shot = replace(draw_shot(person, 0, 0, seed), yaw=0.0, pitch=0.0, roll=0.0)
    return render(person, shot, _SIDE)

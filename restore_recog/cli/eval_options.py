"""The options of ``restore-recog eval``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from restore_recog.cli import options
from restore_recog.evaluation.cache import CACHE

Function = TypeVar("Function", bound=Callable[..., Any])

WHAT = (
    click.option(
        "-r",
        "--restorer",
        "restorers",
        multiple=True,
        default=["fmodr"],
        show_default=True,
        metavar="NAME",
        help="Restorer to judge; repeat to compare several on the same probes.",
    ),
    click.option(
        "-p",
        "--protocol",
        default="fmor",
        show_default=True,
        metavar="NAME[:ARGUMENT]",
        help="Who is compared with whom.",
    ),
    click.option(
        "-d",
        "--data",
        multiple=True,
        default=["phantom"],
        show_default=True,
        metavar="NAME[:WHERE]",
        help="Data set, e.g. lfw:/data/lfw; repeat to pool several.",
    ),
    click.option(
        "--recognizer",
        default="timm",
        show_default=True,
        metavar="NAME[:MODEL]",
        help="Recogniser that the images are restored for.",
    ),
    click.option(
        "--recognizer-weights",
        type=click.Path(path_type=Path),
        help="Weights file of the recogniser.  [default: shipped]",
    ),
    click.option(
        "--weights",
        multiple=True,
        metavar="[NAME=]FILE",
        help="Weights file of the restorer; NAME= says whose, where there are several.  "
        "[default: shipped]",
    ),
    click.option(
        "--segmenter",
        default="own",
        show_default=True,
        metavar="own|true|NAME[=FILE]",
        help="Who finds the covering: each restorer's own detector, nobody (the true mask is "
        "given; true+3 and true-3 widen and narrow it by 3 pixels), the detector of the restorer "
        "NAME with the weights FILE, or module:Class.",
    ),
    click.option(
        "--arms", metavar="A,B,...", help="Arms to run, by name.  [default: the usual ones]"
    ),
    click.option(
        "--coverings",
        default="random",
        show_default=True,
        metavar="KIND,...",
        help="Kinds of the synthetic coverings, where the data has no occluded images: random, "
        "all, fmor, names, template:PATH (restore-recog coverings tells).",
    ),
    click.option("--colour", help="Colour of the coverings.  [default: one drawn for each image]"),
    click.option("--pattern", help="What is printed on them.  [default: as each kind has it]"),
    click.option(
        "--difficulty",
        metavar="LEVEL,...",
        help="How they are worn: easy, medium, hard, usual.  [default: usual]",
    ),
)
"""What is evaluated, on which images."""

HOW = (
    click.option(
        "--cohort",
        "cohorts",
        multiple=True,
        metavar="LABEL",
        help="Label to break the figures down by (gender, covering, ...); repeat for several.  "
        "[default: every label with two to twelve values]",
    ),
    click.option(
        "--min-subjects",
        type=click.IntRange(min=1),
        default=10,
        show_default=True,
        help="Cohorts with fewer subjects are counted, not measured.",
    ),
    click.option(
        "--judge",
        "judges",
        multiple=True,
        metavar="NAME=FILE",
        help="Weights of a judge of image quality: fid, lpips, niqe or brisque; repeat for "
        "several.  [default: what the libraries' loaders have left on this machine, where the "
        "protocol is about quality]",
    ),
    click.option(
        "--enrolment",
        type=click.Choice(["max", "mean"]),
        default="max",
        show_default=True,
        help="Subject with several references: his best score counts, or their mean template.",
    ),
    click.option(
        "--on-restorer-failure",
        "restorer_failure",
        type=click.Choice(["input", "fta"]),
        default="input",
        show_default=True,
        help="Probe that cannot be restored: goes on as it came and is counted as a fallback, "
        "or has no template (failure to acquire).",
    ),
    click.option(
        "--faces",
        type=click.Choice(["one", "largest"]),
        default="largest",
        show_default=True,
        help="An image with several faces: count it as failed, or take the largest.",
    ),
    click.option(
        "--crop-size",
        type=click.IntRange(min=16),
        metavar="PIXELS",
        help="Side of the crops.  [default: the largest that a restorer wants]",
    ),
    click.option("--limit", type=click.IntRange(min=1), help="At most so many probes."),
    click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
)
"""How it is measured."""

WHERE = (
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="Results folder; must not exist.  [default: runs/<time>-<restorer>-<protocol>-<data>]",
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Go on with the run that --output names: a finished one of the same set-up is shown "
        "and left as it is, an interrupted one goes on through the cache.",
    ),
    click.option(
        "--overwrite",
        is_flag=True,
        help="Replace the results folder that --output names; it is removed when the new one "
        "is written whole, and stays if the run fails.",
    ),
    click.option(
        "--cache",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Folder of finished work (templates, landmarks), which no later run does again; "
        "it may be shared by all runs and deleted at any time.  "
        f"[default: {CACHE} beside the results folder]",
    ),
    click.option("--no-cache", is_flag=True, help="Neither use finished work nor keep any."),
    options.device,
    options.threads,
)
"""Where results and finished work go, and what computes."""


def all_options(function: Function) -> Function:
    """Give a command all options of ``eval``, in the order of its help."""
    for option in reversed((*WHAT, *HOW, *WHERE)):
        function = option(function)
    return function

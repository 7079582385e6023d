"""The options of ``restore-recog eval``, of which other commands take some.

Those that are fields of a request are declared there, in
:class:`restore_recog.evaluation.request.EvalRequest`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

import click

from restore_recog.cli import options
from restore_recog.cli.plugin_names import PluginName
from restore_recog.evaluation.cache import CACHE
from restore_recog.evaluation.request import EvalRequest

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]

NAMES = {
    "segmenter": PluginName("segmenters", "restorers"),
    "segmenters": PluginName("segmenters", "restorers"),
    "classifier": PluginName("classifiers"),
}
"""Fields that name plug-ins."""


def _of_field(declared: Field[Any]) -> Decorator[Any]:
    """Return the option that a field of the request declares."""
    facts = declared.metadata
    settings: dict[str, Any] = {
        "help": facts["text"],
        "metavar": facts.get("metavar"),
        "multiple": facts.get("multiple", False),
    }
    if declared.default not in (None, MISSING):
        several = settings["multiple"]
        default = [declared.default] if several else declared.default
        settings |= {"default": default, "show_default": True}
    if declared.name in NAMES:
        settings["type"] = NAMES[declared.name]
    if "choices" in facts:
        settings["type"] = click.Choice(facts["choices"])
    if "least" in facts:
        settings["type"] = click.IntRange(min=facts["least"])
    flag = facts.get("flag", declared.name.replace("_", "-"))
    return click.option(f"--{flag}", declared.name, **settings)


FIELDS = {one.name: one for one in fields(EvalRequest) if "text" in one.metadata}
"""The fields of a request that are options, by name."""

OPTIONS: dict[str, Decorator[Any]] = {
    "restorers": options.restorer(
        "restorers",
        more="; repeat to compare several on the same probes; all takes every one that has weights",
        multiple=True,
        default=["fmodr"],
        show_default=True,
    ),
    "protocol": options.protocol("Who is compared with whom.", default="fmor", show_default=True),
    "data": options.data("repeat to pool several", default=["phantom"], show_default=True),
    "recognizer": click.option(
        "--recognizer",
        type=options.RECOGNIZER,
        default="timm",
        show_default=True,
        metavar="NAME[:MODEL|=FILE]",
        help="Recogniser that the images are restored for.",
    ),
    "recognizer_weights": click.option(
        "--recognizer-weights",
        type=options.PATH,
        help="Weights file of the recogniser, where only one is named.  [default: shipped]",
    ),
    "recognizer_input": click.option(
        "--recognizer-input",
        multiple=True,
        metavar="rgb|bgr|KEY=VALUE",
        help="How a recogniser from a file wants its images: order of the colours, mean=127.5 and "
        "std=128 of values in 0..255, flip=true (averaged with its mirror image); repeat for "
        "several.  [default: as the TOML file beside it says, else ArcFace's: rgb, mean=127.5, "
        "std=127.5]",
    ),
    "recognizer_template": click.option(
        "--template",
        "recognizer_template",
        metavar="NAME",
        help="How its crops are cut: arcface112, facenet160, sphereface96x112, or own (the "
        "project's crop).  [default: as the TOML file says, else arcface112]",
    ),
    "expression": options.expression,
    "gender": options.gender,
    "unsure": options.unsure,
    "harm": options.harm,
    "weights": click.option(
        "--weights",
        multiple=True,
        metavar="[NAME=]FILE",
        help="Weights file of the restorer, or hf:USER/REPO[@REVISION] on the Hugging Face hub; "
        "NAME= says whose, where there are several.  "
        "[default: shipped]",
    ),
    **{name: _of_field(one) for name, one in FIELDS.items()},
    "judges": click.option(
        "--judge",
        "judges",
        multiple=True,
        metavar="NAME=FILE",
        help="Weights of an image-quality metric: fid, lpips, niqe, brisque or vgg; repeat for "
        "several.  [default: what the libraries' loaders have left on this machine, where the "
        "protocol is about quality]",
    ),
    "output": options.output(
        "Results folder; must not exist.  [default: runs/<time>-<restorer>-<protocol>-<data>]"
    ),
    "resume": click.option(
        "--resume",
        is_flag=True,
        help="Continue the run that --output names: a finished one of the same set-up is shown "
        "and not changed, an interrupted one continues from the cache.",
    ),
    "overwrite": click.option(
        "--overwrite",
        is_flag=True,
        help="Replace the results folder that --output names; it is removed once the new one "
        "is complete, and kept if the run fails.",
    ),
    "cache": click.option(
        "--cache",
        type=options.PATH,
        metavar="DIR",
        help="Folder of finished work (templates, landmarks), which later runs reuse; "
        "all runs can share it, and it can be deleted at any time.  "
        f"[default: {CACHE} beside the results folder]",
    ),
    "no_cache": click.option(
        "--no-cache", is_flag=True, help="Neither use nor keep finished work."
    ),
    "device": options.device,
    "threads": options.threads,
}
"""Every option of ``eval`` by the name of its parameter, in the order of its help."""


RECOGNIZERS = click.option(
    "--recognizer",
    "recognizers",
    type=options.RECOGNIZER,
    multiple=True,
    default=["timm"],
    show_default=True,
    metavar="NAME[:MODEL|=FILE]",
    help="Recogniser that the images are restored for; repeat for several on the same images.",
)
"""``--recognizer`` of a command that takes several."""


PROTOCOLS = click.option(
    "-p",
    "--protocol",
    "protocols",
    type=options.PROTOCOL,
    multiple=True,
    default=["fmor"],
    show_default=True,
    metavar="NAME[:ARGUMENT],...",
    help="Who is compared with whom; several, which may be joined by commas, make a leaderboard.",
)
"""``--protocol`` of a command that takes several."""


def evaluation_options(
    *, only: Collection[str] = tuple(OPTIONS), output: str = "", several: bool = False
) -> Decorator[Any]:
    """Return a decorator that gives a command options of ``eval``.

    Args:
        only: Names of their parameters.
        output: Help of ``--output``, where the command has another default folder.
        several: Whether it takes several recognisers and protocols, as the parameters
            ``recognizers`` and ``protocols``.
    """
    chosen = {name: one for name, one in OPTIONS.items() if name in only}
    if several:
        chosen |= {"recognizer": RECOGNIZERS, "protocol": PROTOCOLS}
    if output:
        chosen["output"] = options.output(output)

    def decorate(function: Function) -> Function:
        for one in reversed(chosen.values()):
            function = one(function)
        return function

    return decorate

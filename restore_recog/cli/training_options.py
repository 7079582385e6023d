"""What the two training commands share: options, and the way from them to a run."""

from __future__ import annotations

import inspect
import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from restore_recog.errors import OutputError

if TYPE_CHECKING:
    from restore_recog.api import Dataset, Trainable
    from restore_recog.training.trainer import Trainer

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class TrainingOptions:
    """The options common to both commands; their help texts are below."""

    data: tuple[str, ...]
    output: Path
    resume: bool
    protocol: str | None
    limit: int | None
    cache: Path | None
    device: str
    precision: Literal["auto", "fp32", "bf16"]
    seed: int
    settings: Mapping[str, Any]
    images_scale: float
    max_minutes: float | None
    checkpoint_every: int
    sample_every: int
    keep_every: int
    threads: int | None
    workers: int | None


def parse_settings(
    _context: click.Context, _parameter: click.Parameter, values: Sequence[str]
) -> dict[str, Any]:
    """Return ``key=value`` texts as a dict: numbers, true, false, null, lists, else text."""
    settings: dict[str, Any] = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"'{text}' is not of the form key=value.")
        try:
            settings[key] = json.loads(value)
        except json.JSONDecodeError:
            settings[key] = value
    return settings


_OPTIONS = (
    click.option(
        "--data", multiple=True, required=True, metavar="NAME[:PATH]", help="Data set; repeatable."
    ),
    click.option(
        "--output", type=click.Path(path_type=Path), required=True, help="Folder of the run."
    ),
    click.option("--resume", is_flag=True, help="Go on with the run in --output."),
    click.option(
        "--protocol", help="Train only on what this evaluation protocol leaves for training."
    ),
    click.option(
        "--limit", type=click.IntRange(min=1), help="At most so many pictures of each data set."
    ),
    click.option(
        "--cache",
        type=click.Path(path_type=Path),
        help="Folder for the aligned crops, to share between runs.  [default: OUTPUT/crops]",
    ),
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."),
    click.option(
        "--precision",
        type=click.Choice(["auto", "fp32", "bf16"]),
        default="auto",
        show_default=True,
        help="auto: bfloat16 on GPUs that have it.",
    ),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    click.option(
        "--set",
        "settings",
        multiple=True,
        callback=parse_settings,
        metavar="KEY=VALUE",
        help="An option of the model's training; repeatable.",
    ),
    click.option(
        "--images-scale",
        type=click.FloatRange(min=0, min_open=True),
        default=1.0,
        show_default=True,
        help="Factor on the length of every phase.",
    ),
    click.option(
        "--max-minutes",
        type=click.FloatRange(min=0, min_open=True),
        help="Save and stop after so long; --resume goes on.",
    ),
    click.option(
        "--checkpoint-every",
        type=click.IntRange(min=1),
        default=50_000,
        show_default=True,
        help="Images between checkpoints; one is saved every five minutes in any case.",
    ),
    click.option(
        "--sample-every",
        type=click.IntRange(min=1),
        default=20_000,
        show_default=True,
        help="Images between sample pictures.",
    ),
    click.option(
        "--keep-every",
        type=click.IntRange(min=0),
        default=0,
        help="Also keep the weights every so many images, in OUTPUT/kept.  [default: none]",
    ),
    click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the model."),
    click.option(
        "--workers",
        type=click.IntRange(min=0),
        help="Processes that prepare batches.  [default: 1, on a GPU up to 8]",
    ),
)


def training_options(function: F) -> F:
    """Add every common option to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def train(options: TrainingOptions, plugin: type, call: tuple[Any, ...], **own: Any) -> None:
    """Train ``plugin.trainable(*call, **own)`` and say where the weights are.

    Args:
        options: The common options.
        plugin: A restorer or recogniser class.
        call: Positional arguments of its ``trainable``.
        own: Options of its ``trainable``; those of ``--set`` come on top.

    Raises:
        RestoreRecogError: As :meth:`restore_recog.training.trainer.Trainer.fit`.
    """
    from restore_recog.training.distributed import started

    with started(options.device) as device:
        try:
            _train(options, plugin, call, {"device": device, **own})
        except KeyboardInterrupt as stop:  # TrainingInterrupted is one that says what it saved
            unsaved = (
                "Stopped without saving. Repeat the command with --resume: it goes on from the "
                f"last checkpoint in {options.output}, or begins where there is none."
            )
            _say(f"\n{str(stop) or unsaved}", err=True)
            click.get_current_context().exit(130)


def _say(text: str, err: bool = False) -> None:
    """Print, where several processes train in the first alone."""
    from restore_recog.training.distributed import Team

    if Team.current().leads:
        click.echo(text, err=err)


def _train(
    options: TrainingOptions, plugin: type, call: tuple[Any, ...], own: Mapping[str, Any]
) -> None:
    import torch

    from restore_recog.training import checkpoint
    from restore_recog.training.distributed import Team
    from restore_recog.training.state import seed_everything

    team = Team.current()
    team.lead(lambda: _claim(options.output, options.resume))
    found = team.lead(lambda: checkpoint.latest(options.output))
    resume = options.resume and found is not None
    if options.resume and not resume:
        _say(f"{options.output} has no checkpoint yet; the training begins.", err=True)
    if options.threads:
        torch.set_num_threads(options.threads)
    seed_everything(options.seed)
    trainable = _trainable(plugin, call, {**own, **options.settings})
    trainer = _trainer(options, trainable, own["device"])
    path = trainer.fit(resume=resume)
    if trainer.finished:
        _say(f"Finished: {path}")
    else:
        _say(f"Time is up; weights so far: {path}. Go on with --resume.")


def _trainer(options: TrainingOptions, trainable: Trainable, device: str) -> Trainer:
    """Read the faces and return what trains on them."""
    from restore_recog import registry
    from restore_recog.training.data import TrainingFaces
    from restore_recog.training.distributed import Team, one_first
    from restore_recog.training.trainer import Trainer

    datasets = [registry.datasets.create(spec) for spec in options.data]
    with one_first():
        faces = TrainingFaces.from_datasets(
            datasets,
            trainable.image_size,
            seed=options.seed,
            cache=options.cache or options.output / "crops",
            only=_left_for_training(options, datasets),
            limit=options.limit,
            progress=Team.current().leads,
        )
    _say(
        f"{len(faces)} pictures of {faces.people} people; {len(faces.crops.failures)} could not be "
        f"used ({options.output / 'failures.csv'}).",
        err=True,
    )
    return Trainer(
        trainable,
        faces,
        options.output,
        seed=options.seed,
        save_every=options.checkpoint_every,
        sample_every=options.sample_every,
        keep_every=options.keep_every,
        device=device,
        precision=options.precision,
        workers=_workers(options.workers, device),
        max_minutes=options.max_minutes,
        images_scale=options.images_scale,
        record={"command": shlex.join(["restore-recog", *sys.argv[1:]]), "datasets": options.data},
    )


def _claim(folder: Path, resume: bool) -> None:
    """Refuse a folder that holds something, before an hour is spent on reading pictures."""
    if resume:
        if not folder.is_dir():
            raise OutputError(f"There is no folder {folder} to resume; leave --resume out.")
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} exists; use --resume or another --output.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made ({error.strerror}); choose another --output."
        ) from error


def _trainable(plugin: type, call: tuple[Any, ...], options: Mapping[str, Any]) -> Trainable:
    """Return the trainable; options that it does not know are a usage error."""
    build = plugin.trainable  # type: ignore[attr-defined]
    try:
        inspect.signature(build).bind(*call, **options)
    except TypeError as error:
        raise click.UsageError(f"The training of '{plugin.name}' does not take this: {error}.")  # type: ignore[attr-defined] # noqa: B904
    return build(*call, **options)  # type: ignore[no-any-return]


def _left_for_training(options: TrainingOptions, datasets: Sequence[Dataset]) -> set[str] | None:
    """Return the image_ids that the protocol leaves for training, or None for all.

    Pictures that a data set itself marks for training are never part of a plan, and
    the clean twin of an occluded training picture is what can be learned from.
    """
    if options.protocol is None:
        return None
    from restore_recog import registry
    from restore_recog.evaluation.request import planner

    samples = [sample for dataset in datasets for sample in dataset.samples()]
    marked = {s.image_id for s in samples if s.attributes.get("split") == "train"}
    free = [sample for sample in samples if sample.image_id not in marked]
    if not free:
        return marked
    protocol = planner(registry.protocols.create(options.protocol), datasets)
    plan = protocol.plan(free, seed=options.seed)
    left = set(plan.training)
    twins = {s.clean_id for s in free if s.image_id in left and s.clean_id is not None}
    tested = {*plan.references, *plan.probes}
    return marked | ((left | twins) - tested)


def _workers(asked: int | None, device: str) -> int:
    if asked is not None:
        return asked
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return 1 if device == "cpu" else max(1, min(8, (os.cpu_count() or 2) // here - 1))

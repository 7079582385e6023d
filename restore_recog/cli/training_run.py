"""The way from the options of a training command to a run."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog.cli.training_options import TrainingOptions
from restore_recog.errors import OutputError
from restore_recog.training.settings import TrainingSettings

if TYPE_CHECKING:
    from restore_recog.api import Trainable
    from restore_recog.training.trainer import Trainer


def train(options: TrainingOptions, plugin: type, call: tuple[Any, ...], **own: Any) -> None:
    """Train ``plugin.trainable(*call, **own)`` and say where the weights are.

    Args:
        options: The common options.
        plugin: A restorer, recogniser or segmenter class.
        call: Positional arguments of its ``trainable``.
        own: Options of its ``trainable``; those of ``--set`` come on top.

    Raises:
        RestoreRecogError: As :meth:`restore_recog.training.trainer.Trainer.fit`.
    """
    from restore_recog.system.processes import Processes
    from restore_recog.system.sole_use import sole_use
    from restore_recog.training.distributed import started

    with started(options.device) as device, sole_use(options.output, Processes.current()):
        try:
            _train(options, plugin, call, {"device": device, **own})
        except KeyboardInterrupt as stop:  # TrainingInterrupted is one that says what it saved
            unsaved = (
                "Stopped without saving. Repeat the command with --resume: it continues from the "
                f"last checkpoint in {options.output}, or starts anew where there is none."
            )
            _say(f"\n{str(stop) or unsaved}", err=True)
            click.get_current_context().exit(130)


def _say(text: str, err: bool = False) -> None:
    """Print, where several processes train in the first alone."""
    from restore_recog.system.processes import Processes

    if Processes.current().leads:
        click.echo(text, err=err)


def _train(
    options: TrainingOptions, plugin: type, call: tuple[Any, ...], own: Mapping[str, Any]
) -> None:
    import torch

    from restore_recog.api import Landmarker
    from restore_recog.cli.training_data import advice
    from restore_recog.system import allocation
    from restore_recog.system.processes import Processes
    from restore_recog.training import checkpoint
    from restore_recog.training.run_state import seed_everything
    from restore_recog.training.trackers import check

    check(options.trackers)
    allocation.keep_freed_blocks(own["device"])
    here = Processes.current()
    here.lead(lambda: _claim(options.output, options.resume))
    latest = here.lead(lambda: checkpoint.latest(options.output))
    resume = options.resume and latest is not None
    if options.resume and not resume:
        _say(f"{options.output} has no checkpoint yet; the training starts.", err=True)
    if options.threads:
        torch.set_num_threads(options.threads)
    seed_everything(options.seed)
    trainable = _trainable(plugin, call, {**own, **options.settings})
    trainer = _trainer(options, trainable, own["device"], annotated=issubclass(plugin, Landmarker))
    path = trainer.fit(resume=resume)
    hint = advice(trainer.progress.waiting, trainer.settings.workers)
    if hint:
        _say(hint, err=True)
    if trainer.finished:
        _say(f"Finished: {path}")
    else:
        _say(f"Time is up; weights so far: {path}. Continue with --resume.")


def _trainer(
    options: TrainingOptions, trainable: Trainable, device: str, *, annotated: bool
) -> Trainer:
    """Read the faces, if asked for only those with landmarks; return what trains on them."""
    from restore_recog import registry
    from restore_recog.cli.training_data import allowed
    from restore_recog.system.processes import Processes
    from restore_recog.training.distributed import one_first
    from restore_recog.training.faces import TrainingFaces
    from restore_recog.training.trainer import Trainer
    from restore_recog.training.validation import held_out

    datasets = [registry.datasets.create(spec) for spec in options.data]
    only, listed = allowed(options.protocol, options.leave_out, datasets, options.seed)
    if listed:
        _say(str(listed), err=True)
    with one_first():
        faces = TrainingFaces.from_datasets(
            datasets,
            trainable.image_size,
            seed=options.seed,
            cache=options.cache or options.output / "crops",
            only=only,
            limit=options.limit,
            coverings=options.coverings,
            progress=Processes.current().leads,
        )
    _say(
        f"{len(faces)} images of {faces.people} people; {len(faces.crops.failures)} could not be "
        f"used ({options.output / 'failures.csv'}).",
        err=True,
    )
    if annotated:
        faces = faces.annotated()
        _say(f"{len(faces)} of them have some of the 98 landmarks and are used.", err=True)
    faces, validation, note = held_out(trainable, faces, options.validation_share)
    if validation is not None:
        note = f"{len(validation)} images of {validation.people} people are held out to validate."
    if note:
        _say(note, err=True)
    command = shlex.join(["restore-recog", *sys.argv[1:]])
    record = {"command": command, "datasets": options.data, "validation_note": note}
    settings = _settings(options, device)
    return Trainer(trainable, faces, options.output, settings, validation=validation, record=record)


def _settings(options: TrainingOptions, device: str) -> TrainingSettings:
    """Return those options that are the trainer's own."""
    from restore_recog.cli.training_data import worker_count

    given = {one.name: getattr(options, one.name) for one in fields(TrainingSettings)}
    workers = worker_count(options.asked_workers, device)
    return TrainingSettings(**{**given, "device": device, "workers": workers})


def _claim(folder: Path, resume: bool) -> None:
    """Refuse a folder that holds something, before an hour is spent on reading images."""
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

"""``restore-recog landmarks``: how far landmarks are off, bare and under a covering."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog.cli import options
from restore_recog.cli.plugin_names import PluginName

if TYPE_CHECKING:
    from restore_recog.evaluation.landmarks.figures import LandmarkStudy


@click.command("landmarks")
@click.option(
    "--landmarker",
    "landmarkers",
    type=PluginName("landmarkers"),
    multiple=True,
    metavar="NAME[=FILE]",
    help="Landmarker to evaluate, with the weights FILE: a registered one, or module:Class; repeat "
    "for several.  [default: hourglass]",
)
@options.data(default=["phantom"], show_default=True)
@click.option(
    "--coverings",
    default="random",
    show_default=True,
    metavar="KIND,...",
    help="Kinds of the synthetic coverings (restore-recog coverings names them).",
)
@click.option(
    "--worst",
    type=click.IntRange(min=0),
    default=6,
    show_default=True,
    help="Number of faces with the largest errors to show, of each landmarker and data set.",
)
@options.images_limit
@options.seed
@options.device
@options.threads
@options.output("Results folder; must not exist.  [default: runs/<time>-landmarks]")
def command(output: Path | None, threads: int | None, **given: Any) -> None:
    """Evaluate landmarkers: how far the landmarks are off, with and without a covering.

    Faces whose landmarks the data knows (98 or 68 points, or five) are shown to the landmarker bare
    and with a synthetic covering: mean error, failures, cumulative error curve, by part of the
    face, under the covering and beside it, and by what factor a covering makes it worse. Training
    images are left out.

    \b
    Examples:
      restore-recog landmarks --landmarker hourglass=runs/landmarks/best.safetensors
      restore-recog landmarks --data phantom --data ytf68:PATH --data lfw:PATH --limit 500
      restore-recog landmarks --landmarker hourglass=WFLW_4HG.pth --data wflw:PATH
    """
    from restore_recog.system.atomic import check_output
    from restore_recog.system.sole_use import sole_use

    output = output or options.default_output("landmarks")
    options.use_threads(threads)
    with sole_use(output):
        check_output(output)
        study = _study(**given)
        from restore_recog.reporting import landmark_files

        landmark_files.write(study, output)
    click.echo(landmark_files.text(study))
    click.echo(f"\nThe whole study: {output / 'landmarks.html'}")


def _study(
    *,
    landmarkers: tuple[str, ...],
    data: tuple[str, ...],
    coverings: str,
    worst: int,
    limit: int | None,
    seed: int,
    device: str,
) -> LandmarkStudy:
    from restore_recog import registry
    from restore_recog.evaluation.landmarks.study import study
    from restore_recog.evaluation.run.faces import CoveringSpec
    from restore_recog.names import numbered
    from restore_recog.system.devices import resolve
    from restore_recog.system.progress import Bars

    asked = list(dict.fromkeys(landmarkers or [registry.DEFAULT_LANDMARKER]))
    spec, where = CoveringSpec(coverings, seed=seed), resolve(device)
    datasets = [registry.datasets.create(one) for one in dict.fromkeys(data)]
    named = dict(zip(numbered(one.name for one in datasets), datasets, strict=True))
    made = [registry.landmarkers.create(one, device=where) for one in asked]
    shown = dict(zip(numbered(map(_shown, asked)), made, strict=True))
    with Bars() as bars:
        return study(shown, named, bars.update, coverings=spec, limit=limit, worst=worst)


def _shown(landmarker: str) -> str:
    """Return what a landmarker is called in tables: its name, and its file's without folders."""
    from restore_recog.specs import weighted

    name, file = weighted(landmarker)
    return name if file is None else f"{name}={file.name}"

"""Any program that restores the images of a folder, in an environment of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from restore_recog import images
from restore_recog.api import Restorer
from restore_recog.errors import ImageError, PluginError
from restore_recog.images import to_tensor
from restore_recog.names import printable
from restore_recog.restoring.by_image import (
    change,
    in_bytes,
    mostly,
    put_back,
    read_result,
    swapped,
)
from restore_recog.specs import settings
from restore_recog.types import Pixels

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.types import FaceBatch

PLACES = ("input", "mask", "keep", "output")
"""What may stand in braces: folders of crops, of masks (white: covered), of masks the other way
round, and for the results."""

SETTINGS = {"size": 128, "seconds": 600}
"""What may stand before the program as NAME=NUMBER, and what holds otherwise."""

LINES = 3
"""Last lines of a program that failed, for the message."""

EXAMPLE = 'command:"python inpaint.py {input} {mask} {output}"'


class Command(Restorer):
    """Run a program on folders of PNG files: command:"CMD {input} {mask} {output}".

    It runs once a batch, without a shell, in the folder in which restore-recog runs. ``{mask}`` is
    white where the face is covered, ``{keep}`` the other way round. Before the program may stand
    ``size=PIXELS`` (128 by default) and ``seconds=LIMIT`` for one run (600). Images without
    covering are not given to it; pixels outside the mask are put back bit for bit.

    Args:
        argument: The command.
        weights, device: As for every restorer; it has no use for them.

    Raises:
        PluginError: No command, a setting or placeholder that is none, or no such program.
    """

    name: ClassVar[str] = "command"

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        super().__init__(weights=weights, device=device)
        numbers, self.words = _parsed(argument or "")
        self.image_size = (numbers["size"], numbers["size"])
        self.seconds = numbers["seconds"]
        self.argument = self.title = _title(self.words)
        self.settings: Mapping[str, Any] = {"command": printable(argument), "seconds": self.seconds}
        # What a program does can change without any sign of it, so that no finished work is reused.
        self.unlike = uuid.uuid4().hex
        self.lost, self.first = 0, ""

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the images that the program makes; NaN for those that it leaves out.

        Raises:
            PluginError: It fails, takes too long, writes nothing, or reads the masks the other way
                round.
        """
        crops, holes = in_bytes(batch)  # (N, S, S, 3), (N, S, S)
        covered = [i for i in range(len(crops)) if holes[i].any()]
        restored = batch.images.clone()
        if not covered:
            return restored
        with tempfile.TemporaryDirectory(prefix="restore-recog-") as folder:
            results = self._results(
                Path(folder), {f"{i:04d}": (crops[i], holes[i]) for i in covered}
            )
        for i in covered:
            result = results.get(f"{i:04d}")
            restored[i] = torch.nan if result is None else to_tensor([result])[0]
        return put_back(batch, restored)

    def _results(
        self, folder: Path, given: Mapping[str, tuple[Pixels, Pixels]]
    ) -> dict[str, Pixels]:
        """Return what the program makes of crops and holes, by their names."""
        places = {name: folder / name for name in PLACES}
        places["output"].mkdir()
        for name, (crop, hole) in given.items():
            images.write(places["input"] / f"{name}.png", crop)
            images.write(places["mask"] / f"{name}.png", 255 * hole)
            images.write(places["keep"] / f"{name}.png", 255 * (1 - hole))
        words = [_filled(word, places) for word in self.words]
        said = _run(self.title, words, self.seconds, folder / "said")
        written = _written(places["output"], given)
        if not written:
            raise PluginError(
                f"The command '{self.title}' ended without an error, but wrote no result for "
                f"any of {len(given)} images into {{output}}; its results must have the names of "
                f"the images in {{input}}.{said}"
            )
        results, lost = {}, {name: f"{name}.png is missing" for name in given}
        for name, path in written.items():
            try:
                results[name] = read_result(path, self.image_size[0])[0]
                del lost[name]
            except ImageError as error:
                lost[name] = str(error)
        self._note(lost, said)
        verdicts = [swapped(change(given[n][0], x), given[n][1]) for n, x in results.items()]
        if verdicts and mostly(verdicts):
            raise PluginError(
                f"The command '{self.title}' changed the uncovered part of the images and left "
                "the covered part as it was: it reads masks the other way round; give it "
                + ("{mask} instead of {keep}." if self._keeps() else "{keep} instead of {mask}.")
            )
        return results

    def _note(self, lost: Mapping[str, str], said: str) -> None:
        """Keep a sentence for the report on results that are missing or damaged."""
        self.lost += len(lost)
        first = next(iter(lost.values()), "").rstrip(".")
        self.first = self.first or (f"{first}.{said}" if lost else "")
        if self.lost:
            self.notes = [
                f"{self.name}:{self.title}: results that are missing or of no use, and count as "
                f"restorer failures: {self.lost}; the first: {self.first}"
            ]

    def _keeps(self) -> bool:
        return any("{keep}" in word for word in self.words)


def _parsed(text: str) -> tuple[dict[str, int], list[str]]:
    """Return the settings and the words of a command.

    Raises:
        PluginError: It is none.
    """
    numbers = dict(SETTINGS)
    said, words = settings(text)
    for name, value in said.items():
        if name not in SETTINGS or not re.fullmatch("[1-9][0-9]{0,5}", value):
            raise PluginError(
                f"'{printable(f'{name}={value}')}' before the program is none of size=PIXELS and "
                f"seconds=LIMIT with a whole number; for instance {EXAMPLE[:9]}size=256 ..."
            )
        numbers[name] = int(value)
    if not words:
        raise PluginError(f"The restorer 'command' needs a program, for instance {EXAMPLE}.")
    _check(words)
    if numbers["size"] < images.MIN_SIDE:
        raise PluginError(f"size={numbers['size']} is too small; {images.MIN_SIDE} is the least.")
    return numbers, words


def _check(words: Sequence[str]) -> None:
    """Refuse a command with the wrong placeholders, or whose program is missing."""
    asked = [name for word in words for name in re.findall(r"\{([^{}]*)\}", word)]
    unknown = [name for name in asked if name not in PLACES]
    missing = [name for name in ("input", "output") if name not in asked]
    known = ", ".join(f"{{{name}}}" for name in PLACES)
    if unknown:
        raise PluginError(
            f"'{{{printable(unknown[0])}}}' in the command is no placeholder; there are {known}."
        )
    if missing:
        raise PluginError(
            f"The command names no {{{missing[0]}}}; it must have {{input}} and {{output}}, for "
            f"instance {EXAMPLE}."
        )
    if shutil.which(words[0]) is None:
        raise PluginError(
            f"There is no program '{printable(words[0])}' that can be run; give its path."
        )


def _written(folder: Path, names: Container[str]) -> dict[str, Path]:
    """Return name -> image file of what a program has written, PNG where there are several."""
    files = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in images.extensions]
    files.sort(key=lambda path: path.suffix.lower() == ".png")
    return {path.stem: path for path in files if path.stem in names}


def _filled(word: str, places: Mapping[str, Path]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: str(places[match[1]]), word)


def _title(words: Sequence[str]) -> str:
    """Return what a command is called: its last word before the folders that is no option.

    Of ``python -u inpaint.py --images {input} {output}`` that is ``inpaint.py``.
    """
    first = next(i for i, word in enumerate(words) if re.search(r"\{\w+\}", word))
    names = [words[0], *(word for word in words[1:first] if not word.startswith("-"))]
    return printable(Path(names[-1]).name, keep="")


def _run(title: str, words: Sequence[str], seconds: int, log: Path) -> str:
    """Run a program, and return its last words for a message.

    Raises:
        PluginError: It cannot be started, fails, or is not done in time; then it is ended, with
            all that it has started.
    """
    who = f"The command '{title}'"
    with log.open("wb") as said:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise PluginError(f"{who} cannot be started: {error.strerror}.") from error
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise PluginError(
                f"{who} was not done after {seconds} seconds and was ended; give it more time with "
                f"seconds=LIMIT before the program, or fewer images with --batch-size."
                f"{_last_words(log)}"
            ) from error
        finally:
            if process.poll() is None:
                _end(process)
    if code:
        how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
        raise PluginError(f"{who} {how}.{_last_words(log)}")
    return _last_words(log)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program, and where the system has process groups all that it has started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _last_words(log: Path) -> str:
    """Return the end of what a program said, as a sentence; nothing where it said nothing."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        text = file.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f" Its last words: {printable(' / '.join(lines[-LINES:]))}" if lines else ""

"""Which files in a folder are its images: one rule for every data set and for ``restore``.

A file is an image by its ending. Names that begin with a dot do not count, neither files (among
them the ``._`` files that macOS puts on other systems' disks) nor folders. A link to a folder is
followed once, however many links lead there. What is passed over is counted.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from restore_recog import images
from restore_recog.names import label

_SIGNATURES = (
    (0, b"\xff\xd8\xff"),  # JPEG
    (0, b"\x89PNG\r\n\x1a\n"),
    (0, b"GIF8"),
    (0, b"II*\0"),  # TIFF and the raw files of many cameras
    (0, b"MM\0*"),
    (8, b"WEBP"),
    (4, b"ftypheic"),
    (4, b"ftypheix"),
    (4, b"ftypmif1"),
    (4, b"ftypavif"),
    (4, b"JXL \r\n"),
    (4, b"jP  \r\n"),  # JPEG 2000
    (0, b"\xff\x0a"),  # JPEG XL without a container
    (0, b"8BPS"),  # Photoshop
)
"""(place, bytes) by which files are known as images, whatever their names."""

_UNREAD = (".heic", ".heif", ".avif", ".jxl", ".jp2", ".tga", ".dng", ".cr2", ".nef", ".arw")
"""Endings of images that are not read."""


class ImageSearch:
    """Finds files, and keeps what it passed over.

    Attributes:
        hidden: Hidden files that have the ending of an image, and hidden folders.
        unread: Files that look like images but have endings that are not read.
        closed: Folders that may not be read.
        links: Links that lead nowhere, or to a folder that was searched already.
    """

    def __init__(self) -> None:
        self.hidden: set[Path] = set()
        self.unread: set[Path] = set()
        self.links: set[Path] = set()
        self.closed: set[Path] = set()

    def images(self, folder: Path, *, deep: bool = False) -> list[Path]:
        """Return the image files in a folder, sorted.

        Args:
            folder: Where to look.
            deep: Look into folders within, too.
        """
        kept = []
        for path in self.files(folder, deep=deep):
            if path.suffix.lower() in images.extensions:
                kept.append(path)
            elif path.suffix.lower() in _UNREAD or _looks_like_an_image(path):
                self.unread.add(path)
        return kept

    def files(self, folder: Path, *, deep: bool = False) -> list[Path]:
        """Return all files in a folder, sorted, but hidden ones and those in hidden folders."""
        kept, walked, linked = self._walk(folder, deep)
        if linked:  # they come last, so that files keep their own place
            # A link to what lies above would find the pictures of others.
            seen = {_identity(place) for place in (*walked, *folder.resolve().parents)}
            while linked:
                link = linked.pop(0)
                if _identity(link) in seen:
                    self.links.add(link)
                    continue
                files, walked, more = self._walk(link, deep)
                seen.update(map(_identity, walked))
                kept += files
                linked += more
        return sorted(kept)

    def folders(self, folder: Path) -> list[Path]:
        """Return the folders right in a folder, sorted, but hidden ones."""
        return sorted(Path(entry.path) for entry in self._shown(folder) if entry.is_dir())

    def notes(self, root: Path) -> Iterator[str]:
        """Yield what was passed over below a folder, a sentence for each kind."""
        if self.hidden:
            yield (
                f"{len(self.hidden)} hidden images or folders in {root} were passed over, since"
                f" their names begin with a dot: {_some(self.hidden, root)}."
            )
        if self.unread:
            endings = Counter(path.suffix.lower() or "no ending" for path in self.unread)
            counts = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
            yield (
                f"{len(self.unread)} files in {root} look like images but have endings that are not"
                f" read ({counts}); convert or rename them: {_some(self.unread, root)}."
            )
        if self.closed:
            yield (
                f"{len(self.closed)} folders in {root} may not be read, so what is in them is"
                f" missing: {_some(self.closed, root)}."
            )
        if self.links:
            yield (
                f"{len(self.links)} links in {root} were passed over, since they lead nowhere or to"
                f" a folder that is searched already: {_some(self.links, root)}."
            )

    def _walk(self, folder: Path, deep: bool) -> tuple[list[Path], list[Path], list[Path]]:
        """Return the files, the folders that were looked into, and the links to others."""
        files, linked = list[Path](), list[Path]()
        walked, waiting = list[Path](), [folder]
        while waiting:
            walked.append(waiting.pop())
            for entry in self._shown(walked[-1]):
                if entry.is_file():
                    files.append(Path(entry.path))
                elif deep and entry.is_dir():
                    (linked if entry.is_symlink() else waiting).append(Path(entry.path))
        return files, walked, sorted(linked)

    def _shown(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        """Yield what is right in a folder, but what is hidden and links that lead nowhere."""
        try:
            inside = os.scandir(folder)
        except PermissionError:
            self.closed.add(folder)
            return
        with inside as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    image = Path(entry.name).suffix.lower() in images.extensions
                    if image or entry.is_dir():
                        self.hidden.add(Path(entry.path))
                elif entry.is_symlink() and not os.path.exists(entry.path):
                    self.links.add(Path(entry.path))
                else:
                    yield entry


def _identity(folder: Path) -> tuple[int, int]:
    facts = folder.stat()
    return facts.st_dev, facts.st_ino


def _looks_like_an_image(path: Path) -> bool:
    try:
        with path.open("rb") as content:
            start = content.read(16)
    except OSError:
        return False
    return any(start[place:].startswith(sign) for place, sign in _SIGNATURES)


def _some(paths: set[Path], root: Path) -> str:
    """Return the first names of some, for a sentence."""
    shown = [label(os.path.relpath(path, root)) for path in sorted(paths)[:3]]
    return ", ".join(shown) + (", ..." if len(paths) > 3 else "")

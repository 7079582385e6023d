"""Weights on the Hugging Face hub: ``hf:USER/REPO[@REVISION]`` wherever a weights file is named.

What is fetched is one safetensors file of the name that ``restore-recog publish`` gives it, into
the cache of huggingface_hub, and nothing else; it is then checked as any weights file is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from restore_recog.errors import WeightsError, first_line

PREFIX = "hf:"
FILE = "weights.safetensors"
"""What weights are called in a repository."""

TOKEN = (
    "log in with 'hf auth login', or set HF_TOKEN to a token of https://huggingface.co/settings/"
    "tokens that may do this"
)

_ADDRESS = re.compile(rf"{PREFIX}(?P<repository>[\w.-]+/[\w.-]+?)(@(?P<revision>[\w./-]+))?")
_CACHED = re.compile(r"models--(?P<repository>.+)/snapshots/(?P<commit>[0-9a-f]{40})/[^/]+")


class Address(NamedTuple):
    """A repository ``USER/REPO``, and a branch, tag or commit of it; None for its main branch."""

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        revision = "" if self.revision is None else f"@{self.revision}"
        return f"{PREFIX}{self.repository}{revision}"


def is_address(text: str | Path) -> bool:
    """Return whether what is given for a weights file names a repository."""
    return str(text).startswith(PREFIX)


def parse(text: str | Path) -> Address:
    """Return the address in a text.

    Raises:
        WeightsError: It is not of the form ``hf:USER/REPO[@REVISION]``.
    """
    written = text.as_posix() if isinstance(text, Path) else text
    match = _ADDRESS.fullmatch(written)
    if match is None:
        raise WeightsError(
            f"'{written}' names no repository of the Hugging Face hub; write "
            "hf:USER/REPO, or hf:USER/REPO@REVISION for a branch, tag or commit."
        )
    return Address(match["repository"], match["revision"])


def local(file: str | Path) -> Path:
    """Return the file that a value stands for: a path as it is, an address once it is fetched.

    Every address is asked for once in a process, so that all of a run has the same commit.

    Raises:
        WeightsError: It cannot be fetched; the message says why and what to do.
    """
    return _fetched(parse(file)) if is_address(file) else Path(file)


def origin(file: Path) -> dict[str, str]:
    """Return ``repository`` and ``commit`` of a file in the hub's cache, of any other nothing."""
    match = _CACHED.fullmatch("/".join(file.parts[-4:]))
    if match is None:
        return {}
    return {"repository": match["repository"].replace("--", "/"), "commit": match["commit"]}


def title(file: Path) -> str:
    """Return what a weights file is called in a record: its name, or its repository and commit."""
    return str(Address(*origin(file).values())) if origin(file) else file.name


@lru_cache(maxsize=64)
def _fetched(address: Address) -> Path:
    with failures(address):
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(address.repository, FILE, revision=address.revision))


@contextmanager
def failures(address: Address) -> Iterator[None]:
    """Turn what goes wrong between here and the hub into one sentence.

    Raises:
        WeightsError: It did.
    """
    try:
        from huggingface_hub import errors
    except ImportError as error:
        raise WeightsError(
            f"{address} is on the Hugging Face hub, which needs the package huggingface_hub "
            f"({first_line(error)}): pip install 'restore-recog[hub]'."
        ) from error
    # Of httpx or httpx2, whichever this version of huggingface_hub uses.
    transport: type[Exception] = getattr(errors, "HTTPError", OSError)
    try:
        yield
    except errors.HFValidationError as error:
        raise WeightsError(
            f"'{address.repository}' cannot be the name of a repository ({first_line(error)})."
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise WeightsError(
            f"{address} is not in the cache of huggingface_hub, and the hub cannot be reached; "
            "fetch it once with a network, and without HF_HUB_OFFLINE."
        ) from error
    except errors.GatedRepoError as error:
        raise WeightsError(
            f"{address} is open only to those who have asked for it; ask on its page, and {TOKEN}."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise WeightsError(
            f"The hub shows no repository {address.repository}: either the name is misspelt, or "
            f"it is private; then {TOKEN}."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise WeightsError(
            f"{address.repository} has no revision '{address.revision or 'main'}'; name one of its "
            "branches, tags or commits."
        ) from error
    except errors.EntryNotFoundError as error:
        raise WeightsError(
            f"{address} has no file {FILE}, which is what 'restore-recog publish' writes; name "
            "another repository, or get its file and name that."
        ) from error
    except errors.LocalTokenNotFoundError as error:
        raise WeightsError(f"{address} needs a token; {TOKEN}.") from error
    except errors.OfflineModeIsEnabled as error:
        raise WeightsError(
            f"{address} cannot be reached while HF_HUB_OFFLINE is set; unset it."
        ) from error
    except errors.HfHubHTTPError as error:
        raise WeightsError(_refused(address, error)) from error
    except (transport, OSError) as error:
        raise WeightsError(
            f"The hub cannot be reached for {address} ({first_line(error)}); try again with a "
            "network."
        ) from error


def _refused(address: Address, error: Exception) -> str:
    """Return a sentence about an answer of the hub that is none of the usual failures."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"The hub does not let you do this with {address.repository}; {TOKEN}."
    if status in (409, 412):
        return f"{address.repository} changed meanwhile; look at it and run the command again."
    return f"The hub does not serve {address} ({first_line(error)}); try again later."

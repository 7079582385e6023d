"""Putting weights on the Hugging Face hub: the file, and its card as the repository's page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restore_recog import hub, weights
from restore_recog.errors import OutputError, WeightsError, first_line
from restore_recog.system.atomic import write_text

CARD = "README.md"
_OURS = {".gitattributes"}
"""What the hub puts into a new repository."""


@dataclass(frozen=True)
class Package:
    """What is uploaded.

    Attributes:
        weights: The checked file; called :data:`restore_recog.hub.FILE` there.
        model: The plug-in that it is for.
        card: Text of the page, with the hub's metadata on top.
    """

    weights: Path
    model: str
    card: str

    def write(self, folder: Path) -> None:
        """Write what would be uploaded into a new folder.

        Raises:
            OutputError: It holds something, or cannot be written to.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} exists; name another folder for --dry-run.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / hub.FILE).write_bytes(self.weights.read_bytes())
        except OSError as error:
            raise OutputError(
                f"{folder} cannot be written ({error.strerror}); name another folder for --dry-run."
            ) from error
        write_text(folder / CARD, self.card)


def package(
    file: Path, address: hub.Address, card: Path | None = None, licence: str | None = None
) -> Package:
    """Check weights and make their page.

    Args:
        file: Written by this package.
        address: Where they shall go, for the example on the page.
        card: Markdown; the file of the same name with ``.md`` by default, else what the header
            of the weights and ``run.json`` beside them tell.
        licence: The hub's name of a licence, e.g. ``mit``; None to state none.

    Raises:
        WeightsError: The file is missing, corrupt or another program's, or there is no such card.
    """
    if not file.is_file():
        raise WeightsError(f"There is no weights file {file}.")
    header = weights.header(file)
    model = header.get("model", "")
    weights.load(file, model)  # says what is wrong with it
    beside = file.with_suffix(".md")
    if card is not None and not card.is_file():
        raise WeightsError(f"There is no card {card}; check --card.")
    place = card or (beside if beside.is_file() else None)
    text = _told(file, header) if place is None else place.read_text(encoding="utf-8")
    if not text.startswith("---\n"):  # a card that has metadata keeps it
        text = _metadata(model, licence) + text.rstrip() + _use(model, address)
    return Package(file, model, text)


def upload(package: Package, address: hub.Address, *, private: bool, overwrite: bool) -> str:
    """Upload weights and card in one commit, and return the commit's hash.

    Args:
        package: What.
        address: Where to; made where there is no such repository.
        private: Whether only its owner may see a repository.
        overwrite: Whether files that are there may be replaced.

    Raises:
        OutputError: There are files already, the repository is public and shall be private, or
            the hub refuses the card.
        WeightsError: The hub cannot be reached or refuses.
    """
    with hub.failures(address):
        from huggingface_hub import CommitOperationAdd, HfApi

        api = HfApi()
        api.create_repo(address.repository, private=private or None, exist_ok=True)
        there = api.model_info(address.repository)
        _check(address, there, private=private, overwrite=overwrite)
        files: dict[str, str | bytes] = {
            hub.FILE: str(package.weights),
            CARD: package.card.encode(),
        }
        try:
            done = api.create_commit(
                address.repository,
                [CommitOperationAdd(name, content) for name, content in files.items()],
                commit_message=f"Weights of {package.model}",
                parent_commit=there.sha,  # refused where somebody else was faster
            )
        except RuntimeError as error:  # how huggingface_hub tells that a file did not get there
            raise OutputError(
                f"{package.weights} could not be uploaded to {address} "
                f"({first_line(error.__cause__ or error)}); nothing was changed there, try again."
            ) from error
        except ValueError as error:
            said = " ".join(str(error).split())
            raise OutputError(
                f"The hub refuses the card ({said}); mend the YAML on top of it, or --license."
            ) from error
        return str(done.oid)


def _check(address: hub.Address, there: Any, *, private: bool, overwrite: bool) -> None:
    """Refuse to make public what shall be private, and to replace what shall stay."""
    if private and not there.private:
        raise OutputError(
            f"{address} exists and is public, so that --private cannot be kept; choose another "
            "name, or make it private in its settings first."
        )
    names = sorted({one.rfilename for one in there.siblings or ()} - _OURS)
    if names and not overwrite:
        changed = f", last changed {there.last_modified:%Y-%m-%d}" if there.last_modified else ""
        raise OutputError(
            f"{address} holds {', '.join(names[:6])} already (commit {str(there.sha)[:12]}"
            f"{changed}); replace {hub.FILE} and {CARD} with --overwrite, or choose another name."
        )


def _metadata(model: str, licence: str | None) -> str:
    """Return the YAML on top of a page, by which the hub files it."""
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        library_name="restore-recog",
        license=licence,
        tags=["restore-recog", model, "face-recognition", "masked-faces"],
    )
    return f"---\n{data.to_yaml()}\n---\n\n"


def _told(file: Path, header: Mapping[str, str]) -> str:
    """Return a card from what the weights' header and the record of their training say."""
    rows = {"model": header["model"], "SHA-256": weights.fingerprint(file)}
    rows |= {key: header[key] for key in ("note", "config", "training") if header.get(key)}
    record = file.with_name("run.json")
    if record.is_file():
        facts = json.loads(record.read_text(encoding="utf-8"))
        known = ("command", "datasets", "images_seen", "people", "versions", "git", "device")
        rows |= {key: json.dumps(facts[key]) for key in known if facts.get(key)}
    lines = [f"| {key} | `{value}` |" for key, value in rows.items()]
    return "\n".join([f"# {header['model']}", "", "| | |", "|---|---|", *lines])


def _use(model: str, address: hub.Address) -> str:
    return (
        "\n\n## Use\n\n```sh\npip install 'restore-recog[hub]'\n"
        f"restore-recog list  # says whether {model} is a restorer, a segmenter, a recogniser\n"
        f"restore-recog eval --restorer {model}={address}\n```\n"
    )

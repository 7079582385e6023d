"""``restore-recog publish``, and weights that are named ``hf:USER/REPO``; all on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from restore_recog import hub, registry, weights
from restore_recog.cli import main
from restore_recog.errors import WeightsError
from restore_recog.segmenters import names
from restore_recog.system import provenance
from tests.fakes import small_hub
from tests.fakes.small_hub import TOKEN, Hub

constants = pytest.importorskip("huggingface_hub.constants")
# huggingface_hub's own way to upload, which its HTTP library would like to be another.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture(scope="module")
def server() -> Iterator[Hub]:
    with small_hub.running() as server:
        yield server


def lead_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what HF_ENDPOINT does to a new process."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture(autouse=True)
def here(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lead everything that is meant for the hub to the small one, with a cache of its own."""
    server.repositories.clear()
    server.asked.clear()
    server.broken, server.full = 0, False
    lead_to(server.url, monkeypatch)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    hub._fetched.cache_clear()
    yield
    hub._fetched.cache_clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "best.safetensors"
    path.parent.mkdir()
    weights.save(path, "small", {"width": 4}, {"a": torch.ones(3)}, note="psnr 20")
    return path


def publish(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["publish", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def fetched(address: str) -> Path:
    """Return an address's file as a new process would get it."""
    hub._fetched.cache_clear()
    return hub.local(address)


def test_what_is_published_comes_back(server: Hub, file: Path) -> None:
    code, text = publish(file, "hf:me/small", "--license", "mit")
    assert code == 0, text
    repository = server.repositories["me/small"]
    assert f"hf:me/small@{repository.head}" in text and not repository.private
    card = repository.commits[repository.head]["README.md"].decode()
    assert card.startswith("---\n") and "license: mit" in card and "- small" in card
    assert "psnr 20" in card and "small=hf:me/small" in card
    back = fetched("hf:me/small")
    assert back.read_bytes() == file.read_bytes()
    assert hub.origin(back) == {"repository": "me/small", "commit": repository.head}
    assert weights.load(back, "small")[0] == {"width": 4}


def test_a_card_beside_the_weights_is_the_page(server: Hub, file: Path) -> None:
    file.with_suffix(".md").write_text("# Mine\n")
    assert publish(file, "hf:me/small", "--private")[0] == 0
    repository = server.repositories["me/small"]
    assert repository.private
    assert "\n# Mine\n" in repository.commits[repository.head]["README.md"].decode()
    own = file.with_name("own.md")
    own.write_text("---\nlicense: mit\n---\n# Own\n")
    assert publish(file, "hf:me/other", "--card", own)[0] == 0
    other = server.repositories["me/other"]
    assert other.commits[other.head]["README.md"] == own.read_bytes()


def test_nothing_is_replaced_unasked(server: Hub, file: Path) -> None:
    publish(file, "hf:me/small")
    first = server.repositories["me/small"].head
    code, text = publish(file, "hf:me/small")
    assert code == 1 and "README.md, weights.safetensors already" in text
    assert first[:12] in text and "--overwrite" in text
    assert server.repositories["me/small"].head == first
    weights.save(file, "small", {"width": 5}, {"a": torch.zeros(3)})
    assert publish(file, "hf:me/small", "--overwrite")[0] == 0
    assert weights.load(fetched("hf:me/small"), "small")[0] == {"width": 5}
    assert weights.load(fetched(f"hf:me/small@{first}"), "small")[0] == {"width": 4}


def test_what_is_public_is_not_taken_for_private(server: Hub, file: Path) -> None:
    server.repositories["me/open"] = small_hub.Repository(private=False)
    code, text = publish(file, "hf:me/open", "--private")
    assert code == 1 and "is public" in text
    assert list(server.repositories["me/open"].commits[server.repositories["me/open"].head]) == [
        ".gitattributes"
    ]


def test_a_dry_run_asks_nobody(server: Hub, file: Path, tmp_path: Path) -> None:
    code, text = publish(file, "hf:me/small", "--dry-run", tmp_path / "look")
    assert code == 0, text
    assert sorted(p.name for p in (tmp_path / "look").iterdir()) == [
        "README.md",
        "weights.safetensors",
    ]
    assert (tmp_path / "look" / "weights.safetensors").read_bytes() == file.read_bytes()
    assert not server.asked
    code, text = publish(file, "hf:me/small", "--dry-run", tmp_path / "look")
    assert code == 1 and "exists; name another folder" in text


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf:small", "write hf:USER/REPO"),
        ("me/small", "write hf:USER/REPO"),
        ("hf:me/small--er", "cannot be the name of a repository"),
    ],
)
def test_wrong_addresses_are_one_sentence(file: Path, address: str, message: str) -> None:
    code, text = publish(file, address)
    assert code == 1 and message in " ".join(text.split()) and "Traceback" not in text


def test_a_missing_or_wrong_token_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("hf_wrong", ""):
        monkeypatch.setenv("HF_TOKEN", token)
        code, text = publish(file, "hf:me/small")
        assert code == 1 and "hf auth login" in text and "Traceback" not in text


def test_a_card_that_the_hub_refuses_is_told(file: Path) -> None:
    code, text = publish(file, "hf:me/small", "--license", "nonsense")
    assert code == 1 and '"license" is not one of the known' in text and "Traceback" not in text


def test_an_upload_that_breaks_off_is_told(server: Hub, file: Path) -> None:
    server.full = True
    code, text = publish(file, "hf:me/small")
    assert code == 1 and "could not be uploaded" in text and "Traceback" not in text
    assert list(server.repositories["me/small"].commits[server.repositories["me/small"].head]) == [
        ".gitattributes"
    ]


def test_only_weights_are_published(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"\0" * 100)
    code, text = publish(tmp_path / "x.safetensors", "hf:me/small")
    assert code == 1 and "not a readable safetensors file" in text
    code, text = publish(tmp_path / "none.safetensors", "hf:me/small")
    assert code == 1 and "There is no weights file" in text


def test_only_the_weights_are_fetched(server: Hub, file: Path) -> None:
    publish(file, "hf:me/small")
    server.repositories["me/small"].commit({"evil.pkl": b"x", "other.bin": b"y"})
    server.asked.clear()
    fetched("hf:me/small")
    assert server.asked and all(one.endswith("weights.safetensors") for one in server.asked)


def test_once_it_is_cached_no_network_is_needed(
    server: Hub, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(file, "hf:me/small")
    online = fetched("hf:me/small")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    server.asked.clear()
    assert fetched("hf:me/small") == online
    assert not server.asked
    with pytest.raises(WeightsError, match="is not in the cache .* HF_HUB_OFFLINE"):
        fetched("hf:me/other")


def test_what_the_hub_does_not_have_is_one_sentence(server: Hub, file: Path) -> None:
    publish(file, "hf:me/small")
    server.repositories["me/empty"] = small_hub.Repository(private=False)
    for address, message in (
        ("hf:me/nothing", "shows no repository me/nothing: either the name is misspelt"),
        ("hf:me/small@v9", "has no revision 'v9'"),
        ("hf:me/empty", r"has no file weights\.safetensors"),
    ):
        with pytest.raises(WeightsError, match=message):
            fetched(address)
    server.broken = 403
    with pytest.raises(WeightsError, match="HF_TOKEN|cannot be reached"):
        fetched("hf:me/other")


def test_a_hub_that_is_away_is_one_sentence(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to("http://127.0.0.1:9", monkeypatch)
    with pytest.raises(WeightsError, match="the hub cannot be reached"):
        fetched("hf:me/small")
    code, text = publish(file, "hf:me/small")
    assert code == 1 and "cannot be reached" in text and "Traceback" not in text


def test_every_plug_in_takes_an_address(server: Hub) -> None:
    shipped = {"restorers": "fmodr", "landmarkers": "hourglass", "classifiers": "resnet18"}
    for kind, name in shipped.items():
        content = weights.shipped(name).read_bytes()
        server.repositories[f"me/{name}"] = small_hub.Repository(private=False)
        commit = server.repositories[f"me/{name}"].commit({"weights.safetensors": content})
        made = registry.GROUPS[kind].create(f"{name}=hf:me/{name}", device="cpu")
        assert hub.origin(made.weights) == {"repository": f"me/{name}", "commit": commit}
        beside = registry.GROUPS[kind].create(name, weights=f"hf:me/{name}", device="cpu")
        assert beside.weights == made.weights
    record = provenance.model(registry.restorers.create("fmodr=hf:me/fmodr"))
    assert record["hub"]["repository"] == "me/fmodr" and len(record["hub"]["commit"]) == 40
    assert "hub" not in provenance.model(registry.restorers.create("fmodr"))
    chosen = names.create("fmodr=hf:me/fmodr", {}, "cpu")
    assert chosen.name == "fmodr"
    assert names.described("fmodr=hf:me/fmodr").startswith("fmodr=hf:me/fmodr@")


def test_commands_say_what_is_wrong_before_they_begin(server: Hub) -> None:
    done = CliRunner().invoke(main, ["eval", "-r", "fmodr", "--weights", "hf:me/no", "-o", "x"])
    assert done.exit_code == 1 and "shows no repository me/no" in done.output

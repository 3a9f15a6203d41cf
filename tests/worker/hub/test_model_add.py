"""`cosia model add` and `cosia model list`, from the command line to the model that can be asked for."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from app import models
from app.cli import main
from app.database import sessions
from app.definitions import ModelCard
from app.definitions.model_card import Published
from app.storage import storage
from tests.conftest import forget_settings
from tests.worker.hub.server import COMMIT, FILE, REPOSITORY, FakeHub, running, status
from worker import weights
from worker.architectures import build

TOKEN = "hf_secret"  # noqa: S105 - no real one


@pytest.fixture
def file(card: ModelCard) -> bytes:
    """A published file: prefixed names, and the loss beside the network."""
    torch.manual_seed(0)
    published = {f"model.seg_model.{key}": tensor for key, tensor in build(card).state_dict().items()}
    buffer = io.BytesIO()
    torch.save(published | {"criterion.weight": torch.ones(3)}, buffer)
    return buffer.getvalue()


@pytest.fixture
def hub(file: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running(FakeHub(file)) as served:
        monkeypatch.setenv("COSIA_HUB_URL", f"{served.url}/")
        monkeypatch.setenv("COSIA_HUB_TOKEN", TOKEN)
        forget_settings()
        yield served


@pytest.fixture
def definition(card: ModelCard, tmp_path: Path) -> Path:
    """A card file that states where its weights are published."""
    stated = card.model_copy(update={"published": Published(repository=REPOSITORY, file=FILE)})
    (tmp_path / "tiny.json").write_bytes(weights.card_json(stated))
    return tmp_path / "tiny.json"


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["model", *map(str, arguments)])
    assert TOKEN not in result.output
    assert "Traceback" not in result.output
    return result


def test_model_is_added_from_where_its_card_says(
    hub: FakeHub, definition: Path, file: bytes, data_folder: Path
) -> None:
    added = run("add", definition)

    assert added.exit_code == 0, added.output
    assert f"made from {FILE} of {REPOSITORY}@{COMMIT}, sha256 {hashlib.sha256(file).hexdigest()}" in added.output
    assert "left out: criterion (1)" in added.output
    with sessions().read() as session:
        found = models.find_model(session, storage(), "tiny")
    assert found.card.origin is not None
    assert (found.card.origin.repository, found.card.origin.revision) == (REPOSITORY, COMMIT)
    with found.weights() as path:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == found.sha256
    assert list((data_folder / "downloads").iterdir()) == []


def test_added_model_is_listed_first_and_ready(hub: FakeHub, definition: Path) -> None:
    run("add", definition)

    listed = [line.split("\t") for line in run("list").output.splitlines()]

    states = [state for _, _, state, _, _ in listed]
    assert ["tiny", "R,G,B", "ready", "mIoU unknown", "Tiny"] in listed
    assert states == sorted(states, key=lambda state: state != "ready")


def test_repository_and_revision_of_the_call_go_before_those_of_the_card(hub: FakeHub, definition: Path) -> None:
    added = run("add", definition, "--from", f"{REPOSITORY}@v1")

    assert added.exit_code == 0, added.output
    assert "/resolve/v1/" in hub.asked[0].path


def test_card_without_repository_takes_one_from_the_call(
    hub: FakeHub, card: ModelCard, tmp_path: Path, definition: Path
) -> None:
    definition.write_bytes(weights.card_json(card))

    assert "states no hub repository: give --weights FILE" in run("add", definition).output
    assert "give --file" in run("add", definition, "--from", REPOSITORY).output
    assert run("add", definition, "--from", REPOSITORY, "--file", FILE).exit_code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--from", "https://example.org/net"), "expected OWNER/NAME[@REVISION]"),
        (("--from", f"{REPOSITORY}@../main"), "expected a branch, a tag or a commit"),
        (("--file", "../../etc/passwd"), "expected its path in the repository"),
    ],
)
def test_names_that_a_hub_cannot_have_are_refused_unasked(
    hub: FakeHub, definition: Path, options: tuple[str, ...], words: str
) -> None:
    refused = run("add", definition, *options)

    assert refused.exit_code == 1
    assert words in refused.output
    assert hub.asked == []


def test_hub_that_refuses_is_said_without_the_token(hub: FakeHub, definition: Path) -> None:
    hub.faults = [("hub HEAD", status(403))]

    refused = run("add", definition)

    assert refused.exit_code == 1
    assert "accept the terms" in refused.output


def test_line_break_behind_the_token_is_not_part_of_it(
    hub: FakeHub, definition: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIA_HUB_TOKEN", f"{TOKEN}\n")
    forget_settings()

    assert run("add", definition).exit_code == 0
    assert {each.headers["Authorization"] for each in hub.of("hub", "HEAD")} == {f"Bearer {TOKEN}"}


def test_token_that_cannot_be_one_is_refused_without_being_shown(
    hub: FakeHub, definition: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIA_HUB_TOKEN", f"{TOKEN}\n{TOKEN}")
    forget_settings()

    refused = run("add", definition)

    assert refused.exit_code == 1
    assert "COSIA_HUB_TOKEN" in refused.output
    assert TOKEN not in refused.output
    assert hub.asked == []


def test_card_s_sha256_is_verified_for_its_own_revision(hub: FakeHub, card: ModelCard, definition: Path) -> None:
    pinned = Published(repository=REPOSITORY, file=FILE, sha256="0" * 64)
    definition.write_bytes(weights.card_json(card.model_copy(update={"published": pinned})))

    refused = run("add", definition)

    assert refused.exit_code == 1
    assert "0" * 64 in refused.output


def test_model_is_added_from_a_file_without_a_hub(definition: Path, file: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(file)

    added = run("add", definition, "--weights", tmp_path / "net.pth", "--sha256", hashlib.sha256(file).hexdigest())

    assert added.exit_code == 0, added.output
    assert f"made from net.pth, sha256 {hashlib.sha256(file).hexdigest()}" in added.output


def test_file_of_another_sha256_than_asked_is_refused(definition: Path, file: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(file)

    refused = run("add", definition, "--weights", tmp_path / "net.pth", "--sha256", "0" * 64)

    assert refused.exit_code == 1
    assert f"expected {'0' * 64}" in refused.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--weights", "{file}", "--from", REPOSITORY), "not both"),
        (("--weights", "{file}", "--sha256", "abc"), "64 hexadecimal digits"),
    ],
)
def test_contradictory_options_are_refused(
    definition: Path, file: bytes, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    (tmp_path / "net.pth").write_bytes(file)

    refused = run("add", definition, *(option.format(file=tmp_path / "net.pth") for option in options))

    assert refused.exit_code == 2
    assert words in refused.output

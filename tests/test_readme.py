"""The README tells the truth about settings, commands and files."""

import re
from pathlib import Path

import pytest

from app.cli import main
from app.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_listed_with_its_default(name: str) -> None:
    default = Settings.model_fields[name].default
    row = re.search(rf"^\| `COSIA_{name.upper()}` \| (.+?) \| (.+?) \|$", README, re.MULTILINE)

    assert row is not None
    assert row[1] == ("unset" if default in (None, "") else f"`{default}`")
    assert row[2] == Settings.model_fields[name].description


def test_no_setting_is_listed_that_is_none() -> None:
    listed = set(re.findall(r"^\| `COSIA_(\w+)`", README, re.MULTILINE))

    assert listed == {name.upper() for name in Settings.model_fields}


def test_every_command_named_exists_and_every_command_is_named() -> None:
    context = main.make_context("cosia", ["--help"], resilient_parsing=True)
    named = set(re.findall(r"`cosia (\w+)", README)) | set(re.findall(r"^cosia (\w+)", README, re.MULTILINE))

    assert named == set(main.list_commands(context))
    assert all(main.get_command(context, name) is not None for name in named)


@pytest.mark.parametrize("document", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda p: p.name)
def test_links_and_pictures_of_the_documents_exist(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())

    assert [target for target in targets if not (document.parent / target).exists()] == []

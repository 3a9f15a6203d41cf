"""Settings that are refused, with words about what is expected."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.settings import Settings


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("contact_email", "nobody", "maps@example.org"),
        ("contact_email", "two words@example.org", "maps@example.org"),
        ("contact_name", "a\nb", "one line"),
        ("provider_name", "a\x00b", "one line"),
        ("provider_name", "", "at least 1 character"),
        ("provider_url", "example.org", "https://example.org"),
        ("provider_url", "file:///etc/hosts", "https://example.org"),
        ("embed_origins", "example.org", "https://example.org"),
        ("embed_origins", "https://example.org; script-src *", "https://example.org"),
        ("embed_origins", "https://example.org/page", "https://example.org"),
        ("embed_origins", "https://example.org 'unsafe-inline'", "https://example.org"),
    ],
)
def test_a_contact_that_cannot_be_one_is_refused(name: str, value: str, expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Settings(**{name: value})


def test_a_contact_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIA_CONTACT_EMAIL", "cartes+sig@collectivité.example")
    monkeypatch.setenv("COSIA_CONTACT_NAME", "Pôle SIG & cartes")

    assert Settings().contact_email == "cartes+sig@collectivité.example"
    assert Settings().contact_name == "Pôle SIG & cartes"


def test_sites_that_embed_the_map_are_taken_one_by_one() -> None:
    assert Settings(embed_origins="").embed_sites == []
    assert Settings(embed_origins=" https://example.org/ , http://*.town.example:8080").embed_sites == [
        "https://example.org",
        "http://*.town.example:8080",
    ]
    assert Settings(embed_origins="*").embed_sites == ["*"]

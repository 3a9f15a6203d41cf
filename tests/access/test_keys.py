"""API keys: what is kept of them, whom they let in, and until when."""

from __future__ import annotations

import hashlib
import re
from unittest.mock import patch

import pytest
from sqlalchemy import select, text, update

from app import access
from app.access import Caller, Keyring, anonymous
from app.database import ApiKeyRow, Sessions
from app.errors import ParameterInvalid, Unauthorised, Unknown


def _add(sessions: Sessions, owner: str = "town", **limits: float | bool | None) -> access.NewKey:
    with sessions.write() as session:
        return access.add(session, owner, **limits)  # type: ignore[arg-type]


def test_a_key_has_a_prefix_its_id_and_256_bits(sessions: Sessions) -> None:
    first, second = _add(sessions), _add(sessions)

    assert re.fullmatch(rf"cosia_{first.id}_[0-9a-f]{{64}}", first.text)
    assert first.text != second.text


def test_only_the_sha256_of_a_key_is_kept(sessions: Sessions) -> None:
    key = _add(sessions)

    with sessions.read() as session:
        kept = " ".join(str(value) for row in session.execute(text("SELECT * FROM api_key")) for value in row)
        row = session.scalars(select(ApiKeyRow)).one()
    assert key.text.rpartition("_")[2] not in kept
    assert row.sha256 == hashlib.sha256(key.text.encode()).hexdigest()


def test_a_key_is_its_owner_with_the_limits_of_the_key(sessions: Sessions) -> None:
    key = _add(sessions, active_jobs=50, km2_per_day=12.5)
    operator = _add(sessions, "operations", operator=True)
    keyring = Keyring(sessions)

    assert keyring.caller_of(key.text) == Caller("key:town", active_jobs=50, km2_per_day=12.5)
    assert keyring.caller_of(operator.text) == Caller("key:operations", operator=True)


@pytest.mark.parametrize("wrong", ["", "cosia", "cosia_0123456789ab_" + "0" * 64, "x" * 100_000, "é", "cosia_\x00"])
def test_what_is_no_key_is_refused(sessions: Sessions, wrong: str) -> None:
    with pytest.raises(Unauthorised):
        Keyring(sessions).caller_of(wrong)


def test_a_wrong_secret_under_a_known_id_is_refused(sessions: Sessions) -> None:
    key = _add(sessions)
    wrong = key.text[:-1] + ("0" if key.text[-1] != "0" else "1")

    with pytest.raises(Unauthorised):
        Keyring(sessions).caller_of(wrong)


def test_a_revoked_key_is_refused_once_the_keys_are_read_again(sessions: Sessions) -> None:
    key = _add(sessions)
    keyring = Keyring(sessions)
    keyring.caller_of(key.text)

    with sessions.write() as session:
        access.revoke(session, key.id)
        access.revoke(session, key.id)

    with patch("app.access.keyring.time.monotonic", return_value=1e12), pytest.raises(Unauthorised):
        keyring.caller_of(key.text)
    with pytest.raises(Unauthorised):
        Keyring(sessions).caller_of(key.text)


def test_a_key_is_refused_from_the_moment_it_expires(sessions: Sessions) -> None:
    key = _add(sessions, expires_days=1.0)
    assert Keyring(sessions).caller_of(key.text).owner == "key:town"
    with sessions.write() as session:
        session.execute(update(ApiKeyRow).values(expires_at=ApiKeyRow.expires_at - 86_400))

    with pytest.raises(Unauthorised):
        Keyring(sessions).caller_of(key.text)


def test_keys_are_read_once_for_many_requests_and_a_new_one_is_found_soon(sessions: Sessions) -> None:
    first = _add(sessions)
    keyring = Keyring(sessions)

    with patch("app.access.keyring.time.monotonic") as clock:
        clock.return_value = 100.0
        keyring.caller_of(first.text)
        with patch.object(sessions, "read", side_effect=AssertionError("a statement for a key")):
            for _ in range(100):
                keyring.caller_of(first.text)
            second = "cosia_0123456789ab_" + "0" * 64
            with pytest.raises(Unauthorised):
                keyring.caller_of(second)
        later = _add(sessions, "later")
        clock.return_value = 100.2
        assert keyring.caller_of(later.text).owner == "key:later"


def test_revoking_what_is_not_there_says_so(sessions: Sessions) -> None:
    with pytest.raises(Unknown, match="there is no key"), sessions.write() as session:
        access.revoke(session, "0123456789ab")


@pytest.mark.parametrize("owner", ["", "Town Hall", "a" * 65, "-x", "a\nb", "é"])
def test_an_owner_has_a_plain_name(sessions: Sessions, owner: str) -> None:
    with pytest.raises(ParameterInvalid, match="an owner is named by"):
        _add(sessions, owner)


@pytest.mark.parametrize(
    ("host", "owner"),
    [
        ("192.0.2.7", "address:192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "address:2001:db8:1:3::/64"),
        ("fe80::1%eth0", "address:fe80::/64"),
        ("::ffff:192.0.2.7", "address:192.0.2.7"),
        ("whatever a proxy says", "address:unknown"),
        (None, "address:unknown"),
    ],
)
def test_an_anonymous_caller_is_its_address(host: str | None, owner: str) -> None:
    assert anonymous(host) == Caller(owner)

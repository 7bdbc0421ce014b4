"""Who may send events: the token, the signature, and keys that are none."""

import base64
import hashlib
import hmac
import time

import pytest

from bkdoctor.bot.security import refused_signature, refused_token, signing_key_fault

KEY = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = '{"a": "ü"}'.encode()


def signature(body: bytes = BODY, *, at: float | None = None, key: str = KEY, id_: str = "msg-1") -> dict[str, str]:
    """Sign as GitLab does, written here from Standard Webhooks' own text and not with the package."""
    stamp = str(int(time.time() if at is None else at))
    secret = base64.b64decode(key.removeprefix("whsec_"))
    mac = hmac.new(secret, f"{id_}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signed = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": id_, "webhook-timestamp": stamp, "webhook-signature": signed}


@pytest.mark.parametrize(("sent", "refused"), [("right", False), ("wrong", True), ("", True), (None, True)])
def test_the_token_must_be_the_secret(sent: str | None, refused: bool) -> None:
    assert refused_token(sent, "right") is refused


def test_a_secret_may_have_any_letters() -> None:
    assert not refused_token("gehëim €".encode().decode("latin-1"), "gehëim €")
    assert refused_token("\u20ac", "right")


def test_without_a_secret_no_token_is_asked_for() -> None:
    assert not refused_token(None, "")
    assert not refused_signature({}, BODY, "")


def test_gitlabs_signature_passes() -> None:
    assert not refused_signature(signature(), BODY, KEY)


def test_one_right_signature_of_several_is_enough() -> None:
    headers = signature()
    headers["webhook-signature"] = f"v2,AAAA v1,{'A' * 43}= {headers['webhook-signature']}"
    assert not refused_signature(headers, BODY, KEY)


@pytest.mark.parametrize("change", [
    {"webhook-signature": "v1"}, {"webhook-signature": "v1,"}, {"webhook-signature": "v1,no base64 at all"},
    {"webhook-signature": "v1,é"}, {"webhook-signature": ""}, {"webhook-timestamp": "yesterday"},
    {"webhook-timestamp": "nan"}, {"webhook-timestamp": "1e400"}, {"webhook-timestamp": ""}, {"webhook-id": ""},
    {"webhook-id": "msg-2"},
])  # fmt: skip
def test_a_signature_that_is_malformed_or_of_something_else_is_refused(change: dict[str, str]) -> None:
    assert refused_signature(signature() | change, BODY, KEY)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_is_refused(missing: str) -> None:
    headers = signature()
    del headers[missing]
    assert refused_signature(headers, BODY, KEY)


@pytest.mark.parametrize("away", [-301, 302])
def test_a_time_more_than_five_minutes_away_is_refused(away: float) -> None:
    assert refused_signature(signature(at=time.time() + away), BODY, KEY)
    assert not refused_signature(signature(at=time.time() + away * 0.9), BODY, KEY)


def test_another_body_or_key_is_refused() -> None:
    assert refused_signature(signature(), BODY + b" ", KEY)
    assert refused_signature(signature(key="whsec_" + base64.b64encode(b"x" * 24).decode()), BODY, KEY)


def test_a_body_that_is_no_text_is_refused_and_no_accident() -> None:
    assert refused_signature(signature(b"\xff"), b"\xff", KEY)


@pytest.mark.parametrize("key", ["", "plain text secret", "whsec_", "whsec_no base64", "whsec_YQ==", KEY[6:]])
def test_a_key_that_is_none_is_named(key: str) -> None:
    assert signing_key_fault(key)


def test_a_key_as_gitlab_gives_it_is_right() -> None:
    assert signing_key_fault(KEY) == ""

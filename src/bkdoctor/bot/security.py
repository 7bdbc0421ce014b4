"""A request's headers and raw body -> None, or why it is refused; and what is wrong with a signing key.

GitLab proves itself by the secret in X-Gitlab-Token, by a signature as Standard Webhooks writes it, or both; each one
that is configured must be right.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Literal

_PREFIX = "whsec_"

Refused = Literal["token", "signature"]


def refused_token(sent: str | None, secret: str) -> bool:
    """Whether X-Gitlab-Token is not the secret; the time it takes does not tell how much of it is right."""
    # latin-1 is how headers arrive
    return bool(secret) and not hmac.compare_digest((sent or "").encode("latin-1", "replace"), secret.encode())


def refused_signature(headers: Mapping[str, str], body: bytes, signing_key: str) -> bool:
    """Whether no signature in webhook-signature is right, or its time is more than five minutes away."""
    if not signing_key:
        return False
    from standardwebhooks.webhooks import Webhook

    try:
        Webhook(signing_key).verify(body, dict(headers), json_parse=False)
    except Exception:
        # the package lets ValueError, UnicodeDecodeError and binascii.Error pass for what is merely malformed
        return True
    return False


def signing_key_fault(key: str) -> str:
    """Say what is wrong with a signing key, empty for nothing; the package would take any text for one."""
    if not key.startswith(_PREFIX):
        return f"does not begin with {_PREFIX}"
    try:
        decoded = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return "is no base64"
    return "" if len(decoded) >= 16 else "is too short"

"""From text that may hold secrets to the same text with `[REDACTED]` in their places.

In go lines of a log or sentences about it, out comes text for evidence, notes, JSON and our own logs. A value that is
masked already (`[MASKED]`, `glpat-[MASKED]`, `***`) or only named (`$TOKEN`) stays. Redacting twice changes nothing.
The time is linear in the text: every rule starts at a literal and never reads a stretch again.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

REDACTED = "[REDACTED]"

_HARMLESS = re.compile(
    r"(?:[A-Za-z_]{2,16}[-_=])?\[(?:MASKED|REDACTED)\]"  # by the runner, or by us
    r"|\*+|x{3,}|X{3,}"  # by the tool: Go writes a URL's password as xxxxx
    r"|\$\{?\w+[^}\s]*\}?|\$\(.*|%\w+%|<[^<>]*>"  # a variable, a command, a placeholder
    r"|true|false|null|none",
    re.IGNORECASE,
)


def _is_harmless(value: str) -> bool:
    """Tell whether a value names a secret or hides it, so that it may stay."""
    return value.startswith((REDACTED, "REDACTED", "MASKED]")) or _HARMLESS.fullmatch(value) is not None


class _Rule(NamedTuple):
    hints: tuple[str, ...]
    """In lower case; a text with none of them is not searched, and the pattern not even compiled."""
    pattern: str
    replace: str | Callable[[re.Match[str]], str]


def redact(text: str) -> str:
    """Return `text` with its secrets replaced; several lines are read as lines that follow each other."""
    return "\n".join(redact_lines(text.split("\n"))) if "\n" in text else _redact_line(text)


def redact_lines(lines: Iterable[str]) -> list[str]:
    """Return lines that follow each other with their secrets replaced, private keys over several lines included."""
    done: list[str] = []
    in_key = False
    for line in lines:
        if in_key and _END in line:
            in_key = False
            done.append(_redact_line(line))
            continue
        in_key = in_key and _KEY_BODY.fullmatch(line) is not None
        done.append(_hide_body(line) if in_key else _redact_line(line))
        begin = line.rfind(_BEGIN)
        if not in_key and begin >= 0 and _KEY_BEGIN.match(line, begin) and _END not in line[begin:]:
            in_key = True
    return done


def _redact_line(line: str) -> str:
    if len(line) < _SHORTEST:
        return line
    for _ in range(_PASSES):
        before, line = line, _pass(line)
        if line == before:
            break
    return line


def _pass(line: str) -> str:
    low = line.lower()
    for rule in _RULES:
        if any(hint in low for hint in rule.hints):
            line = _compiled(rule.pattern).sub(rule.replace, line)
    if "login" in low or "-p" in low:
        line = _redact_commands(line)
    if "curl" in low or "wget" in low:
        line = _compiled(_CURL_USER).sub(_hide_value, line)
    if "private key" in low:
        line = _compiled(_KEY_INLINE).sub(rf"\1{REDACTED}", line)
    return _hide_body(line) if _looks_like_body(line) else line


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_SHORTEST = 8
_PASSES = 8
"""What one rule replaced may hide the beginning of what another looks for; a second pass nearly always ends it."""


def _hide_value(match: re.Match[str]) -> str:
    """Replace the group `v`, unless nothing secret stands there."""
    value = match["v"]
    if not value or _is_harmless(value):
        return match[0]
    start, end = match.span("v")
    return match.string[match.start() : start] + REDACTED + match.string[end : match.end()]


_VALUE = (
    r"""(?:"(?P<d>(?:[^"\\]|\\.)*)"?|'(?P<s>[^']*)'?|\\{1,7}["'](?P<e>[^"'\\]*)"""
    r"""|(?P<v>[^\s"'`\\;|&][^\s"'`\\;|&]*))"""
)
"""The value of an option or an assignment: quoted, in quotes that are escaped, or bare."""


def _hide_argument(match: re.Match[str]) -> str:
    """Replace the value of an option, and leave its quotes."""
    group = next((name for name in ("d", "s", "e", "v") if match[name] is not None), "v")
    value = match[group]
    if not value or _is_harmless(value) or (group == "v" and value.startswith("-")):
        return match[0]
    start, end = match.span(group)
    return match.string[match.start() : start] + REDACTED + match.string[end : match.end()]


# --- URLs ---------------------------------------------------------------------------------------------------------


def _hide_userinfo(match: re.Match[str]) -> str:
    user, colon, password = match[1].partition(":")
    if colon and (not password or _is_harmless(password)):
        return match[0]
    before = match.string[max(0, match.start() - 8) : match.start()]
    if not colon and (_is_harmless(user) or before.endswith("ssh://") or user in {"", "git"}):
        return match[0]
    return f"{REDACTED}@"


_USERINFO = r"""(?<=://)([^\s/?#"'`<>:@]*:(?!\d{1,5}[?#])[^\s/"'`<>]*|[^\s/?#"'`<>]*)@(?!sha\d{3}:)"""
_QUERY = (
    r"(?i)(?:[?&]|\\u0026|&amp;)(?:x-(?:amz|goog)-(?:signature|credential|security-token)|signature|sig|verify"
    r"""|(?:private|authenticity|rss|feed|job|access|refresh|id)_token|token|api_?key)=(?P<v>[^&\s"'`<>\\]+)"""
)

# --- headers, JSON, assignments -----------------------------------------------------------------------------------

_AUTHORIZATION = (
    r"""(?i)authorization\\{0,3}["']?\s{0,8}[:=]\s{0,8}\[?\\{0,3}["']?"""
    r"""(?:(?:digest|aws4-hmac-sha256)\s{1,8}(?P<r>[^\r\n`]+)"""
    r"""|(?:basic|bearer|token|negotiate|apikey)\s{1,8}(?P<v>[^\s"'`\\\],;]+)"""
    r"""|(?:[a-z][\w-]{0,30}\s{1,4})?(?P<w>(?=[^\s"'`]{0,200}[\d=+/])[^\s"'`\[\]\\,]{8,}))"""
)


def _hide_authorization(match: re.Match[str]) -> str:
    group = str(match.lastgroup)
    value = match[group]
    if _is_harmless(value.removeprefix("[")) or "://" in value:
        return match[0]
    start, end = match.span(group)
    return match.string[match.start() : start] + REDACTED + match.string[end : match.end()]


_BEARER = r"""(?i)\bbearer\s{1,4}(?P<v>(?=[^\s"'`]{0,200}\d)[\w.~+/-]{20,}=*)"""
_HEADER = (
    r"(?i)(?:(?:private|job|deploy|vault|gitlab|auth)-token|registry-auth)"
    r"""["']?\s{0,4}[:=]\s{0,4}["']?(?P<v>[^\s"'`,;]{4,})"""
)
_JSON = (
    r"""(?i)(?P<q>\\{0,7}["'])(?:auth|password|passwd|identity_?token|registry_?token|access_?token|refresh_?token|id_?token"""
    r"|token|secret|client_?secret|private_?key|secret_?key|secret_?access_?key|aws_secret_access_key"
    r"|session_?token|_?auth_?token)(?P=q)"
    r"\s{0,16}[:=]\s{0,16}(?P=q)(?P<v>.*?)(?:(?<!\\)(?P=q)|$)"
)
_ASSIGNMENT = (
    r"(?i)(?:password|passwd|secret|token|api_?key|secret_?key|access_?key)[\"']?"
    rf"(?:=|(?<=access_key)\s{{0,4}}[:=]\s{{0,4}}){_VALUE}"
)


def _hide_assigned(match: re.Match[str]) -> str:
    """The same for `NAME=value`; what is shorter than four characters is a switch."""
    return _hide_argument(match) if match["v"] is None or len(match["v"]) > 3 else match[0]


# --- shapes of tokens ---------------------------------------------------------------------------------------------

_GITLAB = r"(gl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|oas|agent|imt|ffct|tok|wt)-)[\w-][\w.-]{13,}[\w-]"
_PREFIXED = (
    r"(GR1348941|gh[pousr]_|github_pat_|AIza|ya29\.|GOCSPX-|dckr_[po]at_)[\w-]{16,}"
    r"|(npm_)[A-Za-z0-9]{30,}|(pypi-)AgE[\w-]{16,}"
)
_SESSION = r"(?i)_gitlab_session=(?P<v>[^\s;\"'`]{4,})"
_AWS_ID = r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
_JWT = r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"


def _keep_prefix(match: re.Match[str]) -> str:
    return f"{next(filter(None, match.groups()))}{REDACTED}"


# --- commands -----------------------------------------------------------------------------------------------------

_LONG_FLAG = rf"(?<![\w-])--?(?:password|token|registry-token|identity-token)=\s{{0,4}}{_VALUE}"
_LONG_FLAG_APART = rf"(?<![\w-])--?(?:password|token|registry-token|identity-token)\s{{1,8}}{_VALUE}"
_LOGIN_FLAG = rf"(?<!\S)-(?:-?password[=\s]|-?token[=\s]|p(?!assword)[=\s]?)\s{{0,8}}{_VALUE}"
_USER_FLAGS = rf"(?<!\S)(?:-u|--user(?:name)?)(?:=|\s{{1,8}})\S{{1,200}}\s{{1,8}}-p[=\s]?\s{{0,8}}{_VALUE}"
_CURL_USER = r"""(?<!\S)(?:-u|--user|--proxy-user)[=\s]?\s{0,8}["']?[^\s:"'`]{0,200}:(?P<v>[^\s"'`]+)"""
_LOGIN = re.compile(r"(?<![\w./:-])login(?=\s)")
_SEPARATOR = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'|(&&|\|\|?|;)""")
_PORTS = re.compile(r"(?:[\d.]+:)?(?:\d[\d-]*:)?\d[\d-]*(?:/\w+)?")
_SECRETIVE = re.compile(r"(?=.*[\dA-Z+/=!$%^*])\S{6,}")


def _hide_likely_argument(match: re.Match[str]) -> str:
    """The same where prose may follow the option: `Using --password via the CLI is insecure`."""
    return _hide_argument(match) if match["v"] is None or _SECRETIVE.fullmatch(match["v"]) else match[0]


def _hide_unless_ports(match: re.Match[str]) -> str:
    """The same for `-u X -p Y`, which `docker run` has too: there Y is a pair of ports."""
    return match[0] if match["v"] and _PORTS.fullmatch(match["v"]) else _hide_argument(match)


def _redact_commands(line: str) -> str:
    line = _compiled(_USER_FLAGS).sub(_hide_unless_ports, line)
    parts: list[str] = []
    at = 0
    while login := _LOGIN.search(line, at):
        end = next((gap.start() for gap in _SEPARATOR.finditer(line, login.end()) if gap[1]), len(line))
        parts += line[at : login.end()], _compiled(_LOGIN_FLAG).sub(_hide_argument, line[login.end() : end])
        at = end
    return "".join([*parts, line[at:]])


# --- private keys -------------------------------------------------------------------------------------------------

_BEGIN, _END = "-----BEGIN ", "-----END "
_KEY_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_INLINE = (
    r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)"
    r"(?!\s{0,4}(?:-----END|\[REDACTED\]))(?:\s|\\+[nr]){0,8}[A-Za-z0-9+/=]{16,}[^\"'`]*?(?=-----END|[\"'`]|$)"
)
# What BuildKit, Compose or GitLab write before a line: `#7 0.123 `, `service | `
_MARGIN = r"\s*+(?:#\d+ (?:\d+\.\d+ )?)?(?:\S{1,40}\s*+\| )?\s*+"
_KEY_BODY = re.compile(rf"{_MARGIN}(?:[A-Za-z0-9+/=\[\]]{{1,128}}|(?:Proc-Type|DEK-Info|Comment|Version): .*)?\s*")
_BODY_ALONE = re.compile(rf"{_MARGIN}(?P<v>[A-Za-z0-9+/]{{64}}|[A-Za-z0-9+/]{{70}}|[A-Za-z0-9+/]{{76}})\s*")
_BODY = re.compile(r"(?:[A-Za-z0-9+/=]{1,128}|(?:Proc-Type|DEK-Info|Comment|Version): .*)(?=\s*$)")


def _looks_like_body(line: str) -> bool:
    """Tell whether a line alone is a full line of base64: no digest in hexadecimal, no name."""
    if len(line) > 200 or not (match := _BODY_ALONE.fullmatch(line)):
        return False
    value = match["v"]
    return all(re.search(kind, value) for kind in ("[a-z]", "[A-Z]", "[0-9]")) and len(set(value)) > 12


def _hide_body(line: str) -> str:
    return _BODY.sub(REDACTED, line)


_RULES: tuple[_Rule, ...] = (
    _Rule(("://",), _USERINFO, _hide_userinfo),
    _Rule(("=",), _QUERY, _hide_value),
    _Rule(("authorization",), _AUTHORIZATION, _hide_authorization),
    _Rule(("bearer",), _BEARER, _hide_value),
    _Rule(("-token", "registry-auth"), _HEADER, _hide_value),
    _Rule(("auth", "passw", "token", "secret", "key"), _JSON, _hide_value),
    _Rule(("-password=", "-token="), _LONG_FLAG, _hide_argument),
    _Rule(("-password", "-token"), _LONG_FLAG_APART, _hide_likely_argument),
    _Rule(("passw", "secret", "token", "key"), _ASSIGNMENT, _hide_assigned),
    _Rule(("_gitlab_session=",), _SESSION, _hide_value),
    _Rule(("gl",), _GITLAB, _keep_prefix),
    _Rule(
        ("gr13", "gh", "github_pat", "aiza", "ya29", "gocspx", "dckr", "npm_", "pypi-"),
        _PREFIXED,
        _keep_prefix,
    ),
    _Rule(("akia", "asia"), _AWS_ID, REDACTED),
    _Rule(("eyj",), _JWT, REDACTED),
)

"""An exception of python-gitlab or requests -> one line that says what GitLab refused and what to do next.

What the server wrote is never repeated: it may hold a token, or anything else.
"""

import msgspec

from bkdoctor.gitlab.credentials import Token


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, in the words of the error."""

    thing: str
    """`job 12 of group/app`"""
    project: str
    scope: str = "read_api"
    role: str = "Reporter"
    deed: str = "read"
    """What the token must be let do: `read {thing}`, `write {thing}`."""


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who was asked, and as whom."""

    host: str
    url: str
    token: Token | None
    advice: str
    """Why no token was sent, if none was."""
    verify: bool | str
    read_timeout: float


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What to say, and whether asking again may help."""

    message: str
    passing: bool = False
    """It may pass: the request is worth a second try."""
    permanent: bool = False
    """It stays as it is whatever time passes; what is neither waits for somebody to mend it."""


def explain(error: Exception, asked: Asked, asker: Asker, retry_after: float | None) -> Refusal:
    """Say what an exception means; every text ends with the next step."""
    import gitlab.exceptions

    from bkdoctor.gitlab.session import RedirectRefused, WebPage

    host = asker.host
    if isinstance(error, gitlab.exceptions.GitlabParsingError):
        return Refusal(message=_no_api(asker, "answers with something else than the GitLab API"))
    if isinstance(error, gitlab.exceptions.GitlabError) and error.response_code:
        return _status(error.response_code, str(error.error_message), asked, asker, retry_after)
    if isinstance(error, WebPage):
        if error.status == 302:
            return Refusal(message=f"{host} wants a sign-in for {asked.thing}: {_token_advice(asked, asker)}")
        return Refusal(message=_no_api(asker, f"answers with a web page (HTTP {error.status})"))
    if isinstance(error, RedirectRefused):
        message = f"{host} redirects to {error.host}, where nothing was sent: if that is your GitLab, name it"
        return Refusal(message=f"{message} with --gitlab https://{error.host}")
    return _connection(error, asked, asker)


def _status(code: int, said: str, asked: Asked, asker: Asker, retry_after: float | None) -> Refusal:
    host, token = asker.host, asker.token
    if code == 401 and token:
        message = f"{host} refused the token from {token.origin} (401), it is wrong, expired or revoked"
        return Refusal(message=f"{message}: create one with the scope {asked.scope} and put it there")
    if code == 401:
        return Refusal(message=f"{host} wants a token for {asked.thing} (401): {_token_advice(asked, asker)}")
    if code == 403:
        return Refusal(message=_forbidden(said, asked, asker), permanent=True)
    if code == 404:
        return Refusal(message=_not_found(said, asked, asker), permanent=True)
    if code == 409:
        return Refusal(message=f"{host} is busy with {asked.thing} (409): run the command again", passing=True)
    if code in (400, 422):
        message = f"{host} does not take the request for {asked.thing} (HTTP {code})"
        return Refusal(message=f"{message}: check that its version is supported", permanent=True)
    if code == 429:
        when = f"in {retry_after:.0f} seconds" if retry_after is not None else "in a few minutes"
        message = f"{host} takes no more requests for now (429, rate limit): run the command again {when}"
        return Refusal(message=message, passing=True)
    if code >= 500:
        message = f"{host} failed to answer (HTTP {code}): run the command again later, or ask its administrator"
        return Refusal(message=message, passing=True)
    return Refusal(message=_no_api(asker, f"refused the request for {asked.thing} (HTTP {code})"))


def _forbidden(said: str, asked: Asked, asker: Asker) -> str:
    if asker.token is None:
        return f"{asker.host} does not show {asked.thing} (403): {_token_advice(asked, asker)}"
    origin = asker.token.origin
    if "insufficient_scope" in said or "higher privileges" in said:
        message = f"the token from {origin} lacks a scope that {asked.thing} needs (403)"
        return f"{message}: create one with the scope {asked.scope} and put it there"
    message = f"{asker.host} does not let the token from {origin} {asked.deed} {asked.thing} (403)"
    return f"{message}: use a token with the scope {asked.scope} whose owner has the role {asked.role}"


def _not_found(said: str, asked: Asked, asker: Asker) -> str:
    thing = f"project {asked.project}" if "project" in said.lower() else asked.thing
    message = f"{asker.host} shows no {thing} (404): check the number and the project (-R)"
    if asker.token is None:
        return f"{message}, and if it is private, give a token: {_token_advice(asked, asker)}"
    return (
        f"{message}, and that the token from {asker.token.origin} has the scope {asked.scope} "
        f"and its owner the role {asked.role} there"
    )


def _token_advice(asked: Asked, asker: Asker) -> str:
    if asker.token:
        return f"replace the token from {asker.token.origin} by one with the scope {asked.scope}"
    return asker.advice or f"set GITLAB_TOKEN to a token with the scope {asked.scope}"


def _no_api(asker: Asker, what: str) -> str:
    return (
        f"{asker.url}/api/v4 {what}: name the address of GitLab itself with --gitlab URL, "
        "with the path if it stands below one"
    )


def _connection(error: Exception, asked: Asked, asker: Asker) -> Refusal:
    import requests

    host, text = asker.host, str(error)
    if isinstance(error, requests.exceptions.SSLError):
        return Refusal(message=_tls(text, asker))
    if isinstance(error, requests.exceptions.ProxyError):
        return Refusal(message=f"the proxy on the way to {host} refused: check HTTPS_PROXY and NO_PROXY")
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in text:
        message = f"{host} did not answer within {asker.read_timeout:g} seconds: try again later,"
        return Refusal(message=f"{message} or check the address and HTTPS_PROXY", passing=True)
    if "Failed to resolve" in text or "NameResolutionError" in text:
        message = f"the name {host} cannot be resolved: check the address (--gitlab URL), the network or the VPN"
        return Refusal(message=message, passing=True)
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return Refusal(message=_no_api(asker, "redirects in a circle"))
    if isinstance(error, ValueError) and not isinstance(error, requests.exceptions.JSONDecodeError):
        return Refusal(message=_no_api(asker, "leads to an address that cannot be asked"))
    if "CA certificate bundle" in text:
        message = "the file of trusted certificates does not exist"
        return Refusal(message=f"{message}: correct REQUESTS_CA_BUNDLE or ssl_verify in python-gitlab's file")
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "broken" in text or "aborted" in text:
        message = f"the connection to {host} broke off while it sent {asked.thing}: run the command again"
        return Refusal(message=message, passing=True)
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return Refusal(message=f"{host} sent {asked.thing} garbled: run the command again", passing=True)
    message = f"{host} cannot be reached: check the address (--gitlab URL), the network and HTTPS_PROXY"
    return Refusal(message=message, passing=True)


def _tls(text: str, asker: Asker) -> str:
    host = asker.host
    if "WRONG_VERSION_NUMBER" in text.upper() or "record layer failure" in text:
        return f"{host} does not speak TLS: if it has none, name it with --gitlab http://{host}"
    if "expired" in text:
        return f"the TLS certificate of {host} has expired: ask its administrator to renew it"
    if "match" in text.lower() and "certificate" in text.lower() and "self" not in text:
        return f"the TLS certificate of {host} is for another name: give --gitlab the name in it"
    message = f"the TLS certificate of {host} is not trusted"
    if asker.verify is not True:
        return f"{message}: put the certificate of its CA into the file that ssl_verify names"
    message = f"{message}: set REQUESTS_CA_BUNDLE to a file that holds the certificate of its CA"
    return f"{message}, or name that file as ssl_verify in ~/.python-gitlab.cfg"

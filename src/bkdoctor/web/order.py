"""A form -> what one process is asked to diagnose (Order), and what it answers (Answer)."""

import re

import msgspec

from bkdoctor.errors import UsageError
from bkdoctor.gitlab.address import PageUrl, parse_job
from bkdoctor.gitlab.allowed import Allowed
from bkdoctor.gitlab.target import Target
from bkdoctor.web.body import RefusedError
from bkdoctor.web.form import Form
from bkdoctor.web.settings import Settings


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to diagnose: a job of GitLab, or the log behind the order."""

    name: str = ""
    target: Target | None = None
    allowed: Allowed = Allowed()
    kubernetes: str | None = None
    seconds: float = 60.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A report as markup, or the sentence that says why there is none, with its HTTP status."""

    title: str = ""
    body: str = ""
    error: str = ""
    status: int = 200


def order_of(form: Form, settings: Settings) -> tuple[Order, bytes]:
    """Return what a form asks for, and its log. Raises RefusedError."""
    given = [bool(form.text.strip()), bool(form.file), bool(form.job)]
    if sum(given) != 1:
        offered = "a pasted log, a file or a job" if settings.gitlab else "a pasted log or a file"
        why = "Nothing is given: give" if not any(given) else "Too much is given: give only one, "
        raise RefusedError(400, "form", f"{why} {offered}.")
    if form.kubernetes and not re.fullmatch(r"v?\d{1,3}\.\d{1,3}(\.\d{1,3})?", form.kubernetes):
        raise RefusedError(400, "form", "The cluster's version is no version: write it as X.Y, for example 1.30.")
    kubernetes = form.kubernetes.lstrip("v") or None
    if form.job:
        target = _target(form.job, settings.gitlab)
        return Order(target=target, allowed=settings.allowed, kubernetes=kubernetes, seconds=settings.seconds), b""
    name = "an uploaded file" if form.file else "pasted text"
    return Order(name=name, kubernetes=kubernetes, seconds=settings.seconds), form.file or form.text


def _target(text: str, gitlab: Target | None) -> Target:
    if gitlab is None:
        raise RefusedError(400, "form", "This page reads no jobs: paste the job's log.")
    base = gitlab.base
    try:
        job = parse_job(text)
    except UsageError:
        job = 0
    place = job.below(base) if isinstance(job, PageUrl) else None
    # whoever may send a form must not say where the token goes
    if place is None or place.base != base:
        raise RefusedError(400, "form", f"This is not the address of a job on {base.url}: copy it from the job's page.")
    name = f"{base.url}/{place.path}/-/jobs/{place.number}"
    return msgspec.structs.replace(gitlab, project=place.path, job_id=place.number, name=name)

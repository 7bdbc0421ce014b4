"""One diagnosis in a process of its own: an order and a log on standard input -> an Answer on standard output.

The process has a limit of its own for time and memory, and ends with the diagnosis: whatever a log does to it, no
other log and no request waits for it.
"""

import contextlib
import os
import sys

import msgspec

from bkdoctor.doctor import diagnose
from bkdoctor.errors import BkdoctorError, GitLabError, NoLogError
from bkdoctor.gitlab.refusal import Asked
from bkdoctor.model import Facts, Report, Source
from bkdoctor.render import html
from bkdoctor.session import catalog_of, user_folders
from bkdoctor.trace.facts import merge
from bkdoctor.web.order import Answer, Order

_MEMORY = 3 * 1024**3
_NICE = 10


class _Project(msgspec.Struct, frozen=True):
    id: int
    path_with_namespace: str = ""


def main() -> None:
    """Read the order, answer it, and end."""
    data = sys.stdin.buffer
    order = msgspec.json.decode(data.readline(), type=Order)
    _limit(order.seconds)
    try:
        report = _of_job(order) if order.target else _of_log(order, data.read())
        answer = Answer(title=html.title(report), body=html.body(report))
    except NoLogError as error:
        answer = Answer(error=f"{_sentence(error)}.", status=404)
    except GitLabError as error:
        answer = Answer(error=f"{_sentence(error)}.", status=502)
    except BkdoctorError as error:
        answer = Answer(error=f"{_sentence(error)}.", status=500)
    sys.stdout.buffer.write(msgspec.json.encode(answer))


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:].rstrip(".")


def _limit(seconds: float) -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        os.nice(_NICE)
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _of_log(order: Order, log: bytes) -> Report:
    known = Facts(kubernetes=order.kubernetes)
    return diagnose(log, catalog_of(user_folders(None)), known=known, source=Source(name=order.name))


def _of_job(order: Order) -> Report:
    from bkdoctor.gitlab import rest
    from bkdoctor.gitlab.client import read_job
    from bkdoctor.gitlab.connection import Connection

    target = order.target
    assert target is not None
    with Connection(target.base, target.token, verify=target.verify, advice=target.advice) as api:
        if order.allowed.restricts:
            # a project has many names: its number, and all that it had before
            asked = Asked(thing=f"project {target.project}", project=target.project)
            found = rest.find(api, asked, f"/projects/{rest.part(target.project)}", _Project)
            if found is None or not order.allowed.allows(found.id, found.path_with_namespace):
                raise NoLogError("this page does not read jobs of that project: ask whoever runs it", permanent=True)
            target = msgspec.structs.replace(target, project=str(found.id))
        fetched = read_job(api, target, max_bytes=32 * 1024 * 1024)
    return diagnose(
        fetched.trace,
        catalog_of(user_folders(None)),
        known=merge(fetched.facts, Facts(kubernetes=order.kubernetes)),
        source=fetched.source,
        notes=fetched.notes,
        cut=fetched.cut,
    )


if __name__ == "__main__":
    main()

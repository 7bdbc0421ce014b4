"""A group or a project, and a window -> the scan that is shown, and its exit status."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.store import fingerprint_of
from bkdoctor.digests import blake2b
from bkdoctor.errors import EXIT_UNKNOWN, GitLabError
from bkdoctor.fleet import Scan
from bkdoctor.gitlab.fetching import opener
from bkdoctor.gitlab.target import Spot
from bkdoctor.jobs.build_jobs import checked
from bkdoctor.scan import counting
from bkdoctor.scan.cache import Cache
from bkdoctor.scan.gather import Scanner, gather
from bkdoctor.scan.interrupt import stoppable
from bkdoctor.scan.progress import Bar
from bkdoctor.scan.window import window_of
from bkdoctor.session import Session, cache_folder, with_builtin


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, and with what."""

    spot: Spot
    since: str
    """As on the command line."""
    words: str | None
    """Regular expression for the names of build jobs; None: the usual one."""
    compare: bool
    catalog: Catalog
    folders: tuple[Path, ...]
    """The user's patterns."""
    builtin: bool
    """Whether bkdoctor's own are among the patterns."""
    keep: str | None
    """The folder for what is kept; None: there is none."""


def wish_of(session: Session, spot: Spot, since: str, words: str | None, *, compare: bool) -> Wish:
    """Return what a command line asks for."""
    return Wish(
        spot=spot,
        since=since,
        words=words,
        compare=compare,
        catalog=session.catalog,
        folders=session.folders,
        builtin=with_builtin(),
        keep=cache_folder(),
    )


def tell(wish: Wish, now: datetime | None = None) -> Scan:
    """Return the scan. Raises UsageError, and GitLabError if nothing can be read."""
    window, words = window_of(wish.since, now or datetime.now(UTC)), checked(wish.words)
    # a log is judged by the patterns and by which names are those of build jobs
    judged_by = blake2b(f"{fingerprint_of(wish.folders, builtin=wish.builtin)} {words}".encode(), digest_size=12)
    with Cache(wish.keep, wish.spot.base.url, judged_by.hexdigest()) as cache, stoppable() as stop, Bar() as bar:
        scanner = Scanner(
            open=opener(wish.spot),
            catalog=wish.catalog,
            cache=cache,
            words=words,
            window=window,
            compare=wish.compare,
            stop=stop,
            bar=bar,
        )
        gathered = gather(scanner, wish.spot.project)
        notes = (*wish.spot.notes, *((cache.fault,) if cache.fault else ()))
    return counting.scan_of(wish.spot.base.url, window, gathered, compared=wish.compare, notes=notes)


def exit_status(scan: Scan) -> int:
    """Return 5 where something could not be read, else 3 where a build failed for an unknown reason, else 0."""
    if scan.missing:
        return GitLabError.exit_status
    return EXIT_UNKNOWN if scan.totals.unknown else 0

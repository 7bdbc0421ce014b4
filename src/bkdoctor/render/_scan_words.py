"""From a Scan to the words that its outputs for people have in common."""

from bkdoctor.fleet import CauseCount, Cluster, Gone, Scan
from bkdoctor.render import _words as words
from bkdoctor.render._prose import plain
from bkdoctor.story import UNKNOWN

_UNREAD = "Log not to be had"


def headline(scan: Scan) -> str:
    """Return what there is to say first."""
    partial = ", as far as it could be read" if scan.missing else ""
    if not scan.jobs:
        return f"{scan.path}: no build failed{partial}"
    reasons = words.counted(len(scan.causes), "reason")
    return f"{scan.path}: {words.counted(len(scan.jobs), 'build')} failed, for {reasons}{partial}"


def facts(scan: Scan) -> list[tuple[str, str]]:
    """Return names and values that say how much was looked at."""
    total = scan.totals
    rows = [("Window", f"{moment(scan.since)} to {moment(scan.until)} UTC")]
    rows.append(
        ("Looked at", f"{words.counted(total.failed, 'failed job')} in {words.counted(total.projects, 'project')}")
    )
    if total.builds_before is not None:
        rows.append(("Window before", f"{words.counted(total.builds_before, 'failed build')}{change(scan)}"))
    if scan.jobs:
        rows += [
            ("Time lost", lost(total.minutes)),
            ("Flaky", f"{part(total.flaky, total.builds)}: another attempt passed"),
            ("Cause not known", part(total.unknown, total.builds)),
        ]
    return rows


def change(scan: Scan) -> str:
    """Return how the number of failed builds has changed."""
    before, now = scan.totals.builds_before or 0, scan.totals.builds
    if not before or before == now:
        return ", as many" if before and before == now else ""
    return f", {abs(now - before) / before:.0%} {'more' if now > before else 'fewer'} now"


def part(some: int, of: int) -> str:
    """Return `3 of 12 (25%)`."""
    return f"{some} of {of} ({some / of:.0%})" if of else "0"


def lost(minutes: float) -> str:
    """Return how long jobs ran in vain: `42 min`, `3.5 h`."""
    return f"{minutes / 60:.1f} h" if minutes >= 100 else f"{minutes:.0f} min"


def moment(time: str) -> str:
    """Return a time without seconds."""
    return time[:16].replace("T", " ")


def title(one: CauseCount | Gone) -> str:
    """Return what a cause is called."""
    if one.cause != UNKNOWN:
        return plain(one.title or one.cause)
    return f"Not known, signature {one.signature}" if one.signature else _UNREAD


def marks(cause: CauseCount) -> str:
    """Return what is to be known of a cause beside its numbers."""
    found = ["new"] if cause.new else []
    found += ["may pass when run again"] if cause.transient else []
    return ", ".join(found)


def cluster(one: Cluster, of: int) -> str:
    """Return what the jobs of a cause have in common; `of` is how many there are."""
    return f"{one.jobs} of {of} on {one.kind} {one.name}, which has {one.usual:.0%} of all failed builds"

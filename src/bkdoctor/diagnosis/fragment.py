"""From a piece of a log to whether the job went on behind an error: what was overcome there is no answer.

A whole job says how it ended, and a builder which step failed. A piece cut out of the middle says neither; it ends
with the failure where somebody copied that, and anywhere else where it was cut by chance.
"""

import re
from collections.abc import Collection
from functools import cache

from bkdoctor.diagnosis.match import Spot
from bkdoctor.diagnosis.region import is_error, is_heading, only_wraps
from bkdoctor.trace.layout import CLEANUP_SECTIONS, Layout, Step
from bkdoctor.trace.log import Log

_MOST = 25
"""Lines that may stand behind the last error of a piece that ends with a failure: stack traces, advice."""
_LOOKED_AT = 200
"""Lines at the end in which the last error is looked for."""
_GOES_ON = (
    # package managers
    r"^\s*(?:Get:\d+ \S|Hit:\d+ \S|Fetched [\d,.]+ \S+ in |Selecting previously unselected |Preparing to unpack "
    r"|Unpacking \S+ |Setting up \S+ |Processing triggers for |Reading package lists|Building dependency tree"
    r"|\(\d+/\d+\) (?:Installing|Upgrading) |OK: \d[\d.]* [KMG]iB in |Running transaction|Transaction Summary"
    r"|Installing\s+: |Complete!$|Retrieving key from |Importing GPG key "
    r"|Collecting \S+|Downloading \S+|Using cached \S+|Installing collected packages|Successfully (?:installed|built) "
    r"|npm warn deprecated |npm WARN deprecated |added \d+ packages|Done in [\d.]+ ?m?s|\u2728|\u2713 "
    r"|Compiling \S+ v\d|Downloaded \S+ v\d|Finished (?:`|release|dev)|go: downloading |ok\s+\S+\s+[\d.]+s$"
    r"|Fetching \S+ \d|Installing \S+ \d[\w.]*(?: with native extensions)?$|Bundle complete!"
    r"|\[INFO\] BUILD SUCCESS|BUILD SUCCESSFUL in |Downloaded from \S+: |Build succeeded\."
    r"|--- PASS: |=== (?:RUN|CONT)\s|\[100%\] (?:Built|Linking) |Submodule path '\S+': checked out "
    # builders
    r"|--->|Removing intermediate container |Successfully tagged "
    r"|[0-9a-f]{12}: (?:Pulling|Pull|Download|Waiting|Verify)"
    r"|Digest: sha256:|Status: (?:Downloaded|Image is)|Copying (?:blob|config) |Writing manifest to "
    r"|(?:exporting|pushing) (?:layers|manifest)|STEP \d+/\d+: |Step \d+/\d+ : "
    r"|INFO\[[\dTZ:+-]+\] (?:RUN|COPY|ADD|ENV|WORKDIR|CMD|ENTRYPOINT|EXPOSE|USER) "
    r"|INFO\[[\dTZ:+-]+\] (?:Taking snapshot|Pushing|Pushed|Unpacking|Cmd:)"
    # the runner
    r"|--\d{4}-\d\d-\d\d [\d:]{8}--  http|Using Docker executor with image "
    r"|Created fresh repository|Checking out [0-9a-f]{8} as |Skipping Git submodules"
    r"|Getting source from Git|Executing \"step_script\"|Login Succeeded)"
    r"|: (?:PASS|ok)\b|\bPASSED\b|\.\.\. ok$"
)
_WARNS = re.compile(r"WARN\[[\dTZ:+-]+\]")
_OR_TRUE = re.compile(r"\|\|\s*(?:true|:)\s*$")


def goes_on(text: str) -> bool:
    """Say whether a line is only printed while all goes well."""
    return _going_on().search(text) is not None


@cache
def _going_on() -> re.Pattern[str]:
    # few logs need it, and compiling it takes as long as judging one
    return re.compile(_GOES_ON)


def ends_in_failure(log: Log, proofs: Collection[int]) -> bool:
    """Whether a piece ends with an error, or with a line of `proofs`, and with what may be said behind one."""
    behind = 0
    for number in reversed(log.ends(1, None, _LOOKED_AT)):
        body = log.line(number).body
        if not body.strip() or _WARNS.match(body):
            continue
        if number in proofs:
            return True
        if goes_on(body):
            return False
        if (is_error(body) and not is_heading(body)) or only_wraps(body):
            return True
        behind += 1
        if behind > _MOST:
            return False
    return False


def goes_on_behind(log: Log, last: int) -> bool:
    """Whether one of the lines behind the line `last` is only printed while all goes well."""
    return any(goes_on(log.line(n).body) for n in log.ends(last + 1, None, _LOOKED_AT))


def is_overcome(log: Log, layout: Layout, last: int) -> bool:
    """Whether the line `last`, which reads like the end of a job, is not: too much, or what only follows a success."""
    words = sum(1 for n in log.ends(last + 1, None, _LOOKED_AT) if log.line(n).body.strip())
    return words > _MOST or goes_on_behind(log, last) or went_on(log, layout, last)


def went_on(log: Log, layout: Layout, last: int) -> bool:
    """Whether the script, the runner or a build went on to something else behind the line `last`.

    Commands that are not coloured may be a session that somebody typed, where one that fails ends nothing.
    """
    commands = [c for c in layout.commands if c.section != "after_script" and (layout.has_runner or log.survey.green)]
    own = [c for c in commands if c.line < last][-1:]
    return (
        any(_OR_TRUE.search(c.text) for c in own)
        or any(c.line > last for c in commands)
        or any(start > last for start in layout.builds)
        or any(s.start > last and s.name not in CLEANUP_SECTIONS for s in layout.sections)
    )


def is_left_behind(log: Log, layout: Layout, spot: Spot, last: int) -> bool:
    """Whether the job went on behind the line `last` of a match, or the build to a step that needs the one of it."""
    if spot.place == "service":
        return False
    step = spot.step
    if step is None:
        return went_on(log, layout, last)
    may_fail = _OR_TRUE.search(step.title.text) is not None
    later = any(other.first > last and _needs(other, step) for other in layout.steps)
    return may_fail or later or went_on(log, layout, last)


def _needs(other: Step, step: Step) -> bool:
    """Whether a step begins only when another one is done: stages run side by side, the steps of one do not."""
    if other.build != step.build:
        return other.build > step.build
    if other.kind != "buildkit":
        return other.kind != "dump"
    one, two = other.title, step.title
    return one.name.startswith("exporting to ") or (
        one.instruction is not None and (one.stage, one.platform) == (two.stage, two.platform)
    )

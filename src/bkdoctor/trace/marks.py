r"""What marks a line that says something about the structure of a trace: the only lines that `segment` looks at.

A mark is a regular expression over bytes in the syntax that `re` and Hyperscan share, and a literal that stands in all
it matches. A line with a mark need not mean anything, but a line that means something has one: wider is right, narrower
is wrong. What is searched has no escape sequences, and a newline before its first and behind its last line.
"""

from typing import NamedTuple

TITLES = {
    "Resolving secrets": "resolve_secrets",
    'Preparing the "': "prepare_executor",
    "Preparing environment": "prepare_script",
    "Getting source from Git repository": "get_sources",
    "Deleting all tracked and untracked files": "clear_worktree",
    "Restoring cache": "restore_cache",
    "Downloading artifacts": "download_artifacts",
    'Executing "step_script" stage': "step_script",
    'Executing "build_script" stage': "step_script",
    'Executing "after_script" stage': "after_script",
    "Running after_script": "after_script",
    "Running after script": "after_script",
    "Saving cache for successful job": "archive_cache",
    "Saving cache for failed job": "archive_cache_on_failure",
    "Uploading artifacts for successful job": "upload_artifacts_on_success",
    "Uploading artifacts for failed job": "upload_artifacts_on_failure",
    "Cleaning up file based variables": "cleanup_file_variables",
    "Cleaning up project directory and file based variables": "cleanup_file_variables",
}
"""How the runner titles its sections."""


class Mark(NamedTuple):
    """One form of a marked line."""

    literal: bytes
    expression: bytes | None = None
    """None: the literal itself."""


# the beginning of a line's text: digits may be copied from the page, `O ` ends a timestamp
_BEGIN = rb"(?:[\n\r][0-9]*|[OE][ +])"
_BLANKS = rb"[^\x21-\x7e\n]*"
_INSTRUCTION = (
    rb"(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER"
    rb"|VOLUME|WORKDIR) "
)
# `#7 12.3 ` begins a line of output: there are millions of them
_VERTEX = rb"#[0-9]+ (?:[^0-9\n]|[0-9]+[^.0-9\n]|[0-9]+\.[^0-9\n]|[0-9]+\.[0-9]+[^ 0-9\n])"

MARKS: tuple[Mark, ...] = (
    Mark(b"section_start:"),
    Mark(b"section_end:"),
    Mark(b"Running with gitlab-runner"),
    *(Mark(title.encode()) for title in TITLES),
    Mark(b"$ ", _BEGIN + rb"\$ "),
    Mark(b"ERROR: Job failed"),
    Mark(b"ERROR: job failed"),
    Mark(b"ERROR: Build failed"),
    Mark(b"Job succeeded"),
    Mark(b"Job's log exceeded limit of "),
    Mark(b"*********"),
    Mark(b"*** WARNING: Service "),
    Mark(b"========== log =========="),
    Mark(b"------", _BEGIN + _BLANKS + rb"------" + _BLANKS + rb"\n"),
    Mark(b"--------------------", rb"--------------------" + _BLANKS + rb"\n"),
    Mark(b">>> ", rb"\|[^\x21-\x7e\n]+>>> "),
    Mark(b"#", _VERTEX),
    Mark(b"=> ", rb"=> (?:ERROR |CACHED |CANCELED )?\["),
    Mark(b"=> ", rb"=> [^\n]+[0-9]\.[0-9]+s" + _BLANKS + rb"\n"),
    Mark(b"Step ", rb"Step [0-9]+(?:/[0-9]+)? : "),
    Mark(b"STEP ", rb"STEP [0-9]+(?:/[0-9]+)?: "),
    Mark(b"INFO", rb"INFO(?:\[[0-9TZ:+-]+\])?" + _BLANKS + _INSTRUCTION),
    Mark(b"Taking snapshot of"),
    Mark(b"level=info msg=", rb"level=info msg=\"?" + _BLANKS + _INSTRUCTION),
    Mark(b"Successfully built ", rb"Successfully built [0-9a-f]{12}" + _BLANKS + rb"\n"),
    Mark(b"Successfully tagged "),
    Mark(b"ERROR: ", _BEGIN + _BLANKS + rb"ERROR: "),
    Mark(b"Error: ", _BEGIN + _BLANKS + rb"Error: "),
    Mark(b"error: ", _BEGIN + _BLANKS + rb"error: "),
    Mark(b"failed to build"),
    Mark(b"failed to solve"),
    Mark(b"error building image: "),
)
CONTROLS = rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
"""What `clean` takes out of a line; the escape character is looked for apart."""
CONTINUATION = rb"Z [0-9a-f][0-9a-f][EO]\+"
"""The end of a header of a line that goes on from the one before it."""
WORDS: tuple[bytes, ...] = (
    b"buildctl-daemonless", b"[rootlesskit:", b"kaniko", b"error building at STEP",
    b"github.com/moby/buildkit/cmd/buildctl", b"buildx", b"\nerror: failed to solve",
    b"Sending build context to Docker daemon", b"[0K",
)  # fmt: skip
"""Words of which it matters whether a trace holds them at all."""

"""The exceptions that reach a user, with the exit status of each.

    BkdoctorError
    ├── UsageError     2   the command line asks for something that cannot be
    ├── InputError     4   a log, or another file, cannot be read
    │   └── PatternError   a pattern file is broken
    └── GitLabError    5   GitLab refused or did not answer
        └── NoLogError     the job is there, but nothing of it can be diagnosed

Every message ends with the next step. They are caught once, in the command line.
"""

from typing import ClassVar

EXIT_UNKNOWN = 3
"""Nothing went wrong, and the failure's reason is not known."""


class BkdoctorError(Exception):
    """Base of all errors that are shown to a user as one line."""

    exit_status: ClassVar[int] = 1


class UsageError(BkdoctorError):
    """The command line asks for something that cannot be."""

    exit_status = 2


class InputError(BkdoctorError):
    """A log, or another file that was named, cannot be read."""

    exit_status = 4


class PatternError(InputError):
    """A pattern file does not say what a pattern must say; names file, key and what to do."""


class GitLabError(BkdoctorError):
    """GitLab refused the request or did not answer."""

    exit_status = 5

    def __init__(self, message: str, *, retry_after: float | None = None, permanent: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that GitLab asked to wait."""
        self.permanent = permanent
        """Whether the same request will be refused again, whenever it is sent."""


class NoLogError(GitLabError):
    """A job has no log, and its status does not say why it failed."""

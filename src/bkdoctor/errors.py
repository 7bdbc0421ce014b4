"""The exceptions that reach a user, with the exit status of each.

    BkdoctorError
    ├── UsageError     2   the command line asks for something that cannot be
    ├── InputError     4   a log, or another file, cannot be read
    │   └── PatternError   a pattern file is broken
    └── GitLabError    5   GitLab refused or did not answer

Every message ends with the next step. They are caught once, in the command line.
"""

from typing import ClassVar


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

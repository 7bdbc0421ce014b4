"""From whatever ends a command to one line on standard error and an exit status."""

import contextlib
import io
import os
import sys
from collections.abc import Callable

from bkdoctor.errors import BkdoctorError
from bkdoctor.text import one_line


def guarded(run: Callable[[], object]) -> None:
    """Run what a command line asks for; an error that is the user's to mend is one line and its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal or file of another encoding shows `?` for what it has no letter for
            stream.reconfigure(errors="replace")
    try:
        run()
    except BkdoctorError as error:
        _end(f"bkdoctor: {one_line(str(error))}\n", error.exit_status)
    except BrokenPipeError:
        _end("", 0)
    except OSError as error:
        _end(f"bkdoctor: the answer cannot be written: {error.strerror}. Mend where it shall go.\n", 4)
    except KeyboardInterrupt:
        _end("", 130)


def _end(message: str, status: int) -> None:
    """Exit; what standard output still holds is not written where nobody can read it."""
    with contextlib.suppress(OSError):
        sys.stderr.write(message)
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)

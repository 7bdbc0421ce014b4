"""The folder bkdoctor runs in -> the address of its git remote, if it has one."""

import shutil
import subprocess


def git_remote_url() -> str | None:
    """The URL of the remote `origin`, else of the only remote; None outside a repository or without git."""
    git = shutil.which("git")
    if git is None:
        return None
    names = _output(git, "remote").split()
    name = "origin" if "origin" in names else names[0] if len(names) == 1 else None
    return (_output(git, "remote", "get-url", name) or None) if name else None


def _output(*command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 (git's full path and fixed arguments)
            command, capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

"""A private PostgreSQL for tests, from the programs that Debian's package `postgresql` brings."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.needed import missing


def programs() -> Path | None:
    """Return the folder of initdb and postgres, the newest there is."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    found = folders[-1] if folders else shutil.which("initdb")
    return Path(found).parent if found else None


@contextlib.contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Run a server; give the URL of its empty database `postgres`."""
    folder = programs() or missing("PostgreSQL is not installed: apt-get install postgresql")
    # a server never runs as root, and must own what it writes
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    home = Path(tempfile.mkdtemp(prefix="bkdoctor-pg-"))
    if user:
        shutil.chown(home, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = home / "data"
    initdb: list[str | Path] = [
        folder / "initdb",
        "-D",
        data,
        "-A",
        "trust",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run([*user, *initdb], check=True, capture_output=True, cwd=home)
    settings = [f"unix_socket_directories={home}", "listen_addresses=127.0.0.1", f"port={port}", "max_connections=60"]
    if not durable:
        settings.append("fsync=off")
    words = [word for setting in settings for word in ("-c", setting)]
    with (home / "log").open("wb") as log:
        postgres = subprocess.Popen(
            [*user, folder / "postgres", "-D", data, *words], stdout=log, stderr=log, cwd=home, start_new_session=True
        )
    try:
        _wait(folder, port, postgres)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        # pg_ctl knows the server itself, behind runuser
        stop: list[str | Path] = [folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"]
        subprocess.run([*user, *stop], check=False, capture_output=True, cwd=home)
        postgres.wait(10)
        shutil.rmtree(home, ignore_errors=True)


def _wait(folder: Path, port: int, postgres: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        ready: list[str | Path] = [folder / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        if subprocess.run(ready, check=False).returncode == 0:
            return
        assert postgres.poll() is None, "PostgreSQL did not start"
        time.sleep(0.1)
    raise AssertionError("PostgreSQL does not answer")


def new_database(url: str, name: str) -> str:
    """Make an empty database in a server; return its URL."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    return url.rsplit("/", 1)[0] + "/" + name

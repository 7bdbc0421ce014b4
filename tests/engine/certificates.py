"""From a folder to certificate authorities and the certificates that they sign, made by openssl."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Pair(NamedTuple):
    """A certificate and its key."""

    certificate: Path
    key: Path


def authority(folder: Path, name: str) -> Pair:
    """Make an authority of its own."""
    return _made(folder / name, ["-subj", f"/CN={name} authority", "-addext", "basicConstraints=critical,CA:TRUE"])


def signed(folder: Path, name: str, by: Pair, hosts: Sequence[str]) -> Pair:
    """Make a certificate for hosts (it serves as a client's too), signed by an authority."""
    names = ",".join(f"DNS:{host}" for host in hosts)
    use = ["-addext", f"subjectAltName={names}", "-addext", "extendedKeyUsage=serverAuth,clientAuth"]
    leaf = ["-addext", "basicConstraints=critical,CA:FALSE"]
    return _made(folder / name, ["-subj", f"/CN={hosts[0]}", "-CA", by.certificate, "-CAkey", by.key, *use, *leaf])


def _made(path: Path, words: Sequence[str | Path]) -> Pair:
    pair = Pair(path.with_suffix(".crt"), path.with_suffix(".key"))
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        [*new, "-days", "2", "-out", pair.certificate, "-keyout", pair.key, *words],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return pair

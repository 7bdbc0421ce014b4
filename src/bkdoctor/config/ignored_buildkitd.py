"""What a valid buildkitd.toml says in vain: in go its tables, out come sayings."""

from collections.abc import Iterator, Mapping
from typing import Any

from bkdoctor.config.reading import Saying, list_of, table_of


def ignored_in_buildkitd(data: Mapping[str, Any]) -> Iterator[Saying]:
    """Yield what a buildkitd.toml says in vain."""
    for name in table_of(data, "registry"):
        path = ("registry", name)
        if "://" in name:
            yield Saying(path, f'a registry is named by its host alone: write [registry."{_host(name)}"].')
        elif name == "index.docker.io":
            yield Saying(path, 'Docker Hub is looked up as "docker.io": write [registry."docker.io"].')
        for mirror in list_of(table_of(table_of(data, "registry"), name), "mirrors"):
            if "://" in mirror:
                text = f'a mirror is a host, with a path if need be: write "{_host(mirror)}".'
                yield Saying((*path, "mirrors"), text)
    for name in table_of(data, "worker"):
        worker = table_of(table_of(data, "worker"), name)
        if worker.get("gc") is False and "gcpolicy" in worker:
            yield Saying(("worker", name, "gcpolicy"), "`gc = false` turns these policies off: set `gc = true`.")


def _host(address: str) -> str:
    return address.partition("://")[2].rstrip("/")

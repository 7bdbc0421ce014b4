"""Every page that the catalogue names is an official one, and every pattern carries the day its pages were checked."""

import datetime
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

PATTERNS = Path(__file__).parents[1] / "patterns"
RECIPES = sorted((PATTERNS / "recipes").rglob("*.toml"))
FILES = sorted(path for path in PATTERNS.glob("*/*.toml") if path.parent.name != "recipes")

HOSTS = frozenset(
    {
        "archlinux.org",
        "bundler.io",
        "cmake.org",
        "curl.se",
        "distribution.github.io",
        "dnf.readthedocs.io",
        "doc.rust-lang.org",
        "docs.astral.sh",
        "docs.aws.amazon.com",
        "docs.docker.com",
        "docs.github.com",
        "docs.gitlab.com",
        "docs.gradle.org",
        "docs.kernel.org",
        "docs.npmjs.com",
        "elixir-lang.org",
        "getcomposer.org",
        "git-scm.com",
        "go.dev",
        "goharbor.io",
        "hexdocs.pm",
        "kubernetes.github.io",
        "kubernetes.io",
        "learn.microsoft.com",
        "man7.org",
        "manpages.debian.org",
        "maven.apache.org",
        "mesonbuild.com",
        "nginx.org",
        "nodejs.org",
        "packaging.python.org",
        "pip.pypa.io",
        "pkg.go.dev",
        "pnpm.io",
        "python-poetry.org",
        "rocker-project.org",
        "rootlesscontaine.rs",
        "stat.ethz.ch",
        "webpack.js.org",
        "wiki.alpinelinux.org",
        "www.debian.org",
        "www.gnu.org",
        "www.qemu.org",
    }
)
"""Hosts of documentation that a tool's own makers publish. A new one comes in only with a page that was read."""

REPOSITORIES = frozenset(
    {
        "GoogleContainerTools/kaniko",
        "containerd/platforms",
        "containers/container-libs",
        "containers/fuse-overlayfs",
        "containers/podman",
        "docker-library/docker",
        "docker/buildx",
        "moby/buildkit",
        "nodejs/corepack",
        "nodejs/node-gyp",
        "nodesource/distributions",
        "opencontainers/image-spec",
        "rootless-containers/rootlesskit",
        "tonistiigi/binfmt",
    }
)
"""Repositories on github.com that belong to the tool which the page is about."""

UNCHECKED: dict[str, str] = {}
"""Patterns without a date, each with the reason."""

every = pytest.mark.parametrize("path", [*FILES, *RECIPES], ids=lambda path: path.relative_to(PATTERNS).as_posix())
pattern = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def explained(path: Path) -> dict[str, Any]:
    document = tomllib.loads(path.read_text())
    part: dict[str, Any] = document.get("explain", document)
    return part


def official(reference: str) -> bool:
    parts = urlsplit(reference)
    if parts.hostname == "github.com":
        return "/".join(parts.path.split("/")[1:3]) in REPOSITORIES
    return parts.hostname in HOSTS


@every
def test_names_official_pages_only(path: Path) -> None:
    references = explained(path)["references"]
    assert references, "at least one page"
    assert len(references) == len(set(references)), "a page is named once"
    for reference in references:
        assert reference.startswith("https://"), reference
        assert official(reference), reference


@every
def test_addresses_are_the_ones_that_the_sites_use_today(path: Path) -> None:
    for reference in explained(path)["references"]:
        parts = urlsplit(reference)
        if parts.hostname in {"docs.gitlab.com", "docs.docker.com", "kubernetes.io"}:
            assert parts.path.endswith("/"), reference
            assert not parts.path.startswith("/ee/"), reference
        if parts.hostname == "docs.npmjs.com" and parts.path.startswith("/cli/"):
            assert parts.path.startswith("/cli/v"), reference


@pattern
def test_carries_the_day_its_pages_were_checked(path: Path) -> None:
    checked = explained(path).get("checked")
    assert (checked is None) == (path.stem in UNCHECKED)
    if checked is not None:
        datetime.date.fromisoformat(str(checked))


def test_the_lists_hold_nothing_that_is_not_used() -> None:
    used = {reference for path in (*FILES, *RECIPES) for reference in explained(path)["references"]}
    hosts = {urlsplit(reference).hostname for reference in used}
    repositories = {"/".join(urlsplit(u).path.split("/")[1:3]) for u in used if urlsplit(u).hostname == "github.com"}
    assert hosts - {"github.com"} == HOSTS
    assert repositories == REPOSITORIES
    assert set(UNCHECKED) <= {path.stem for path in FILES}
    assert all(UNCHECKED.values())

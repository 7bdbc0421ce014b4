"""Holds the form of the code: imports go one way, modules and functions are small, no word is out of place."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "bkdoctor"
MODULES = sorted(SOURCE.rglob("*.py"))

ROOMS = [
    ["model", "story", "fleet", "errors", "text", "redact", "bounded", "digests", "kept"],
    ["trace", "config"],
    ["catalog"],
    ["diagnosis"],
    ["fixes"],
    ["migrate"],
    ["doctor"],
    ["preflight"],
    ["render"],
    ["gitlab"],
    ["reading", "guard", "many"],
    ["session", "explain", "handbook", "scaffold", "checking", "comparing", "mending", "mending_files"],
    ["jobs"],
    ["scan"],
    ["web", "cli_web"],
    ["bot", "assistant"],
    ["cli", "cli_bot", "cli_patterns", "cli_config", "cli_fix", "cli_preflight", "cli_pipeline", "cli_scan", "cli_mcp"],
    ["entry", "__main__"],
]
"""Earlier rooms know nothing of later ones; rooms of one line stand side by side and may not go in a circle."""
LAZY = {"rich", "gitlab", "requests", "urllib3", "hyperscan", "ahocorasick_rs", "ruamel", "tomlkit", "pygments"}
"""Packages that take long to import: only inside a function, or in a module that is itself imported so."""
COMMAND_LINE = {"typer", "click"}
LATE = {"bkdoctor.render._screen", "bkdoctor.gitlab.session"}
"""Modules that import such a package at their head: nobody may import them at his own."""


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(nodes: list[ast.stmt] | ast.Module) -> set[str]:
    """Return the dotted names that statements import, those inside functions included."""
    body = nodes.body if isinstance(nodes, ast.Module) else nodes
    names: set[str] = set()
    for node in (n for statement in body for n in ast.walk(statement)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def at_head(path: Path) -> set[str]:
    """Return what is imported when the module is: not what stands in functions or under TYPE_CHECKING."""
    head: list[ast.stmt] = []
    for node in tree_of(path).body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            head.append(node)
    return imported(head)


def own(names: set[str]) -> set[str]:
    """Return the modules of bkdoctor among imported names."""
    known = {name_of(path) for path in MODULES}
    return {name for name in names if name in known and name != "bkdoctor"}


def rank_of(module: str) -> int:
    room = module.split(".")[1]
    for number, rooms in enumerate(ROOMS):
        if room in rooms:
            return number
    raise AssertionError(f"{module} has no room: say in tests/test_architecture.py where it belongs")


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent != SOURCE or p.stem != "__init__"], ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    module = name_of(path)
    later = {other for other in own(imported(tree_of(path))) if rank_of(other) > rank_of(module)}
    assert not later, f"{module} must not know {later}"


def test_no_import_goes_in_a_circle() -> None:
    edges = {name_of(p): own(imported(tree_of(p))) - {name_of(p)} for p in MODULES}
    # A package's own __init__ is imported with each of its modules and is no edge of theirs.
    packages = {name_of(p) for p in MODULES if p.stem == "__init__"}
    edges = {m: {o for o in others if not (o in packages and m.startswith(f"{o}."))} for m, others in edges.items()}
    while edges:
        free = {module for module, others in edges.items() if not others & edges.keys()}
        assert free, f"these import each other: {sorted(edges)}"
        edges = {module: others for module, others in edges.items() if module not in free}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_does_and_is_small(path: Path) -> None:
    tree = tree_of(path)
    assert ast.get_docstring(tree), f"{path} needs a docstring that says what goes in and what comes out"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 <= 40, f"{path}:{node.lineno}: {node.name} is over 40 lines"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_slow_packages_are_imported_where_they_are_used(path: Path) -> None:
    module, head = name_of(path), at_head(path)
    packages = {name.split(".")[0] for name in head}
    slow = packages & LAZY if module not in LATE else set()
    assert not slow, f"{module} imports {slow} at its head: import it in the function that needs it"
    assert not head & LATE, f"{module} imports {head & LATE} at its head, which is slow"
    if not module.startswith("bkdoctor.cli"):
        assert not packages & COMMAND_LINE, f"only the command line knows {packages & COMMAND_LINE}"


@pytest.mark.parametrize(
    "package",
    [
        "rich",
        "gitlab",
        "requests",
        "ruamel",
        "hyperscan",
        "tomlkit",
        "fastapi",
        "starlette",
        "python_multipart",
        "sqlalchemy",
        "prometheus_client",
        "mcp",
        "pydantic",
    ],
)
def test_the_head_of_the_command_line_is_light(package: str) -> None:
    assert package not in _loaded_by_log()


@cache
def _loaded_by_log() -> frozenset[str]:
    """Return the packages that importing the commands loads, apart from those that typer itself brings."""
    code = "import typer, sys; before = set(sys.modules); import bkdoctor.cli; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return frozenset(name.split(".")[0] for name in done.stdout.split())


# Written in pieces, so that this file does not hold them. Hosts of documentation (docs.npmjs.com ...) are others.
_REGISTRIES = [
    ("registry.npmjs", "org"), ("registry.yarnpkg", "com"), ("pypi", "org"), ("files.pythonhosted", "org"),
    ("deb.debian", "org"), ("security.debian", "org"), ("archive.ubuntu", "com"), ("security.ubuntu", "com"),
    ("dl-cdn.alpinelinux", "org"), ("repo.maven.apache", "org"), ("repo1.maven", "org"), ("proxy.golang", "org"),
    ("crates", "io"), ("index.crates", "io"), ("static.crates", "io"), ("rubygems", "org"), ("index.rubygems", "org"),
    ("api.nuget", "org"), ("packagist", "org"), ("repo.packagist", "org"),
]  # fmt: skip
_HOSTS = "|".join(re.escape(".".join(parts)) for parts in _REGISTRIES)
FORBIDDEN = {
    "a package registry (write pypi.mirror.example or the like)": re.compile(rf"(?<![\w.-])(?:{_HOSTS})(?![\w-])"),
    "a path of somebody's machine": re.compile(r"(?<![\w.}>-])/wor" + "k/"),
}


def text_files() -> dict[str, str]:
    """Return the text files that git knows or would add, by name; none in an unpacked sdist."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = sorted(set(done.stdout.split("\0")) - {""}) if done.returncode == 0 else []
    return {n: (ROOT / n).read_bytes().decode("utf-8", "replace") for n in names if (ROOT / n).is_file()}


def places_of(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    """Return for each file where a pattern first stands, as FILE:LINE: WORD."""
    found = ((name, text, pattern.search(text)) for name, text in texts.items())
    return [f"{name}:{text.count(chr(10), 0, m.start()) + 1}: {m[0]}" for name, text, m in found if m]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_word_is_out_of_place(what: str) -> None:
    faults = places_of(FORBIDDEN[what], text_files())
    assert not faults, f"{what}:\n" + "\n".join(faults)


def test_no_temporary_file_is_named_in_code_and_pages() -> None:
    """Example logs name those of their tools; the catalogue's pages show these logs."""
    texts = {n: t for n, t in text_files().items() if n.startswith(("src/", "docs/", "README"))}
    pages = {n: t for n, t in texts.items() if not n.startswith("docs/catalogue/")}
    faults = places_of(re.compile("/tm" + "p/"), pages)
    assert not faults, "\n".join(faults)

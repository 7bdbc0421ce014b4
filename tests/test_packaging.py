"""What is shipped works: the wheel holds the catalogue and finds it, and the sdist builds the same wheel."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOG = b"error: invalid local: stat path/to/image/Dockerfile: not a directory\nERROR: Job failed: exit code 1\n"


def build(source: Path, target: str, folder: Path) -> Path:
    """Build a wheel or an sdist from a source tree, without network, and return it."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    command += ["--disable-pip-version-check", "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def run(installed: Path, *arguments: str, log: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run the installed command, away from the source tree."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BKDOCTOR_")}
    environment |= {"PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(installed / "cache")}
    command = [sys.executable, str(installed / "bin" / "bkdoctor"), *arguments]
    return subprocess.run(command, input=log, env=environment, cwd=installed, capture_output=True, check=False)


def test_the_wheel_holds_the_catalogue(wheel: Path) -> None:
    names = set(contents(wheel))
    own = {f"bkdoctor/{path.relative_to(ROOT)}" for path in (ROOT / "patterns").rglob("*.toml")}
    assert own <= names, own - names
    assert "bkdoctor/patterns/vocabulary.toml" in own
    assert any(name.startswith("bkdoctor/patterns/recipes/rootless/") for name in own)


def test_the_first_run_reads_the_catalogue_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    """Without a folder to keep anything, and without the pattern files, as long as none of them is newer."""
    folder = tmp_path / "copied"
    shutil.copytree(installed, folder)
    first = run(folder, log=LOG)
    assert b"local-dockerfile-is-file" in first.stdout, first.stderr
    kept = [path.name for path in (folder / "cache" / "bkdoctor").iterdir()]
    assert [name for name in kept if name.startswith("catalog")] == []
    patterns = folder / "bkdoctor" / "patterns"
    for path in patterns.glob("*/*.toml"):
        path.write_text("broken = ")
        os.utime(path, (0, 0))
    assert run(folder, log=LOG).stdout == first.stdout
    os.utime(path, (2**32 - 1, 2**32 - 1))
    failed = run(folder, log=LOG)
    assert failed.returncode != 0
    assert b".toml" in failed.stderr


def test_the_wheel_is_typed_and_holds_nothing_else(wheel: Path) -> None:
    names = set(contents(wheel))
    modules = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src" / "bkdoctor").rglob("*.py")}
    assert modules <= names
    assert "bkdoctor/py.typed" in names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"bkdoctor"}
    assert not [name for name in names if "sample_logs" in name or "__pycache__" in name or name.endswith(".pyc")]


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build(ROOT, "sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    for name in ("Makefile", "tests", "sample_logs", "docs", "LICENSE"):
        assert (source / name).exists(), f"{name} is missing in the sdist"
    assert contents(build(source, "wheel", tmp_path / "again")) == contents(wheel)


def test_the_installed_command_finds_its_catalogue(installed: Path) -> None:
    done = run(installed, "--version")
    assert done.stdout.startswith(b"bkdoctor "), done.stderr
    shown = run(installed, "patterns", "show", "local-dockerfile-is-file").stdout
    assert shown == (ROOT / "patterns/context/local-dockerfile-is-file.toml").read_bytes()
    code = "from bkdoctor.catalog.catalog import builtin_folder; print(builtin_folder())"
    environment = os.environ | {"PYTHONPATH": str(installed)}
    folder = subprocess.check_output([sys.executable, "-c", code], env=environment, cwd=installed, text=True)
    assert Path(folder.strip()) == installed / "bkdoctor" / "patterns"


def test_the_installed_command_diagnoses(installed: Path) -> None:
    done = run(installed, "--format", "json", log=LOG)
    assert done.returncode == 0, done.stderr
    assert b'"local-dockerfile-is-file"' in done.stdout

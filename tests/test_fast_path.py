"""The fast reading of a trace makes byte for byte the report that the plain one makes."""

import json
import os
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import logs
from bkdoctor.catalog.catalog import Catalog
from bkdoctor.doctor import diagnose
from tests.catalogs import ours
from tests.properties import examples
from tests.reference import reading_plainly
from tests.traces import timestamped

ROOT = Path(__file__).resolve().parent.parent
LABELLED = Path(os.environ.get("BKDOCTOR_LABELLED", ROOT.parent / "shared"))
SAMPLES = sorted((ROOT / "sample_logs").rglob("*.log"))
LAB = sorted((LABELLED / "lab" / "traces").rglob("*.log"))
PUBLIC = LABELLED / "corpus" / "public.jsonl"


@cache
def catalog() -> Catalog:
    return ours()


def reports(trace: bytes) -> tuple[str, str]:
    """Return the report of a trace from the fast and from the plain reading."""
    fast = msgspec.json.encode(diagnose(trace, catalog())).decode()
    with reading_plainly():
        return fast, msgspec.json.encode(diagnose(trace, catalog())).decode()


def assert_same(trace: bytes) -> None:
    fast, plain = reports(trace)
    assert fast == plain


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_sample_logs(path: Path) -> None:
    raw = path.read_bytes()
    assert_same(raw)
    if not raw.startswith(b"2"):
        assert_same(timestamped(raw.decode()).encode())


@pytest.mark.skipif(not LAB, reason="there are no lab traces here")
def test_lab_traces() -> None:
    for path in LAB:
        assert_same(path.read_bytes())


@pytest.mark.skipif(not PUBLIC.is_file(), reason="there are no public logs here")
def test_public_logs() -> None:
    for line in PUBLIC.read_text(encoding="utf-8").rstrip("\n").split("\n"):
        assert_same(json.loads(line)["log"].encode())


@pytest.mark.parametrize("failure", ["head", "middle", "end", "none"])
@pytest.mark.parametrize("timestamps", [False, True])
def test_generated_builds(failure: str, timestamps: bool) -> None:
    assert_same(b"".join(logs.build(300_000, timestamps=timestamps, colours=True, failure=failure)))


@pytest.mark.parametrize("kind", sorted(logs.HOSTILE))
def test_hostile_logs(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # the plain reading has no such bound
    monkeypatch.setattr("bkdoctor.diagnosis.scan.MOST_IN_ALL", 10**6)
    # a line for each byte takes the plain reading long, and is no other case than a third of them
    assert_same(b"".join(logs.HOSTILE[kind](50_000 if kind == "empty-lines" else 150_000)))


PIECES = st.sampled_from(
    [
        *(f"{mark}\n".encode() for mark in logs._MARKS),
        b"text ", b"\n", b"\r", b"\r\n", b"\x1b[31m", b"\x1b[0m", b"\x1b", b"\x00", b"\xff", b"#7 1.2 ", b"#7 ",
        b"failed to solve", b"err", b"or: ", b"failed to push", b" some refs", b"[0K", b"no space left", b" on device",
        b"exec format ", b"error", b"denied: ", b"#3 [2/2] RUN ", b"#3 ERROR: x\n", b"=> ERROR [2/3] RUN x", b"\t",
        "é".encode(), b"\x1b]8;;https://example.com\x07", b"\x1b]8;;\x07", b"\x1b]0;t", b"2 files\n", b"executor failed running [",
        b'Preparing the "docker" executor', b"Cleaning up file based variables\n", b"buildx", b"kaniko",
        b"Successfully built 0123456789ab\n", b"Successfully tagged x:y\n", b"INFO[2022-02-18T03:28:31Z] RUN x\n",
    ]
)  # fmt: skip


@examples(200)
@given(
    st.lists(PIECES, max_size=30),
    st.sampled_from([b"build\tUNKNOWN STEP\t", b""]),
    st.sampled_from([b"2026-03-12T10:10:00.1073121Z ", b"2026-03-12T10:10:00+02:00\t"]),
)
def test_any_mixture_with_the_times_of_other_services(pieces: list[bytes], names: bytes, time: bytes) -> None:
    assert_same(b"".join(names + time + line for line in b"".join(pieces).splitlines(keepends=True)))


@examples(800)
@given(st.lists(PIECES, max_size=40), st.booleans())
def test_any_mixture(pieces: list[bytes], stamped: bool) -> None:
    raw = b"".join(pieces)
    assert_same(timestamped(raw.decode("utf-8", "replace")).encode() if stamped else raw)


def test_a_code_whose_escape_character_was_lost_splits_no_word_of_the_excerpt() -> None:
    for code in ("[0K", "[0;m", "[0m", "[31;1m", "[0;33m"):
        assert_same(f"Running with gitlab-runner 18.4.0 (x)[0K\nerr{code}or: \n".encode())

"""Traces of any size, cut in the middle at line ends."""

import pytest

from bkdoctor.bounded import read_bounded


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("bound", [2, 10, 100, 333, 5000])
def test_cut_traces_keep_whole_lines_and_add_up(size: int, bound: int) -> None:
    data = b"".join(b"%d %s\n" % (n, b"x" * (n * 7 % 23)) for n in range(150))
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    kept = read_bounded(iter(chunks), bound)
    if len(data) <= bound:
        assert kept.data == data
        assert kept.cut_at is None
        return
    assert kept.cut_at is not None
    head, tail = kept.data[: kept.cut_at], kept.data[kept.cut_at :]
    assert data.endswith(tail)
    assert head.endswith(b"\n")
    assert kept.data.count(b"\n") + kept.left_out_lines == data.count(b"\n")
    if data.startswith(head):
        assert len(kept.data) + kept.left_out == len(data)
    else:  # the first line alone is longer than the bound, and ended early
        assert data.startswith(head[:-1])


def test_a_trace_of_one_endless_line() -> None:
    kept = read_bounded(iter([b"a" * 50, b"b" * 50, b"c" * 50]), 60)
    assert kept.data == b"a" * 30 + b"\n" + b"c" * 30
    assert (kept.left_out, kept.left_out_lines, kept.cut_at) == (90, -1, 31)


def test_a_trace_of_just_the_bound_is_whole() -> None:
    assert read_bounded(iter([b"abc\n", b"def\n"]), 8).data == b"abc\ndef\n"
    assert read_bounded(iter([]), 8).data == b""

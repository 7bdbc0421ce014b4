"""Generated traces of any size, the same at every call: what builds print, and what somebody hostile might.

    python -m benchmarks.logs KIND SIZE FILE [--timestamps] [--colours] [--failure head|middle|end|none]

KIND is `build` (a BuildKit build of three interleaved steps: apt, npm and CMake) or one of HOSTILE.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

_HEAD = """\
\x1b[0KRunning with gitlab-runner 18.4.0 (abcdef12)\x1b[0;m
\x1b[0K  on builder-1 aBcD1xYz2, system ID: s_0123456789ab\x1b[0;m
section_start:1764164224:prepare_executor\r\x1b[0K\x1b[0K\x1b[36;1mPreparing the "docker" executor\x1b[0;m\x1b[0;m
\x1b[0KUsing Docker executor with image docker:27-cli ...\x1b[0;m
section_end:1764164228:prepare_executor\r\x1b[0Ksection_start:1764164236:step_script\r\x1b[0K\x1b[0K\x1b[36;1mExecuting "step_script" stage of the job script\x1b[0;m\x1b[0;m
\x1b[32;1m$ docker buildx build --progress plain .\x1b[0;m
#0 building with "lab" instance using docker-container driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 512B done
#1 DONE 0.0s
""".split("\n")[:-1]  # noqa: E501
_NAMES = {7: "[base 2/5] RUN apt-get install -y", 8: "[web 2/4] RUN npm ci", 9: "[app 3/4] RUN cmake --build ."}
_FAILURE = """\
#9 {0:.3f} /src/module_7/file_3.cpp:14:10: fatal error: openssl/ssl.h: No such file or directory
#9 {0:.3f} compilation terminated.
#9 ERROR: process "/bin/sh -c cmake --build ." did not complete successfully: exit code: 2
#7 CANCELED
#8 CANCELED
------
 > [app 3/4] RUN cmake --build .:
{0:.3f} /src/module_7/file_3.cpp:14:10: fatal error: openssl/ssl.h: No such file or directory
------
Dockerfile:14
--------------------
  12 |     COPY . .
  13 |
  14 | >>> RUN cmake --build .
--------------------
ERROR: failed to build: failed to solve: process "/bin/sh -c cmake --build ." did not complete successfully: exit code: 2"""  # noqa: E501
_END = """\
section_end:1764164240:step_script\r\x1b[0Ksection_start:1764164254:cleanup_file_variables\r\x1b[0K\x1b[0K\x1b[36;1mCleaning up project directory and file based variables\x1b[0;m\x1b[0;m
section_end:1764164258:cleanup_file_variables\r\x1b[0K{}"""  # noqa: E501
_FAILED = "\x1b[31;1mERROR: Job failed: exit code 1\n\x1b[0;m"
_PASSED = "\x1b[32;1mJob succeeded\n\x1b[0;m"
_PACKAGES = "libssl3 python3-dev build-essential libc6-dev gcc-12 zlib1g libpq5 curl ca-certificates".split()


def build_lines(size: int, failure: str = "end", colours: bool = False) -> Iterator[str]:
    """Yield the lines of a job of about `size` characters that fails where `failure` says."""
    yield from _HEAD
    written, clock, failed = 0, 0, False
    draw = random.Random(1)
    at = {"head": 0.01, "middle": 0.5}.get(failure, 2.0) * size
    while written < size:
        vertex = draw.choice((7, 8, 9))
        block = ["", f"#{vertex} {_NAMES[vertex]}"]
        for _ in range(draw.randint(20, 400)):
            clock += 1
            block.append(f"#{vertex} {clock / 100:.3f} {_OUTPUT[vertex](clock, draw, colours)}")
        if not failed and written >= at:
            failed = True
            block += _FAILURE.format(clock / 100).split("\n")
            # what a job prints after a build that its script survived, or of a second one
            block += ['#0 building with "lab" instance using docker-container driver']
        written += sum(map(len, block)) + len(block)
        yield from block
    if failure == "end":
        yield from _FAILURE.format(clock / 100).split("\n")
    elif failure == "none":
        yield from (f"#{vertex} DONE {clock / 100:.1f}s" for vertex in _NAMES)
    yield from _END.format(_PASSED if failure == "none" else _FAILED).split("\n")


def _apt(clock: int, draw: random.Random, colours: bool) -> str:
    package = "\x1b[1mapt\x1b[0m" if colours and clock % 20 == 0 else draw.choice(_PACKAGES)
    if clock % 3:
        where = "https://deb.mirror.example/debian bookworm/main amd64"
        return f"Get:{clock} {where} {package} amd64 {clock % 17}.{clock % 7}-{clock % 5} [{clock % 999} kB]"
    return f"Setting up {package} ({clock % 17}.{clock % 7}) ..."


def _npm(clock: int, draw: random.Random, colours: bool) -> str:
    package = draw.choice(_PACKAGES)
    if clock % 5:
        return f"npm http fetch GET 200 https://npm.mirror.example/{package}/-/{clock}.tgz {clock % 900}ms (cache miss)"
    word = "\x1b[33mwarn\x1b[0m" if colours else "warn"
    return f"npm {word} deprecated {package}@1.{clock % 9}: use something newer"


def _cmake(clock: int, draw: random.Random, colours: bool) -> str:
    text = f"Building CXX object src/CMakeFiles/app.dir/module_{clock}/file_{draw.randrange(77)}.cpp.o"
    return f"[{clock % 100:3}%] " + (f"\x1b[32m{text}\x1b[0m" if colours else text)


_OUTPUT: dict[int, Callable[[int, random.Random, bool], str]] = {7: _apt, 8: _npm, 9: _cmake}


def stamped(lines: Iterator[str]) -> Iterator[str]:
    """Yield lines as a runner with FF_TIMESTAMPS writes them; what follows a marker goes on with `+`."""
    for number, line in enumerate(lines):
        time = f"2026-03-12T10:{number // 6000 % 60:02}:{number // 100 % 60:02}.{number % 1_000_000:06}Z 01O"
        head, *rest = line.replace("\r\x1b[0K", "\r\0\x1b[0K").split("\0")
        yield f"{time} {head}"
        yield from (f"{time}+{piece}" for piece in rest)


def build(size: int, *, timestamps: bool = False, colours: bool = False, failure: str = "end") -> Iterator[bytes]:
    """Yield a build's trace in pieces of some lines."""
    lines = build_lines(size if not timestamps else int(size * 0.72), failure, colours)
    part: list[str] = []
    for line in stamped(lines) if timestamps else lines:
        part.append(line)
        if len(part) == 5000:
            yield ("\n".join(part) + "\n").encode()
            part.clear()
    yield "\n".join(part).encode()


def _framed(filler: Callable[[int], Iterator[bytes]]) -> Callable[[int], Iterator[bytes]]:
    def made(size: int) -> Iterator[bytes]:
        yield ("\n".join(_HEAD) + "\n").encode()
        yield from filler(size)
        yield ("\n" + _FAILURE.format(1.5) + "\n" + _END.format(_FAILED)).encode()

    return made


def _bare(filler: Callable[[int], Iterator[bytes]]) -> Callable[[int], Iterator[bytes]]:
    return filler


def _repeated(
    text: bytes, frame: Callable[[Callable[[int], Iterator[bytes]]], Callable[[int], Iterator[bytes]]] = _framed
) -> Callable[[int], Iterator[bytes]]:
    piece = text * (1 + 65536 // len(text))

    def made(size: int) -> Iterator[bytes]:
        for _ in range(1 + size // len(piece)):
            yield piece

    return frame(made)


def _literals(size: int) -> Iterator[bytes]:
    """Lines that hold the literals of all patterns, in turn."""
    from bkdoctor.catalog.catalog import load

    lines = "".join(f"#7 {n}.25 {literal} x\n" for n, literal in enumerate(load([]).literals)).encode()
    for _ in range(1 + size // len(lines)):
        yield lines


def _coloured_literals(size: int) -> Iterator[bytes]:
    """The same with a colour in each literal."""
    from bkdoctor.catalog.catalog import load

    halves = [(literal[: len(literal) // 2], literal[len(literal) // 2 :]) for literal in load([]).literals]
    lines = "".join(
        f"#7 {n}.25 \x1b[3{n % 8}m{a}\x1b[1;3{n % 7}m{b} x\x1b[0m\n" for n, (a, b) in enumerate(halves)
    ).encode()
    for _ in range(1 + size // len(lines)):
        yield lines


def _failing_steps(size: int) -> Iterator[bytes]:
    """Steps that all fail for the same, each with its output printed again."""
    written = 0
    for n in range(size):
        step = f"[{n}/9] RUN apt-get install -y x{n}"
        said = f"0.{n % 999} E: Unable to locate package x{n}"
        lines = (f"#{n} {step}", f"#{n} {said}", f"#{n} ERROR: exit code: 100", "------", f" > {step}:", said, "------")
        piece = ("\n".join(lines) + "\n").encode()
        written += len(piece)
        yield piece
        if written >= size:
            return


def _positions(size: int) -> Iterator[bytes]:
    """Escape sequences of which hardly two are alike."""
    written = 0
    for n in range(size):
        piece = b"\x1b[%d;%dHx\n" % (n % 251, n % 65521)
        written += len(piece)
        yield piece
        if written >= size:
            return


def _redos(size: int) -> Iterator[bytes]:
    """Long lines on which each regular expression of the catalogue could go astray, in turn."""
    from bkdoctor.catalog.catalog import load

    templates = [t for entry in load([]).entries.values() for t in entry.templates() if t.is_regex]
    written = 0
    while written < size:
        for template in templates:
            for filler in ("a", " ", "a ", "/", '"', "0.", f"{template.literal} "):
                line = f"#7 1.25 {template.literal}{filler * (3000 // len(filler))}\x01\n".encode()
                written += len(line)
                yield line
            if written >= size:
                return


_MARKS: Sequence[str] = (
    "section_start:1764164236:x\r\x1b[0K", "section_end:1764164236:x\r\x1b[0K", "\x1b[32;1m$ true\x1b[0;m", "$ true",
    "#5 [1/2] RUN x", "#5 DONE 0.1s", "#1 [internal] x", "------", " > [1/2] RUN x:", "------", "Dockerfile:3",
    "--------------------", "   3 | >>> RUN x", "--------------------", "ERROR: failed to solve: x",
    "========== log ==========", "*** WARNING: Service x probably didn't start properly.", "*********",
    "Step 1/2 : RUN x", "STEP 1/2: RUN x", "INFO[0001] RUN x", " => [1/2] RUN x 1.0s", "Job succeeded",
    "ERROR: Job failed: exit code 1", "Running with gitlab-runner 18.4.0 (x)",
)  # fmt: skip
HOSTILE: dict[str, Callable[[int], Iterator[bytes]]] = {
    "one-line": _repeated(b"x" * 1000),
    "one-line-words": _repeated(b"error: failed "),
    "carriage-returns": _repeated(b"\r"),
    "progress": _repeated(b"  10%\r"),
    "empty-lines": _repeated(b"\n"),
    "colours": _repeated(b"\x1b[31mred\x1b[0m \x1b[1;32mgreen\x1b[0m text of a line\n"),
    "many-colours": _repeated(b"".join(b"\x1b[38;5;%dm#7 1.2 text\x1b[0m\n" % n for n in range(256))),
    "short-colours": _repeated(b"\x1b[m"),
    "positions": _framed(_positions),
    "links": _repeated(b"\x1b]8;;https://x.example/\x07text\x1b]8;;\x07\n"),
    "escapes": _repeated(b"\x1b"),
    "binary": _repeated(bytes(range(256))),
    "headings": _repeated(b"#7 [2/3] RUN make\n#8 [3/3] RUN make\n"),
    "vertices": _framed(lambda size: iter(b"#%d [1/2] RUN make\n" % n for n in range(size // 24))),
    "failing-steps": _framed(_failing_steps),
    "literals": _framed(_literals),
    "coloured-literals": _framed(_coloured_literals),
    "torn-literals": _repeated(b"error: " * 40_000 + b"failed to solve: \n"),
    "marks": _repeated(("\n".join(_MARKS) + "\n").encode()),
    "sections": _repeated(b"section_start:1764164236:step_x\r\x1b[0K\n"),
    "commands": _repeated(b"\x1b[32;1m$ docker build .\x1b[0;m\n"),
    "regex": _repeated(b"error: " + b"a" * 3000 + b"!" + b"/" * 3000 + b"a.b" * 1000 + b"\n"),
    "regexes": _framed(_redos),
    # up to 4 MiB a log may be one that somebody copied: its lines are looked at for what stands before them
    "words": _repeated(b"a1-" * 7000 + b"\n", _bare),
    "records": _repeated(b'{"log":"x\\n"}\n', _bare),
    "written-line-ends": _repeated(b'x\\n\\"', _bare),
    "quotes": _repeated(b"> > > > x\n", _bare),
    "continued-in-turn": lambda size: iter([b"2026-03-12T10:10:00.000001Z 01O x\n", *(b"2026-03-12T10:10:00.000001Z 01O+x\n2026-03-12T10:10:00.000001Z 01O x\n",) * (size // 68)]),  # noqa: E501
    "continued": lambda size: iter([b"2026-03-12T10:10:00.000001Z 01O x\n", *(b"2026-03-12T10:10:00.000001Z 01O+x\n",) * (size // 34)]),  # noqa: E501
}  # fmt: skip


def write(file: BinaryIO, pieces: Iterator[bytes]) -> None:
    """Write the pieces of a trace to a file."""
    for piece in pieces:
        file.write(piece)


def main() -> None:
    """Write one trace to a file."""
    parser = argparse.ArgumentParser(description="Generate a trace")
    parser.add_argument("kind", choices=["build", *HOSTILE])
    parser.add_argument("size", type=int, help="bytes, about")
    parser.add_argument("file", type=Path)
    parser.add_argument("--timestamps", action="store_true")
    parser.add_argument("--colours", action="store_true")
    parser.add_argument("--failure", choices=["head", "middle", "end", "none"], default="end")
    options = parser.parse_args()
    with options.file.open("wb") as file:
        if options.kind == "build":
            pieces = build(
                options.size, timestamps=options.timestamps, colours=options.colours, failure=options.failure
            )
        else:
            pieces = HOSTILE[options.kind](options.size)
        write(file, pieces)


if __name__ == "__main__":
    main()

"""Builds traces for tests: the runner's lines around a script, in both styles of traces."""

import re

STAMP = "2026-03-12T10:10:{:02d}.107313Z 00O{}"


def job(
    script: str,
    *,
    result: str = "ERROR: Job failed: exit code 1",
    executor: str = "docker",
    image: str = "docker:27-cli",
) -> str:
    """Return a job's trace as gitlab-runner writes it, with `script` as what its script printed."""
    return (
        "\x1b[0KRunning with gitlab-runner 18.9.0 (6b5d8c1e)\x1b[0;m\n"
        "\x1b[0K  on runner-21 aBcD1xYz2, system ID: r_k3Jw9QpLm2Xs\x1b[0;m\n"
        f'section_start:1764164224:prepare_executor\r\x1b[0K\x1b[0K\x1b[36;1mPreparing the "{executor}" executor\x1b[0;m\x1b[0;m\n'
        f"\x1b[0KUsing {executor.capitalize()} executor with image {image} ...\x1b[0;m\n"
        "section_end:1764164228:prepare_executor\r\x1b[0Ksection_start:1764164232:get_sources\r\x1b[0K\x1b[0K"
        "\x1b[36;1mGetting source from Git repository\x1b[0;m\x1b[0;m\n"
        "\x1b[32;1mChecking out 3f2a1b9c as detached HEAD (ref is main)...\x1b[0;m\n"
        "section_end:1764164236:get_sources\r\x1b[0Ksection_start:1764164236:step_script\r\x1b[0K\x1b[0K"
        '\x1b[36;1mExecuting "step_script" stage of the job script\x1b[0;m\x1b[0;m\n'
        + re.sub(r"(?m)^(\$ .*)$", "\x1b[32;1m\\1\x1b[0;m", script.strip("\n"))
        + "\nsection_end:1764164240:step_script\r\x1b[0Ksection_start:1764164254:cleanup_file_variables\r\x1b[0K\x1b[0K"
        "\x1b[36;1mCleaning up project directory and file based variables\x1b[0;m\x1b[0;m\n"
        f"section_end:1764164258:cleanup_file_variables\r\x1b[0K\x1b[31;1m{result}\n\x1b[0;m"
    )


def timestamped(trace: str) -> str:
    """Return a trace as a runner with FF_TIMESTAMPS writes it: markers end a line, what follows goes on with `+`."""
    out: list[str] = []
    for number, line in enumerate(trace.split("\n")):
        pieces = re.split(r"(?<=\r)(?=\x1b\[0K)", line)
        out += [STAMP.format(number % 60, "+" if n else " ") + piece for n, piece in enumerate(pieces)]
    return "\n".join(out)

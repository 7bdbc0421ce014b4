"""Where the Dockerfile of a failed step stands in the repository, as the build's command tells it."""

import pytest

from tests.catalogs import pattern, report
from tests.traces import job

FAILED = """\
#2 [2/2] RUN make
#2 0.1 frobnicate: error: no gizmo
#2 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2
------
 > [2/2] RUN make:
0.1 frobnicate: error: no gizmo
------
{name}:7
--------------------
   7 | >>> RUN make
--------------------
ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2"""


@pytest.mark.parametrize(
    ("command", "name", "path"),
    [
        ("docker buildx build -f services/web/Dockerfile .", "Dockerfile", "services/web/Dockerfile"),
        ("docker build --file=./a/Dockerfile.prod a", "Dockerfile.prod", "a/Dockerfile.prod"),
        ("docker build . -f 'a/Dockerfile'", "Dockerfile", "a/Dockerfile"),
        ("buildctl build --local context=. --local dockerfile=a/b", "Dockerfile", "a/b/Dockerfile"),
        ("buildctl build --local dockerfile=a --opt filename=My.Dockerfile", "My.Dockerfile", "a/My.Dockerfile"),
        ("buildctl-daemonless.sh build --local context=. --local dockerfile=.", "Dockerfile", "Dockerfile"),
        ("docker build .", "Dockerfile", "Dockerfile"),
        ("docker build -f a/Other .", "Dockerfile", "Dockerfile"),
        ("docker build -f $FILE .", "Dockerfile", "Dockerfile"),
        ("docker build -f $DIR/Dockerfile .", "Dockerfile", "Dockerfile"),
        ("docker build -f ../../Dockerfile .", "Dockerfile", "Dockerfile"),
        ("cd web && docker build -f a/Dockerfile .", "Dockerfile", "Dockerfile"),
        ("docker build -f b/Dockerfile .", "a/Dockerfile", "a/Dockerfile"),
    ],
)
def test_the_path_is_the_commands(command: str, name: str, path: str) -> None:
    result = report(job(f"$ {command}\n{FAILED.format(name=name)}"), gizmo=pattern("lines = ['no gizmo']"))
    assert (result.findings[0].location.dockerfile, result.findings[0].location.dockerfile_line) == (path, 7)


def test_the_last_build_before_the_failure_counts() -> None:
    script = f"$ docker build -f a/Dockerfile .\n$ docker build -f b/Dockerfile .\n{FAILED.format(name='Dockerfile')}"
    result = report(job(script), gizmo=pattern("lines = ['no gizmo']"))
    assert result.findings[0].location.dockerfile == "b/Dockerfile"

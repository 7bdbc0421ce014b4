"""Reports as a diagnosis would make them, for the tests of the outputs."""

from typing import Any

import msgspec

from bkdoctor.model import Evidence, Facts, Finding, Fix, Location, Report, Service, Source

JOB = "https://gitlab.example.com/team/app/-/jobs/4711"


def _fixes_for_apparmor() -> tuple[Fix, ...]:
    return (
        Fix(
            title="Let the build container run without an AppArmor profile",
            file="config.toml",
            language="toml",
            risk="review",
            owner="runner-admin",
            condition="runner >= 18.11 and Kubernetes >= 1.30",
            fits="unknown",
            snippet='[runners.kubernetes.build_container_security_context.app_armor_profile]\n  type = "Unconfined"',
            note="The build container loses AppArmor's confinement; everything else of its isolation stays.",
        ),
        Fix(
            title="Load a profile on the nodes that allows mounts, and name it",
            file="config.toml",
            language="toml",
            risk="review",
            owner="runner-admin",
            condition="runner >= 18.11 and Kubernetes >= 1.30",
            fits="unknown",
            snippet=(
                "[runners.kubernetes.build_container_security_context.app_armor_profile]\n"
                '  type = "Localhost"\n  localhost_profile = "buildkit-rootless"'
            ),
            note="The tighter choice: only what BuildKit needs is allowed.",
        ),
        Fix(
            title="Annotate the build pod",
            file="config.toml",
            language="toml",
            risk="review",
            owner="runner-admin",
            condition="runner < 18.11 or Kubernetes < 1.30",
            fits="unknown",
            snippet=(
                "[runners.kubernetes.pod_annotations]\n"
                '  "container.apparmor.security.beta.kubernetes.io/build" = "unconfined"'
            ),
        ),
    )


def apparmor() -> Finding:
    """The cause with three fixes of which the log does not tell which one fits."""
    return Finding(
        id="rootless-apparmor-denies-mount",
        family="rootless",
        title="AppArmor blocks the mount that rootlesskit needs",
        role="cause",
        phase="connect",
        confidence="high",
        owner="runner-admin",
        transient=False,
        generic=False,
        location=Location(section="step_script"),
        summary=(
            "`rootlesskit` may not change how `/` is mounted, so `buildkitd` never started: "
            "AppArmor forbids `mount` in the build container."
        ),
        explanation=(
            "Rootless BuildKit runs in a user namespace and must make its mounts private first. The AppArmor\n"
            "profile that Kubernetes gives to containers (`cri-containerd.apparmor.d`) denies the `mount` system\n"
            "call even there.\n\n"
            "It shows in one of two ways:\n\n"
            "- `failed to share mount point: /: permission denied`, on a node with AppArmor;\n"
            "- `could not connect to unix:///run/user/1000/buildkit/buildkitd.sock`, which is only\n"
            "  what follows from it.\n"
        ),
        captures={"path": "/"},
        evidence=(
            Evidence(47, "[rootlesskit:child ] error: failed to share mount point: /: permission denied"),
            Evidence(44, "could not connect to unix:///run/user/1000/buildkit/buildkitd.sock after 10 trials"),
            Evidence(46, "========== log =========="),
            Evidence(48, "[rootlesskit:parent] error: child exited: exit status 1"),
        ),
        fixes=_fixes_for_apparmor(),
        references=(
            "https://docs.gitlab.com/ci/docker/using_buildkit/#rootless-build-fails-with-permission-errors",
            "https://kubernetes.io/docs/tutorials/security/apparmor/",
        ),
    )


def missing_package() -> Finding:
    """A cause in a step, with one safe fix for the author."""
    return Finding(
        id="apk-package-missing",
        family="run",
        title="The package is not in the distribution's index",
        role="cause",
        phase="build",
        confidence="medium",
        owner="author",
        transient=False,
        generic=False,
        location=Location(
            section="step_script",
            step="[build 2/3] RUN apk add --no-cache gcc-9",
            stage="build",
            platform="linux/arm64",
            instruction="RUN",
            dockerfile="docker/Dockerfile",
            dockerfile_line=12,
        ),
        summary="`apk` knows no package `gcc-9` for `linux/arm64`.",
        explanation="Package names change from one release of Alpine to the next.",
        captures={"package": "gcc-9"},
        evidence=(Evidence(88, "#7 1.204   gcc-9 (no such package):"),),
        fixes=(
            Fix(
                title="Ask for the package under its present name",
                file="Dockerfile",
                language="dockerfile",
                risk="safe",
                owner="author",
                snippet="RUN apk add --no-cache gcc",
                diff="-RUN apk add --no-cache gcc-9\n+RUN apk add --no-cache gcc",
            ),
        ),
        references=("https://pkgs.alpinelinux.org/packages",),
    )


def kaniko_hint() -> Finding:
    """A hint beside an answer."""
    return msgspec.structs.replace(
        missing_package(),
        id="kaniko-archived",
        family="kaniko",
        title="kaniko is no longer maintained",
        role="hint",
        confidence="high",
        summary="The job builds with `kaniko` 1.9.0, which gets no more fixes.",
        fixes=(),
        location=Location(),
        evidence=(Evidence(12, "INFO[0001] Retrieving image manifest alpine:3.19"),),
    )


def step_failed() -> Finding:
    """What a report has when only the place of the failure is known."""
    return msgspec.structs.replace(
        missing_package(),
        id="step-failed",
        family="run",
        title="A build step's command failed",
        generic=True,
        role="symptom",
        summary="`make all` in step `[build 3/5]` ended with exit code `2`.",
        explanation="Its own output says why.",
        fixes=(),
        references=(),
    )


def diagnosed(*findings: Finding, **facts: Any) -> Report:
    """A report with these findings, else with all kinds of them."""
    known: dict[str, Any] = {
        "method": "rootless",
        "executor": "kubernetes",
        "runner": "17.9.1",
        "runner_name": "k8s-builds",
        "runner_token": "t3_aBcDe",
        "job": "build-image",
        "web_url": JOB,
        "services": (Service("docker:dind", "docker"),),
        "failed_section": "step_script",
    }
    return Report(
        verdict="diagnosed",
        source=Source(name="build.log"),
        facts=Facts(**(known | facts)),
        findings=findings or (apparmor(), missing_package(), kaniko_hint()),
        signature="rootless-apparmor-denies-mount:0a1b2c3d",
        excerpt=(Evidence(47, "[rootlesskit:child ] error: failed to share mount point: /: permission denied"),),
    )


def unknown(*findings: Finding) -> Report:
    """A failed job without a cause."""
    return Report(
        verdict="unknown",
        source=Source(name="build.log", url=JOB + "#L3"),
        facts=Facts(executor="docker", exit_code=2),
        findings=findings,
        signature="unknown:9f8e7d6c",
        excerpt=(
            Evidence(88, "#9 12.30 src/main.c:4:10: fatal error: zlib.h: No such file or directory"),
            Evidence(89, "#9 12.31 make: *** [Makefile:3: main.o] Error 1"),
            Evidence(140, "ERROR: Job failed: exit code 2"),
        ),
        notes=("The trace was cut in the middle: lines 1000 to 90000 were not read.",),
    )


def silent(verdict: Any) -> Report:
    """A job that passed, or an empty log."""
    return Report(verdict=verdict, source=Source(name="build.log"), facts=Facts())


HOSTILE = (
    "x`\n\n/close\n\n/merge\r\n@all #1 !2 ~bug %v1 &3 $4 <img src=x> <b>b</b> </details></summary><details> ![i](https://evil.example/x.png)"
    " [l](https://evil.example) https://evil.example www.evil.example"
    " a@evil.example\n# heading\n> quote\n- [ ] task\n```\n~~~~\n````\n/close\n"
    "***bold*** | t | `` ` ``` \\` "
    "[[wiki]] <!-- c --> &#64;all &commat;all $`x`$ \x1b[31mred\x1b]8;;https://evil.example\x07 "
    "\u202e\u2066\u200e\u061c\x00\x07\x9b\x85\ud800 \u2028/close\n   /close\n\t/close"
)
TICKS = "`" * 100_000


def with_strings(report: Report, value: str) -> Report:
    """The same report with `value` in every string that is not one of a fixed set of words."""
    words = {"schema", "verdict", "role", "phase", "confidence", "owner", "risk", "fits", "truncated", "method"}

    def swap(item: Any, key: str = "") -> Any:
        if isinstance(item, dict):
            return {(value if key == "captures" else k): swap(v, k) for k, v in item.items()}
        if isinstance(item, list | tuple):
            return [swap(v, key) for v in item]
        return value if isinstance(item, str) and key not in words else item

    return msgspec.convert(swap(msgspec.to_builtins(report)), Report)

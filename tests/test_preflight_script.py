"""The preflight's script in real sandboxes: every check is seen to pass, and to fail for the reason it names."""

import errno
import subprocess
from pathlib import Path

import pytest

from bkdoctor.errors import UsageError
from bkdoctor.preflight.script import script
from tests.preflight_bench import SHELLS, missing, run, stub

sandbox = pytest.mark.skipif(bool(missing()), reason=missing() or "there is one")
BUSYBOX = "busybox --install -s /mnt/applets\n"
FAKE = "mkdir -p /mnt/fake/proc/self /mnt/fake/proc/sys/kernel /mnt/fake/proc/sys/user /mnt/fake/etc\n"
IN_FAKE = {"BKDOCTOR_PREFLIGHT_ROOT": "/mnt/fake"}
NO_USERNS = {"unshare": errno.EPERM, "clone": errno.EPERM, "clone3": errno.ENOSYS}


@pytest.mark.parametrize("options", [{}, {"registries": ["a.example.com"], "method": "native", "strict": True}])
def test_the_script_is_clean_to_shellcheck(tmp_path: Path, options: dict[str, object]) -> None:
    from shutil import which
    from sys import executable

    checker = which("shellcheck", path=f"{Path(executable).parent}:/usr/bin:/usr/local/bin")
    assert checker, "shellcheck comes with the dev extra"
    file = tmp_path / "preflight.sh"
    file.write_text(script(**options))  # type: ignore[arg-type]
    done = subprocess.run([checker, "--shell=sh", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "options",
    [
        {"registries": ["a.example.com; rm -rf /"]},
        {"registries": ["https://a.example.com"]},
        {"registries": ["a$(id)"]},
        {"variables": ["$A"]},
        {"variables": ['A"B']},
        {"method": "kaniko"},
    ],
)
def test_nothing_but_names_gets_into_the_script(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"\. Write it|write one"):
        script(**options)  # type: ignore[arg-type]


@sandbox
@pytest.mark.parametrize("shell", SHELLS)
def test_where_all_is_there_nothing_of_the_container_fails(tmp_path: Path, shell: str) -> None:
    done = run(tmp_path, shell=shell)
    assert (done.status, done.err) == (0, "")
    assert [c.name for c in done.seen.checks if c.status == "fail"] == ["registry"]
    for name in ("userns", "mount", "procfs", "rootlesskit", "newuidmap", "subuid", "state", "runtime-dir", "overlay"):
        assert done.check(name).status == "ok", name
    assert done.seen.finished
    assert done.seen.facts["method"] == "rootless"


@sandbox
def test_with_nothing_but_busybox(tmp_path: Path) -> None:
    done = run(tmp_path, shell="ash", prepare=BUSYBOX, path="/mnt/applets")
    assert (done.status, done.err) == (0, "")
    assert done.seen.finished
    for name in ("userns", "mount", "procfs", "overlay", "disk"):
        assert done.check(name).status == "ok", name
    assert done.check("rootlesskit").status == "skip"


@sandbox
def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    text = f"(\n{script()}\n)\necho AFTER\nfind /mnt/home /mnt/run /mnt/t -mindepth 1\n"
    done = run(tmp_path, prepare="mkdir -m 1777 /mnt/t\n", env={"TMPDIR": "/mnt/t"}, text=text)
    assert done.check("overlay").status == "ok"
    assert done.out.partition("AFTER\n")[1:] == ("AFTER\n", "")


@sandbox
@pytest.mark.parametrize("shell", SHELLS)
def test_it_can_be_piped_into_a_shell(shell: str) -> None:
    done = subprocess.run(
        SHELLS[shell], input=script(registries=["localhost:1"]), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "bkdoctor-preflight/1 end checks=" in done.stdout


@sandbox
@pytest.mark.parametrize(("strict", "status"), [("", 0), ("1", 1)])
def test_only_when_asked_it_fails_the_job(tmp_path: Path, strict: str, status: int) -> None:
    assert run(tmp_path, env={"BKDOCTOR_PREFLIGHT_STRICT": strict}).status == status


@sandbox
def test_a_shell_that_stops_at_errors_goes_through_it(tmp_path: Path) -> None:
    done = run(tmp_path, text=f"set -eu\n{script()}", privileges=["--no-new-privs"])
    assert done.status == 0
    assert done.seen.finished, done.err


@sandbox
def test_seccomp_forbids_user_namespaces(tmp_path: Path) -> None:
    done = run(tmp_path, refuse=NO_USERNS)
    assert done.words("userns") == ("fail", "seccomp")
    assert done.check("seccomp").values["mode"] == "filter"
    assert "operation not permitted" in done.check("rootlesskit").values["said"]
    assert done.check("mount").status == "skip"


@sandbox
@pytest.mark.parametrize(
    ("error", "reason"), [(errno.EPERM, "eperm"), (errno.EACCES, "eacces")], ids=["not-permitted", "as-apparmor"]
)
def test_mounts_are_forbidden(tmp_path: Path, error: int, reason: str) -> None:
    done = run(tmp_path, refuse={"mount": error})
    assert done.check("userns").status == "ok"
    assert done.words("mount") == ("fail", reason)
    assert "failed to share mount point" in done.check("rootlesskit").values["said"]


@sandbox
def test_the_node_allows_no_user_namespaces(tmp_path: Path) -> None:
    """The limit belongs to a namespace: here the one that the script is started in."""
    text = """\
unshare -U --map-user=1000 --keep-caps sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec sh /mnt/home/p.sh'
"""
    done = run(tmp_path, prepare=f"cp {tmp_path / 'inner.sh'} /mnt/home/p.sh\n", text=_inner(tmp_path, text))
    assert done.words("userns") == ("fail", "max-zero")


def _inner(folder: Path, text: str) -> str:
    (folder / "inner.sh").write_text(script())
    return text


@sandbox
@pytest.mark.parametrize(
    ("file", "value", "reason"),
    [
        ("user/max_user_namespaces", "0", "max-zero"),
        ("kernel/unprivileged_userns_clone", "0", "clone-off"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "restricted"),
    ],
)
def test_a_switch_of_the_kernel_is_named_before_the_filter(tmp_path: Path, file: str, value: str, reason: str) -> None:
    fake = FAKE + f"echo {value} > /mnt/fake/proc/sys/{file}; printf 'Seccomp:\\t2\\n' > /mnt/fake/proc/self/status\n"
    done = run(tmp_path, prepare=fake, env=IN_FAKE, refuse=NO_USERNS)
    assert done.words("userns") == ("fail", reason)


@sandbox
def test_a_switch_is_told_where_nothing_can_be_tried(tmp_path: Path) -> None:
    bare = BUSYBOX + "rm /mnt/applets/unshare\n"
    fake = FAKE + "echo 0 > /mnt/fake/proc/sys/user/max_user_namespaces\n"
    assert run(tmp_path, prepare=bare + fake, env=IN_FAKE, path="/mnt/applets").words("userns") == ("fail", "max-zero")
    assert run(tmp_path, prepare=bare, path="/mnt/applets").check("userns").status == "skip"


@sandbox
def test_the_profile_of_apparmor_is_named(tmp_path: Path) -> None:
    fake = FAKE + "mkdir /mnt/fake/proc/self/attr; echo 'docker-default (enforce)' > /mnt/fake/proc/self/attr/current\n"
    assert run(tmp_path, prepare=fake, env=IN_FAKE).check("apparmor").values["profile"] == "docker-default (enforce)"


@sandbox
def test_proc_is_masked(tmp_path: Path) -> None:
    # one that is whole anywhere in the namespace would do for the kernel
    others = (
        'for at in $(awk \'$3 == "proc" && $2 != "/proc" { print $2 }\' /proc/self/mounts); do umount -l $at; done\n'
    )
    mask = others + "mount --bind /dev/null /proc/version\n"
    assert run(tmp_path, prepare=mask).words("procfs") == ("fail", "masked")
    told = {"BUILDKITD_FLAGS": "--oci-worker-no-process-sandbox"}
    assert run(tmp_path, prepare=mask, env=told).check("procfs").status == "ok"


@sandbox
def test_no_new_privileges(tmp_path: Path) -> None:
    done = run(tmp_path, privileges=["--no-new-privs"])
    assert done.words("no-new-privs") == ("fail", "set")
    assert done.check("rootlesskit").status == "fail"


@sandbox
def test_capabilities_are_dropped(tmp_path: Path) -> None:
    done = run(tmp_path, privileges=["--bounding-set", "-setuid,-setgid"])
    assert done.words("capabilities") == ("fail", "dropped")
    assert done.check("rootlesskit").status == "fail"


@sandbox
@pytest.mark.parametrize("file", ["subuid", "subgid"])
def test_no_range_of_ids(tmp_path: Path, file: str) -> None:
    done = run(tmp_path, prepare=f": > /etc/{file}\n")
    assert done.words(file) == ("fail", "none")
    assert done.check(file).values["user"] == "user"


@sandbox
def test_a_small_range_of_ids_is_worth_a_word(tmp_path: Path) -> None:
    assert run(tmp_path, prepare="echo user:100000:1000 > /etc/subuid\n").words("subuid") == ("warn", "small")


@sandbox
def test_the_container_holds_fewer_ids_than_the_range(tmp_path: Path) -> None:
    """In a container that is itself in a user namespace of 65536 ids."""
    fake = FAKE + "echo '0 100000 65536' > /mnt/fake/proc/self/uid_map; cp /etc/subuid /etc/subgid /mnt/fake/etc\n"
    refuse = {"mount": errno.EPERM}  # or rootlesskit would show that it works
    assert run(tmp_path, prepare=fake, env=IN_FAKE, refuse=refuse).words("subuid") == ("fail", "outside")


@sandbox
def test_the_user_has_no_name(tmp_path: Path) -> None:
    done = run(tmp_path, uid=4711, prepare="chown 4711:4711 /mnt/home /mnt/run\n")
    assert done.words("user") == ("warn", "nameless")
    assert done.words("subuid") == ("fail", "none")
    assert done.check("rootlesskit").status == "fail"


@sandbox
def test_the_rootless_image_as_root(tmp_path: Path) -> None:
    assert run(tmp_path, uid=0).words("user") == ("fail", "root")


@sandbox
def test_the_helpers_are_missing(tmp_path: Path) -> None:
    bare = BUSYBOX + 'cp "$(command -v rootlesskit)" /mnt/applets/\n'
    done = run(tmp_path, shell="ash", prepare=bare, path="/mnt/applets")
    assert done.words("newuidmap") == ("fail", "missing")
    assert "executable file not found" in done.check("rootlesskit").values["said"]


@sandbox
def test_the_helpers_have_no_power(tmp_path: Path) -> None:
    copy = 'cp "$(command -v newuidmap)" "$(command -v newgidmap)" /mnt/bin/; chmod 755 /mnt/bin/new*\n'
    done = run(tmp_path, prepare=copy)
    assert done.words("newuidmap") == ("fail", "powerless")
    assert done.check("rootlesskit").status == "fail"


@sandbox
@pytest.mark.parametrize(
    ("prepare", "check"),
    [
        ("chown 0:0 /mnt/home\n", "home"),
        ("mkdir -p /mnt/home/.local/share/buildkit\n", "state"),
        ("chown 0:0 /mnt/run\n", "runtime-dir"),
        ("rmdir /mnt/run\n", "runtime-dir"),
    ],
)
def test_a_directory_cannot_be_written(tmp_path: Path, prepare: str, check: str) -> None:
    assert run(tmp_path, prepare=prepare).words(check) == ("fail", "unwritable")


@sandbox
def test_no_runtime_directory_is_named(tmp_path: Path) -> None:
    assert run(tmp_path, env={"XDG_RUNTIME_DIR": ""}).words("runtime-dir") == ("fail", "unset")


OVERLAID = "mkdir /mnt/o /mnt/o/l /mnt/o/u /mnt/o/w; chown 1000:1000 /mnt/o/u; mount -t overlay -o lowerdir=/mnt/o/l,upperdir=/mnt/o/u,workdir=/mnt/o/w overlay /mnt/home\n"


@sandbox
def test_overlay_cannot_lie_upon_overlay(tmp_path: Path) -> None:
    assert run(tmp_path, prepare=OVERLAID).words("overlay") == ("warn", "slow")
    wanted = {"BUILDKITD_FLAGS": "--oci-worker-snapshotter=overlayfs"}
    assert run(tmp_path, prepare=OVERLAID, env=wanted).check("overlay").status == "fail"
    copied = {"BUILDKITD_FLAGS": "--oci-worker-snapshotter=native"}
    assert run(tmp_path, prepare=OVERLAID, env=copied).check("overlay").status == "ok"


@sandbox
def test_fuse_is_wanted(tmp_path: Path) -> None:
    wanted = {"BUILDKITD_FLAGS": "--oci-worker-snapshotter=fuse-overlayfs"}
    program = stub("fuse-overlayfs", "#!/bin/sh\n")
    assert run(tmp_path, prepare=program, env=wanted).words("overlay") == ("fail", "fuse"), "the device is root's"
    device = "mknod /mnt/fuse c 10 229; chmod 666 /mnt/fuse; mount --bind /mnt/fuse /dev/fuse\n"
    assert run(tmp_path, prepare=program + device, env=wanted).check("overlay").status == "ok"


@sandbox
def test_the_disk_is_small(tmp_path: Path) -> None:
    done = run(tmp_path, prepare="mount -t tmpfs -o size=9m,nr_inodes=90,uid=1000 tmpfs /mnt/home\n")
    assert done.words("disk") == ("fail", "full")
    assert done.words("inodes") == ("fail", "full")


@sandbox
@pytest.mark.parametrize(("limit", "status"), [("max", "ok"), ("8589934592", "ok"), ("134217728", "warn")])
def test_the_memory_limit(tmp_path: Path, limit: str, status: str) -> None:
    fake = FAKE + f"mkdir -p /mnt/fake/sys/fs/cgroup; echo {limit} > /mnt/fake/sys/fs/cgroup/memory.max\n"
    assert run(tmp_path, prepare=fake, env=IN_FAKE).check("memory").status == status


@sandbox
def test_control_groups(tmp_path: Path) -> None:
    assert run(tmp_path, prepare=FAKE, env=IN_FAKE).words("cgroup") == ("warn", "none")
    second = FAKE + "mkdir -p /mnt/fake/sys/fs/cgroup; echo cpu > /mnt/fake/sys/fs/cgroup/cgroup.controllers\n"
    assert run(tmp_path, prepare=second, env=IN_FAKE).check("cgroup").status == "ok"


@sandbox
def test_variables_of_gitlab(tmp_path: Path) -> None:
    job = {"GITLAB_CI": "true", "CI_REGISTRY": "localhost:1", "CI_REGISTRY_USER": "u", "CI_REGISTRY_PASSWORD": "p4ss"}
    done = run(tmp_path, env={**job, "BKDOCTOR_PREFLIGHT_VARIABLES": "CI_REGISTRY_USER DEPLOY_TOKEN"})
    assert done.check("ci-registry").values["variable"] == "CI_REGISTRY_IMAGE"
    assert done.words("variable") == ("fail", "empty")
    assert done.check("variable").values["variable"] == "DEPLOY_TOKEN"
    assert "p4ss" not in done.out
    assert run(tmp_path, env={**job, "CI_REGISTRY_IMAGE": "i"}).check("ci-registry").status == "ok"


@sandbox
@pytest.mark.parametrize(
    ("start", "status"), [("2024-02-29T12:34:56Z", "ok"), ("2099-01-01T00:00:00Z", "fail"), ("", "skip")]
)
def test_the_clock_is_before_the_job_began(tmp_path: Path, start: str, status: str) -> None:
    assert run(tmp_path, env={"CI_JOB_STARTED_AT": start}).check("clock").status == status


@sandbox
@pytest.mark.parametrize("method", ["native", "buildx"])
def test_what_only_a_rootless_build_needs_is_no_failure_of_another(tmp_path: Path, method: str) -> None:
    env = {"BKDOCTOR_PREFLIGHT_METHOD": method, "BUILDKIT_HOST": "tcp://localhost:1", "BKDOCTOR_PREFLIGHT_TIMEOUT": "2"}
    done = run(tmp_path, env={**env, "XDG_RUNTIME_DIR": ""}, refuse=NO_USERNS, privileges=["--no-new-privs"])
    failed = {check.name for check in done.seen.checks if check.status == "fail"}
    assert failed <= {"registry", "buildkitd", "docker"}


@sandbox
@pytest.mark.parametrize(("refuse", "words"), [({}, ("ok", "")), ({"mount": errno.EPERM}, ("fail", "eperm"))])
def test_a_daemon_of_the_job_s_own_as_root(tmp_path: Path, refuse: dict[str, int], words: tuple[str, str]) -> None:
    env = {"BKDOCTOR_PREFLIGHT_METHOD": "native"}
    assert run(tmp_path, env=env, uid=0, refuse=refuse).words("mount") == words


@sandbox
def test_a_state_directory_without_suid_and_devices(tmp_path: Path) -> None:
    mount = "mkdir -p /mnt/home/.local/share/buildkit; mount -t tmpfs -o {} tmpfs /mnt/home/.local/share/buildkit\n"
    done = run(tmp_path, prepare=mount.format("uid=1000,nosuid,nodev"))
    assert done.words("state") == ("warn", "nosuid")
    assert run(tmp_path, prepare=mount.format("uid=1000,nosuid")).check("state").status == "ok"

"""The bot under load and kill -9: are all notes right, how fast are events acknowledged, how soon is a note there.

    python -m benchmarks.bot_soak [--database sqlite|postgresql] [--events 2000] [--rate 20] [--kills 20]

A GitLab double, a sender and real bots (one `bkdoctor bot` on SQLite, two on PostgreSQL) are processes of their own.
Every merge request gets pipelines one after the other; events come twice and in disorder. What is refused while a
receiver is dead is not sent again, as GitLab would not: the catch-up must find it. In the end each merge request must
have the truth of its newest pipeline, in one note.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from bkdoctor.bot import marker
from bkdoctor.bot.database import Database
from bkdoctor.bot.store import Store
from tests.bot_cases import APP, APPARMOR, APPARMOR_ID, PACKAGE, PACKAGE_ID, PASSED
from tests.bot_process import Bot, alive
from tests.gitlab_routes_bot import BotGitLab
from tests.postgres import new_database, server

_MERGE_REQUESTS = 200
_CAUSES = {"apparmor": (APPARMOR, APPARMOR_ID), "package": (PACKAGE, PACKAGE_ID)}


def send(ports: list[int], jobs: "Queue[Any]", answers: "Queue[Any]") -> None:
    """Post what comes from a queue, and measure; runs in a process of its own with several threads."""
    import http.client
    import json
    from concurrent.futures import ThreadPoolExecutor

    from tests.bot_setting import SECRET

    def post(payload: dict[str, Any], id_: str) -> float | None:
        headers = {"X-Gitlab-Token": SECRET, "Content-Type": "application/json", "Idempotency-Key": id_}
        for port in random.sample(ports, len(ports)):  # as a load balancer: the next one where nobody listens
            started = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("POST", "/webhook", json.dumps(payload), headers)
                if connection.getresponse().status == 202:
                    return time.perf_counter() - started
            connection.close()
        return None

    with ThreadPoolExecutor(16) as pool:
        while (job := jobs.get()) is not None:
            pool.submit(lambda job: answers.put(post(*job)), job)


class Soak:
    """One run."""

    def __init__(self, options: argparse.Namespace, folder: Path, url: str, gitlab: BotGitLab) -> None:
        self.options, self.folder, self.url, self.gitlab = options, folder, url, gitlab
        self.random = random.Random(options.seed)
        self.bots = [self._bot() for _ in range(1 if url.startswith("sqlite") else 2)]
        self.kills: dict[str, int] = {}
        self.last: dict[int, tuple[int, str]] = {}
        """Merge request -> its newest pipeline, and what became of it."""

    def _bot(self, port: int = 0) -> Bot:
        return Bot(self.folder, self.gitlab.url, self.url, port=port, lease_seconds=3, stop_seconds=5)

    def events(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Make pipelines in the double, and yield the events that tell of them."""
        project, number = self.gitlab.project_id(APP), 1000
        for mr in range(1, _MERGE_REQUESTS + 1):
            self.gitlab.add_merge_request(APP, mr, sha=f"{mr:040x}", branch=f"topic-{mr}")
        held: list[tuple[dict[str, Any], str]] = []
        rounds = self.options.events // (2 * _MERGE_REQUESTS)
        for _ in range(rounds):
            for mr in self.random.sample(range(1, _MERGE_REQUESTS + 1), _MERGE_REQUESTS):
                number += 1
                outcome = self.random.choice([*_CAUSES, *_CAUSES, "passed"])
                self._add_pipeline(mr, number, outcome)
                status = "success" if outcome == "passed" else "failed"
                yield _hook(project, mr, number, status), f"delivery-{number}"
                held.append(
                    (_hook(project, mr, number, status), self.random.choice([f"delivery-{number}", f"other-{number}"]))
                )
                if len(held) > 20:
                    yield held.pop(self.random.randrange(len(held)))
        yield from held

    def _add_pipeline(self, mr: int, number: int, outcome: str) -> None:
        passed = outcome == "passed"
        status = "success" if passed else "failed"
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        trace = PASSED if passed else _CAUSES[outcome][0]
        with self.gitlab.lock:
            self.gitlab.add_pipeline(APP, number, sha=f"{mr:040x}", status=status, updated_at=stamp)
            self.gitlab.add_pipeline_job(APP, number, 10 * number, trace, name="build-image", status=status)
            self.gitlab.link(APP, mr, number)
            self.gitlab.pipelines[number] |= {"ref": f"refs/merge-requests/{mr}/head", "source": "merge_request_event"}
        self.last[mr] = (number, outcome)

    def kill_one(self) -> None:
        """Kill one process of all at random; a supervisor is started again at once, as systemd would."""
        everyone = [(bot, pid) for bot in self.bots for pid in (bot.process.pid, *bot.children())]
        bot, pid = self.random.choice(everyone)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        role = "supervisor" if pid == bot.process.pid else "child"
        self.kills[role] = self.kills.get(role, 0) + 1
        if pid == bot.process.pid:
            bot.process.wait()
            self.bots[self.bots.index(bot)] = self._bot(bot.port)

    def run(self) -> bool:
        for bot in self.bots:
            bot.ready()
        context = multiprocessing.get_context("spawn")
        jobs, answers = context.Queue(), context.Queue()
        sender = context.Process(target=send, args=([bot.port for bot in self.bots], jobs, answers), daemon=True)
        sender.start()
        time.sleep(2)
        pace, kills, sent = 1 / self.options.rate, self.options.kills, 0
        kill_at = sorted(self.random.sample(range(self.options.events), kills))
        started = time.monotonic()
        for event in self.events():
            jobs.put(event)
            sent += 1
            while kill_at and kill_at[0] < sent:
                kill_at.pop(0)
                self.kill_one()
            time.sleep(max(0.0, started + sent * pace - time.monotonic()))
        jobs.put(None)
        times = [answers.get(timeout=60) for _ in range(sent)]
        seconds = time.monotonic() - started
        self._wait_until_idle()
        self._tell(times, seconds, time.monotonic() - started)
        return self._judge()

    def _wait_until_idle(self) -> None:
        store = Store(Database(self.url))
        end, calm = time.monotonic() + 1800, 0
        while calm < 8:
            time.sleep(1)
            calm = calm + 1 if store.waiting()[0] == 0 else 0
            if time.monotonic() > end:
                sys.exit(f"{store.waiting()[0]} pieces of work are not done after half an hour")

    def _tell(self, times: list[float | None], seconds: float, drained: float) -> None:
        stored = [1000 * t for t in times if t is not None]
        records = Store(Database(self.url)).records(10**6)
        notes = [r.seconds for r in records if r.outcome in ("noted", "updated", "resolved")]
        print(
            f"sent {len(times)} events, {len(times) / seconds:.1f}/s; acknowledged {len(stored)}; kill -9: {self.kills}"
        )
        p50, p99 = (_percentile(stored, which) for which in (50, 99))
        print(f"acknowledged after ms: p50 {p50:.1f}, p99 {p99:.1f}, max {max(stored):.0f}")
        print(f"pieces of work {len(records)} in {drained:.0f} s, {len(records) / drained:.1f}/s")
        print(f"event to note, s: p50 {_percentile(notes, 50):.1f}, p99 {_percentile(notes, 99):.1f}")

    def _judge(self) -> bool:
        faults = []
        for mr, (number, outcome) in self.last.items():
            notes = self.gitlab.notes(APP, mr)
            told = [marker.read(note["body"]) for note in notes]
            wanted = () if outcome == "passed" else (_CAUSES[outcome][1],)
            right = len(told) == 1 and told[0] is not None and told[0].pipeline == number
            right = right and (told[0].state == "passed" if outcome == "passed" else told[0].causes == wanted)  # type: ignore[union-attr]
            if not right and not (outcome == "passed" and not told):
                faults.append(f"merge request {mr}: {told}, wanted pipeline {number} ({outcome})")
        failed = [r for r in Store(Database(self.url)).records(10**6) if r.outcome == "failed"]
        faults += [f"given up: {r.key}: {r.error}" for r in failed]
        print(f"merge requests {len(self.last)}, wrong or doubled notes {len(faults)}")
        print(*faults[:10], sep="\n")
        return not faults

    def end(self) -> None:
        for bot in self.bots:
            pids = [bot.process.pid, *bot.children()]
            bot.process.kill()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    if alive(pid):
                        os.kill(pid, signal.SIGKILL)
            bot.process.wait()


def _hook(project: int, mr: int, pipeline: int, status: str) -> dict[str, Any]:
    return {
        "object_kind": "pipeline",
        "object_attributes": {"id": pipeline, "ref": f"topic-{mr}", "sha": f"{mr:040x}", "status": status},
        "project": {"id": project, "path_with_namespace": APP},
        "merge_request": {"iid": mr, "target_project_id": project},
        "builds": [{"id": 10 * pipeline, "status": status}],
    }


def _percentile(values: list[float], which: int) -> float:
    return statistics.quantiles(values, n=100)[which - 1] if len(values) > 1 else float("nan")


def _run(options: argparse.Namespace, url: str, folder: Path) -> bool:
    with BotGitLab() as gitlab:
        # else each answer waits 40 ms for an acknowledgement of its head
        gitlab._server.RequestHandlerClass.disable_nagle_algorithm = True  # type: ignore[attr-defined]
        # who is killed leaves connections open
        gitlab._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        soak = Soak(options, folder, url, gitlab)
        try:
            return soak.run()
        finally:
            soak.end()


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    words.add_argument("--events", type=int, default=2000)
    words.add_argument("--rate", type=float, help="events a second [20; 100 on PostgreSQL where nothing is killed]")
    words.add_argument("--kills", type=int, default=20)
    words.add_argument("--seed", type=int, default=1)
    options = words.parse_args()
    rate, right = options.rate, True
    for database in options.database or ["sqlite", "postgresql"]:
        options.rate = rate or (100.0 if database == "postgresql" and not options.kills else 20.0)
        print(f"{database}:", flush=True)
        with tempfile.TemporaryDirectory(prefix="bkdoctor-soak-") as name:
            folder = Path(name)
            if database == "sqlite":
                right = _run(options, f"sqlite:///{folder}/bot.db", folder) and right
            else:
                with server(durable=True) as url:
                    right = _run(options, new_database(url, "soak"), folder) and right
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()

"""The bot's ledger against dbos as a queue: time to store an event, and work done a second, while both go on.

    python benchmarks/bot_queue.py --engine ledger|dbos --url DATABASE [--rate 100] [--seconds 20]

dbos is no dependency: install it beside bkdoctor[bot] to compare. One process stores events of 200 merge requests at a
steady rate, another one works in four threads, serially for each merge request; a piece of work is 20 ms of computing
and 50 ms of waiting. Run it on an empty database.
"""

import argparse
import asyncio
import importlib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_MERGE_REQUESTS = 200
_THREADS = 4

Store = Callable[[int], Awaitable[object]]


def work() -> None:
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    time.sleep(0.05)


def ledger_work(url: str) -> None:
    from bkdoctor.bot.database import Database
    from bkdoctor.bot.store import Store

    store = Store(Database(url, durable=False))

    def run(name: str) -> None:
        while True:
            taken = store.claim(name, 30)
            if taken is None:
                time.sleep(0.1)
                continue
            work()
            store.done(taken, outcome="noted")

    threads = [threading.Thread(target=run, args=(f"w{n}",)) for n in range(_THREADS)]
    for thread in threads:
        thread.start()


def ledger_store(url: str) -> tuple[Store, Callable[[], tuple[int, int]]]:
    from bkdoctor.bot.database import Database
    from bkdoctor.bot.events import event_of
    from bkdoctor.bot.intake import Intake
    from bkdoctor.bot.store import Store
    from bkdoctor.bot.task import Task

    store = Store(Database(url))
    intake = Intake(store.add)

    async def add(number: int) -> object:
        mr = number % _MERGE_REQUESTS + 1
        task = Task(project_id=mr % 7 + 1, pipeline_id=number, sha="ab", ref="x", status="failed", mr_iid=mr)
        return await intake.add(event_of(task, f"event-{number}"))

    return add, lambda: (store.waiting()[0], len(store.records(10**6)))


def _dbos() -> Any:
    return importlib.import_module("dbos")


def dbos_work(url: str) -> None:
    dbos = _dbos()
    config = {
        "name": "bot-queue", "system_database_url": url, "application_version": "1", "executor_id": "one",
        "log_level": "WARNING", "run_admin_server": False, "serializer": dbos.DBOSPortableJSONSerializer(),
    }  # fmt: skip
    dbos.DBOS(config=config)

    def task(_number: int) -> None:
        work()

    dbos.DBOS.workflow(name="task")(task)
    dbos.DBOS.launch()
    dbos.DBOS.register_queue(
        "mr", partition_concurrency=1, worker_concurrency=_THREADS, polling_interval_sec=0.1
    )  # fmt: skip
    threading.Event().wait()


def dbos_store(url: str) -> tuple[Store, Callable[[], tuple[int, int]]]:
    dbos = _dbos()
    client = dbos.DBOSClient(system_database_url=url, serializer=dbos.DBOSPortableJSONSerializer())
    pool = ThreadPoolExecutor(16)

    def enqueue(number: int) -> None:
        options = {
            "queue_name": "mr", "workflow_name": "task", "workflow_id": f"event-{number}", "app_version": "1",
            "queue_partition_key": f"mr-{number % _MERGE_REQUESTS}",
        }  # fmt: skip
        client.enqueue(options, number)

    async def add(number: int) -> object:
        return await asyncio.get_running_loop().run_in_executor(pool, enqueue, number)

    def left() -> tuple[int, int]:
        states = [w.status for w in client.list_workflows(load_input=False, load_output=False)]
        return sum(s in ("ENQUEUED", "PENDING", "DELAYED") for s in states), states.count("SUCCESS")

    return add, left


async def _send(store: Store, rate: float, seconds: float) -> list[float]:
    times: list[float] = []

    async def one(number: int) -> None:
        started = time.perf_counter()
        await store(number)
        times.append(1000 * (time.perf_counter() - started))

    started = time.monotonic()
    tasks = []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(one(number)))
    await asyncio.gather(*tasks)
    return times


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--engine", choices=["ledger", "dbos"], required=True)
    words.add_argument("--url", required=True)
    words.add_argument("--rate", type=float, default=100.0)
    words.add_argument("--seconds", type=float, default=20.0)
    words.add_argument("--work", action="store_true", help="be the process that works")
    options = words.parse_args()
    if options.work:
        (ledger_work if options.engine == "ledger" else dbos_work)(options.url)
        return
    command = [sys.executable, __file__, "--engine", options.engine, "--url", options.url, "--work"]
    worker = subprocess.Popen(command)
    time.sleep(6)
    try:
        store, left = (ledger_store if options.engine == "ledger" else dbos_store)(options.url)
        started = time.monotonic()
        times = asyncio.run(_send(store, options.rate, options.seconds))
        sent = time.monotonic() - started
        done_then = left()[1]
        while left()[0]:
            time.sleep(1)
        drained = time.monotonic() - started
        percentiles = statistics.quantiles(times, n=100)
        print(f"{options.engine}: {len(times)} events at {len(times) / sent:.0f}/s")
        print(f"stored after ms: p50 {percentiles[49]:.1f}, p99 {percentiles[98]:.1f}, max {max(times):.0f}")
        print(f"work done: {done_then / sent:.1f}/s meanwhile, {left()[1]} in {drained:.0f} s until nothing is left")
    finally:
        worker.kill()


if __name__ == "__main__":
    main()

"""Kills at random moments of a run over places: of the run, of a place, of the scheduler. Nothing is lost, nothing is
done twice, nothing is left.

    .venv/bin/python -m tests.benchmarks.killed_places [TRIALS [SEED]]

Three machines (processes here, with scripted targets in real processes, and a scripted converter in the place of
TensorFlow), two of which are alike and share a name. A trial starts a run of six cases, each compared and timed, kills
one process with SIGKILL, gives the same command again and checks:

- the first run, where it was not killed, gave every case that it planned an outcome, or ended as interrupted;
- the second is whole: each case once, passed and timed; what was kept of the first was not measured again;
- each model was converted, here or at a place, to the bytes that it has without a kill, and nothing is half-written;
- no timing had anything beside it; files that places keep have the bytes of their hash; what was kept can be read;
- no process is left of what was killed.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import distributed  # here, so that every process is forked with it
import psutil

from harness import registry
from harness.cache import Cache, sha256_file
from harness.conversion import steps
from harness.places import conversions, place_registry, remote_place, request_handlers
from harness.places.case_placement import cases_at
from harness.places.cluster import connected, silence
from harness.places.identity import own_identity
from harness.places.place_registry import Places
from harness.places.place_server import serve_place
from harness.places.scheduler_address import SchedulerAddress
from harness.run.engine import Run
from harness.run.matrix import Selection
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from harness.store.record import Outcome
from harness.store.runs import CaseStore
from harness.target import TimingPlan
from tests.benchmarks.scripted_places import (
    ENGINE,
    LOG,
    MADE,
    WAIT_SECONDS,
    Noted,
    NotedTarget,
    PlacedConverter,
    ScriptedChildren,
    read_notes,
    unpacked,
)
from tests.harness.fakes.converter import FAKE_FORMAT, entry

MODELS = ("one", "two", "three")
PLACES = ("bench", "farm", "farm")
CASES = {f"{model}/float32/fake/plain@{place}" for model in MODELS for place in PLACES}
TOKEN = "HARNESS_KILLED_PLACES"
QUIET_SECONDS = 2.0
FORKED = multiprocessing.get_context("fork")


class Forked:
    """A function in a process of its own that has all that is imported here."""

    def __init__(self, function: Callable[..., None], *arguments: object, **variables: str) -> None:
        self._process = FORKED.Process(target=_called, args=(function, arguments, variables))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def end(self) -> None:
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(10)
        self.kill()

    def wait(self) -> int | None:
        self._process.join(WAIT_SECONDS)
        return self._process.exitcode


def _called(function: Callable[..., None], arguments: tuple[Any, ...], variables: dict[str, str]) -> None:
    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    os.environ.update(variables)
    signal.signal(signal.SIGTERM, stop)
    faulthandler.register(signal.SIGUSR1)  # where one hangs: `kill -USR1`
    with suppress(KeyboardInterrupt):
        function(*arguments)


def serve_scheduler(port: int, ready: Path) -> None:
    silence()

    async def serve() -> None:
        async with distributed.Scheduler(host="127.0.0.1", port=port, dashboard_address="127.0.0.1:0") as scheduler:
            ready.write_text(scheduler.address)
            await scheduler.finished()

    asyncio.run(serve())


def serve(address: str, name: str, ready: Path) -> None:
    """A place, which writes `ready` each time that it is there."""
    serve_place(SchedulerAddress.parse(address), None, name, lambda text: ready.write_text(text))


def run(address: str, folder: Path, written: Path) -> None:
    """`harness run` over the places, once all are there; writes the record."""
    link = connected(SchedulerAddress.parse(address), None)
    try:
        places = Places(link)
        while sorted(places.by_name) != sorted(set(PLACES)):
            time.sleep(0.1)
            places.refresh()
        models = {name: entry(name) for name in MODELS}
        chosen = cases_at(places.by_name, Selection(), models, registry.targets(), {"fake": FAKE_FORMAT})
        settings = Settings(folder, folder / "cache", folder / "results", plan=TimingPlan(), workers=1)
        record = Run(
            chosen, settings, SilentProgress(), PlacedConverter(folder / written.stem, folder / "cache")
        ).execute()
        written.write_text(record.model_dump_json())
    finally:
        link.close()


@dataclass
class World:
    """The scheduler and the places, which outlive a trial, and what is found wrong."""

    folder: Path
    address: str = ""
    scheduler: Forked | None = None
    places: list[Forked] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    doing: str = ""

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def start(self) -> None:
        self.log.touch()
        self.start_scheduler()
        for number in range(len(PLACES)):
            self.places.append(self.started_place(number))

    def start_scheduler(self) -> None:
        ready = self.folder / "scheduler"
        ready.unlink(missing_ok=True)
        port = SchedulerAddress.parse(self.address).port if self.address else 0
        self.scheduler = Forked(serve_scheduler, port, ready)
        self.until(lambda: ready.exists() and ready.read_text(), "a scheduler")
        self.address = ready.read_text()

    def started_place(self, number: int) -> Forked:
        ready = self.folder / f"place-{number}"
        ready.unlink(missing_ok=True)
        home = self.folder / f"home-{number}"
        started = Forked(serve, self.address, PLACES[number], ready, HARNESS_HOME=str(home))
        self.until(ready.exists, "a place")
        return started

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.doing}: {what} did not come about in {WAIT_SECONDS:.0f} s")
            time.sleep(0.02)

    def check(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(f"{self.doing}: {problem}")
            print(self.problems[-1], flush=True)

    def close(self) -> None:
        for one in (*self.places, *([self.scheduler] if self.scheduler else [])):
            one.end()

    def until_idle(self) -> None:
        """Wait until no place has anything to do: one that waits for its turn begins soon after another ended."""
        quiet_since = time.monotonic()
        deadline = quiet_since + WAIT_SECONDS
        while time.monotonic() - quiet_since < QUIET_SECONDS:
            if not self._idle():
                quiet_since = time.monotonic()
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.doing}: places did not come to rest in {WAIT_SECONDS:.0f} s")
            time.sleep(0.02)

    def _idle(self) -> bool:
        living = {place.pid for place in self.places}
        return all(one.end < float("inf") or one.process not in living for one in read_notes(self.log))

    def orphans(self) -> list[str]:
        """Processes of this world that belong to none of those that live, nor are doing what a place was asked."""
        mine = {os.getpid(), *(one.pid for one in (*self.places, self.scheduler) if one)}
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(TOKEN) == os.environ[TOKEN] and process.pid not in mine:
                    found.append(" ".join(process.cmdline()) or process.name())
            except psutil.Error:
                continue
        return found


def trial(world: World, chance: random.Random, seconds: float) -> str:
    """One kill, within `seconds` of a run's begin; in words, what was killed and when."""
    victim = chance.choice(["run", "scheduler", *["place"] * 3])
    number = chance.randrange(len(PLACES))
    moment = chance.uniform(0.0, seconds)
    at_once = chance.random() < 0.5
    folder = Path(tempfile.mkdtemp(prefix="trial-", dir=world.folder))
    told = f"{victim}{f' {PLACES[number]} ({number})' if victim == 'place' else ''} after {moment:.2f} s"
    first = Forked(run, world.address, folder, folder / "first.json")
    time.sleep(moment)
    if victim == "run":
        first.kill()
    elif victim == "scheduler":
        assert world.scheduler is not None
        world.scheduler.kill()
        first.wait()
        world.start_scheduler()
        for index in range(len(PLACES)):  # each is there again by itself
            (world.folder / f"place-{index}").unlink(missing_ok=True)
        for index in range(len(PLACES)):
            world.until((world.folder / f"place-{index}").exists, "the return of a place")
    else:
        world.places[number].kill()
        if at_once:
            world.places[number] = world.started_place(number)
        first.wait()
        if not at_once:
            world.places[number] = world.started_place(number)
    check_first(world, victim, number, folder / "first.json")
    first.kill()
    world.until_idle()
    deadline = time.monotonic() + 20.0
    while (left := world.orphans()) and time.monotonic() < deadline:
        time.sleep(0.1)
    world.check(not left, f"left behind: {left}")

    measurements = folder / "cache" / "measurements"
    kept = {kind: len(list((measurements / kind).glob("*.json"))) for kind in ("parity", "latency")}
    begun = time.monotonic()
    second = Forked(run, world.address, folder, folder / "second.json")
    world.check(second.wait() == 0, "the second run did not end well")
    check_second(world, folder, kept, begun)
    second.kill()
    return f"{told}; {kept['parity']} comparisons and {kept['latency']} timings of {len(CASES)} were kept"


def check_first(world: World, victim: str, number: int, written: Path) -> None:
    """What became of the run in which something was killed."""
    if not written.exists():
        world.check(victim != "place", "a run ended without a record, and only a place was killed")
        return
    record = json.loads(written.read_text())
    names = [case_name(case) for case in record["cases"]]
    world.check(len(names) == len(set(names)) and set(names) <= CASES, f"cases of the first run: {names}")
    if record["status"] != "complete":
        world.check(victim == "scheduler", f"a run ended as {record['status']}")
        return
    world.check(set(names) == CASES, f"cases are lost: {CASES - set(names)}")
    for case in record["cases"]:
        fine = case["outcome"] == Outcome.PASSED
        lost = victim == "place" and case["outcome"] == Outcome.UNAVAILABLE and case["place"] == PLACES[number]
        world.check(fine or lost, f"{case_name(case)} {case['outcome']}: {case['reason']}")


def check_second(world: World, folder: Path, kept: dict[str, int], begun: float) -> None:
    """The same command, with nothing killed."""
    record = json.loads((folder / "second.json").read_text())
    names = Counter(case_name(case) for case in record["cases"])
    world.check(record["status"] == "complete" and names == Counter(CASES), f"{record['status']}, {names}")
    for case in record["cases"]:
        whole = case["outcome"] == Outcome.PASSED and case["latency"] is not None
        world.check(whole, f"{case_name(case)}: {case['outcome']} {case['reason']}{case['latency_note']}")
    notes = read_notes(world.log)
    timed = [one for one in notes if one.what == "time"]
    since = [one for one in notes if one.begin > begun]
    done = Counter(one.what for one in since)
    expected = {"open": 2 * len(CASES) - sum(kept.values()), "time": len(CASES) - kept["latency"]}
    as_expected = all(done[what] == count for what, count in expected.items())
    world.check(as_expected, f"done {dict(done)}, not {expected}: {since}, begun {begun}, all {notes}")
    for one in timed:
        beside = [
            other
            for other in notes
            if other.begin < one.end
            and one.begin < other.end
            and not same_session(one, other)
            and other.place != ENGINE  # which is no place, and holds no machine
        ]
        known = one.end < float("inf")  # else it was killed, and when its end was is not written
        world.check(not known or not any(map(really_beside, beside)), f"timed beside something: {one}, {beside}")
    converted = Cache(folder / "cache" / "artifacts")
    there = {path.name for path in (converted.root / "converted").iterdir()}
    world.check(there == set(MODELS), f"conversions are lost or half-written: {there}")
    for model in MODELS:
        entry, golden = converted.find("converted", model), folder / "second" / model / "golden.npz"
        whole = entry is not None and (entry.folder / MADE).read_bytes() == 2 * golden.read_bytes()
        world.check(whole, f"the conversion of {model} is not what it should be")
    store = CaseStore(folder / "cache")
    for path in store.folder.glob("*/*.json"):
        world.check(store.find(path.parent.name, path.stem) is not None, f"{path} is damaged")
    for path in world.folder.glob("home-*/places/[0-9a-f]*"):
        world.check(sha256_file(path) == path.name, f"{path} has other bytes than its name says")


def same_session(timed: Noted, other: Noted) -> bool:
    return other.process == timed.process and other.model == timed.model and other.begin <= timed.begin


def really_beside(other: Noted) -> bool:
    return other.end < float("inf")


def case_name(case: dict[str, Any]) -> str:
    return f"{case['model']}/{case['variant']}/{case['target']}"


def main(trials: int, seed: int) -> int:
    chance = random.Random(seed)
    known = {"fake/plain": NotedTarget("fake/plain")}
    registry.targets = registry.installed_targets = lambda: known  # type: ignore[assignment]
    request_handlers.unpack_job = unpacked
    for module in (request_handlers, conversions, place_registry):
        module.own_identity_of_conversion = lambda *, installed=True: "alike"  # type: ignore[attr-defined]
    steps.identity_of = lambda code: "alike"
    conversions.CONVERTERS.there = ScriptedChildren  # type: ignore[method-assign, assignment]
    remote_place.RETURN_SECONDS = 3.0  # a place that does not come back costs so long, in half of the trials
    remote_place.PART_BYTES = 512  # so that a file is many messages
    own_identity()
    with tempfile.TemporaryDirectory(prefix="killed-places-", ignore_cleanup_errors=True) as folder:
        os.environ[TOKEN], os.environ[LOG] = Path(folder).name, str(Path(folder) / "log")
        world = World(Path(folder))
        try:
            world.start()
            world.doing = "without a kill"
            (Path(folder) / "whole").mkdir()
            begun = time.monotonic()
            whole = Forked(run, world.address, Path(folder) / "whole", Path(folder) / "whole" / "second.json")
            world.check(whole.wait() == 0, "it did not end well")
            seconds = time.monotonic() - begun
            check_second(world, Path(folder) / "whole", {"parity": 0, "latency": 0}, begun)
            for number in range(trials):
                world.doing = f"trial {number}"
                print(f"{world.doing}: {trial(world, chance, 0.9 * seconds)}", flush=True)
        finally:
            world.close()
        left = world.orphans()
        world.check(not left, f"left behind at the end: {left}")
        made = Counter(one.place for one in read_notes(world.log) if one.what == "convert")
    where = ", ".join(f"{count} at {place}" for place, count in sorted(made.items()))
    print(
        f"{trials} kills, {len(world.problems)} problems; a run takes {seconds:.1f} s; conversions: {where}", flush=True
    )
    return 1 if world.problems else 0


if __name__ == "__main__":
    raise SystemExit(main(*(int(argument) for argument in (sys.argv[1:] + ["50", "0"][len(sys.argv) - 1 :])[:2])))

"""Places behind a real scheduler of `distributed`, in processes of their own on this machine.

`distributed` is imported where it is needed: each process that collects tests would take a second for it.
"""

import base64
import contextlib
import hashlib
import json
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from harness import registry
from harness.errors import HarnessError
from harness.places import cluster
from harness.places.case_placement import cases_at
from harness.places.certificates import make_certificates
from harness.places.cluster import connected, silence
from harness.places.place_registry import Places
from harness.places.scheduler_address import Certificates, SchedulerAddress
from harness.places.transport import NoPlaces
from harness.run.engine import Run
from harness.run.matrix import Selection
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from harness.store.record import Outcome
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.place import fake_targets

pytestmark = pytest.mark.long
REPOSITORY = Path(__file__).parents[3]
SECONDS = 120.0
"""For what takes a second or two on a machine that does nothing else."""


class Notes(SilentProgress):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


def until(condition, what):
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.05)
    return found


@contextmanager
def process(*command, **variables):
    """A Python process that prints what it does; it and its children are gone at the end."""
    started = subprocess.Popen(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextmanager
def place(address, name, home, certificates=None):
    """A place that has said what it offers."""
    folder = [str(certificates)] if certificates else []
    with process("-m", "tests.harness.fakes.place", address, name, *folder, HARNESS_HOME=str(home)) as started:
        line = started.stdout.readline()
        assert "offers 2 targets" in line, line
        yield started


@contextmanager
def scheduler(**options):
    """A scheduler in this process, and its address."""
    import distributed

    chosen = {"protocol": "tcp", "host": "127.0.0.1", **options}
    cluster = distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address="127.0.0.1:0", silence_logs=50, **chosen
    )
    try:
        yield cluster.scheduler_address
    finally:
        cluster.close()


@contextmanager
def linked(address, certificates=None):
    link = connected(SchedulerAddress.parse(address), certificates)
    try:
        yield link
    finally:
        link.close()


@pytest.fixture
def targets(monkeypatch):
    known = fake_targets()
    monkeypatch.setattr(registry, "targets", lambda: known)
    monkeypatch.setattr(registry, "installed_targets", lambda: known)
    return known


def run_at(link, folder, notes=None, **selection):
    chosen = cases_at(
        Places(link).by_name, Selection(**selection), {"double": entry()}, registry.targets(), {"fake": FAKE_FORMAT}
    )
    settings = Settings(root=folder, cache=folder / "cache", results=folder / "results", parity_only=True)
    return Run(chosen, settings, notes or Notes(), FakeConverter(folder / "models")).execute()


def children_of(pid):
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def test_two_places_give_what_one_machine_gives_and_one_that_is_killed_costs_its_own_case(
    tmp_path, targets, monkeypatch
):
    monkeypatch.setattr("harness.places.remote_place.RETURN_SECONDS", 0.0)
    with scheduler() as address, place(address, "bench", tmp_path / "bench") as bench:
        with place(address, "pi", tmp_path / "pi") as pi, linked(address) as link:
            record = run_at(link, tmp_path / "far", targets=("fake/plain",))
            assert {case.target: case.outcome for case in record.cases} == {
                "fake/plain@bench": Outcome.PASSED,
                "fake/plain@pi": Outcome.PASSED,
            }
            near = run_here(tmp_path / "near", targets)
            for case in record.cases:
                assert case.parity == near.parity
                assert case.measured.figures == near.measured.figures
                assert case.fingerprint == near.fingerprint

            # A place is killed while it measures: what it had begun ends with it, and every case has its outcome.
            killed = threading.Thread(target=lambda: (until(lambda: children_of(pi.pid), "a case"), kill(pi)))
            killed.start()
            record = run_at(link, tmp_path / "killed", targets=("fake/hanging@pi", "fake/plain@bench"))
            killed.join()
            outcomes = {case.target: case.outcome for case in record.cases}
            assert outcomes == {"fake/plain@bench": Outcome.PASSED, "fake/hanging@pi": Outcome.UNAVAILABLE}
            until(lambda: not any(child.is_running() for child in found_children), "the end of what it had begun")
        assert bench.poll() is None


found_children: list[psutil.Process] = []


def kill(started):
    found_children[:] = children_of(started.pid)
    started.send_signal(signal.SIGKILL)


def run_here(folder, targets):
    """The one case of the sound target, on this machine."""
    from harness.run.matrix import Case

    case = Case(entry(), FAKE_FORMAT, FAKE_FORMAT.variant("float32"), targets["fake/plain"])
    settings = Settings(root=folder, cache=folder / "cache", results=folder / "results", parity_only=True)
    (found,) = Run([case], settings, Notes(), FakeConverter(folder / "models")).execute().cases
    return found


def test_machines_are_never_taken_for_gone_that_are_there():
    """The client looks at its scheduler by itself as well, and then at no worker."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=1, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as cluster,
        linked(cluster.scheduler_address) as link,
    ):
        disturbing = threading.Event()

        def disturb():
            while not disturbing.is_set():
                link._client.sync(link._client._update_scheduler_info)

        beside = threading.Thread(target=disturb)
        beside.start()
        try:
            for _ in range(40):
                link._refresh_machines()
                assert len(link.machines()) == 1
        finally:
            disturbing.set()
            beside.join()


def test_nothing_that_distributed_logs_comes_to_the_screen():
    """A client that loses its scheduler logs a traceback, by a logger with a level of its own."""
    import distributed.client

    silence()
    assert not any(
        logging.getLogger(name).isEnabledFor(logging.ERROR) for name in ("distributed", "distributed.client")
    )
    assert not distributed.client.logger.isEnabledFor(logging.ERROR)


SCHEDULER = """
import asyncio, distributed, sys
async def main():
    async with distributed.Scheduler(host="127.0.0.1", port=int(sys.argv[1]), dashboard_address="127.0.0.1:0") as one:
        print(one.address, flush=True)
        await one.finished()
asyncio.run(main())
"""


def test_a_scheduler_that_is_lost_ends_the_run_with_what_it_has_and_the_place_comes_back_to_the_next(tmp_path, targets):
    with process("-c", SCHEDULER, "0") as first:
        address = next(line.strip() for line in first.stdout if line.startswith("tcp://"))
        with place(address, "bench", tmp_path / "bench") as bench:
            with linked(address) as link:
                notes = Notes()
                lost = threading.Thread(target=lambda: (until(lambda: children_of(bench.pid), "a case"), first.kill()))
                lost.start()
                record = run_at(link, tmp_path / "run", notes=notes)
                lost.join()
            assert record.status == "interrupted"
            (sentence,) = [text for text in notes.texts if "was lost" in text]
            assert sentence.startswith(f"The scheduler at {address} was lost")
            assert "ended or was lost" in bench.stdout.readline()
            with process("-c", SCHEDULER, address.rpartition(":")[2]) as second:
                assert any(line.strip() == address for line in second.stdout)
                assert "offers 2 targets" in bench.stdout.readline()
                with linked(address) as link:
                    record = run_at(link, tmp_path / "run", targets=("fake/plain",))
                    assert (record.status, record.cases[0].outcome) == ("complete", Outcome.PASSED)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Certificates of a team, and of another."""
    found = tmp_path_factory.mktemp("certificates")
    for name in ("ours", "theirs"):
        make_certificates(found / name, ["localhost"])
    return found


def test_without_a_certificate_of_the_authority_nothing_runs(tmp_path, targets, folders):
    ours, theirs = Certificates(folders / "ours"), Certificates(folders / "theirs")
    with scheduler(protocol="tls", security=scheduler_part(ours)) as address:
        with pytest.raises(HarnessError, match="needs certificates"), linked(address):
            raise AssertionError
        with pytest.raises(NoPlaces, match="is not to be trusted"), linked(address, theirs):
            raise AssertionError
        assert heard(address, ours)
        with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
            heard(address, theirs)
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
            heard(address, None)
        assert heard_in_plain_text(address) == b""
        with place(address, "bench", tmp_path / "bench", ours.folder), linked(address, ours) as link:
            record = run_at(link, tmp_path / "run", targets=("fake/plain",))
            assert record.cases[0].outcome is Outcome.PASSED


def scheduler_part(certificates, name="scheduler"):
    """What a scheduler with a certificate of this name takes for TLS, and a client beside it."""
    import distributed

    (certificate, key), (own, own_key) = certificates.pair(name), certificates.pair()
    return distributed.Security(
        tls_ca_file=str(certificates.authority),
        tls_scheduler_cert=str(certificate),
        tls_scheduler_key=str(key),
        tls_client_cert=str(own),
        tls_client_key=str(own_key),
        require_encryption=True,
    )


def heard(address, certificates):
    """What the scheduler says first over TLS, to one who trusts it whoever it is and shows these certificates."""
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    if certificates is not None:
        careless.load_cert_chain(*certificates.pair())
    with socket_to(address) as plain, careless.wrap_socket(plain) as encrypted:
        return encrypted.recv(1)


def heard_in_plain_text(address):
    """What it says to one who does not encrypt, but for the alert of TLS that it could not understand."""
    with socket_to(address) as plain:
        plain.sendall(bytes(64))
        said = b""
        with contextlib.suppress(ConnectionResetError):  # an end like another
            while more := plain.recv(4096):
                said += more
    return b"" if said[:1] == b"\x15" else said


def socket_to(address):
    host, _, port = address.rpartition("/")[2].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=SECONDS)


def test_a_certificate_of_another_host_is_not_taken_for_the_scheduler(tmp_path, folders):
    """Every place has a certificate of the authority: none of them can stand for the scheduler."""
    ours = Certificates(folders / "ours")
    with (
        scheduler(protocol="tls", security=scheduler_part(ours, "place")) as address,
        pytest.raises(NoPlaces, match="not to be trusted"),
        linked(address, ours),
    ):
        raise AssertionError


def test_an_answer_that_takes_longer_than_a_look_costs_no_other_request_its_own(targets, tmp_path, monkeypatch):
    """The client of `distributed` fetches answers together, and cancels all of them where one is not waited for."""
    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.002)
    content = bytes(4 * 2**20)
    digest = hashlib.sha256(content).hexdigest()
    kept = tmp_path / "home" / "places"
    kept.mkdir(parents=True)
    (kept / digest).write_bytes(content)
    request = json.dumps({"action": "read", "digest": digest, "offset": 0, "count": len(content)})
    with scheduler() as address, place(address, "bench", tmp_path / "home"), linked(address) as link:
        (machine,) = until(link.machines, "the place")
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: link.ask(machine, request), range(24)))
    assert {len(base64.b64decode(json.loads(answer)["content"])) for answer in answers} == {len(content)}

"""Machines that stand behind a Dask scheduler, by the interface of `distributed`'s client alone."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from harness.errors import error_text
from harness.places.optional_packages import requires_places_extra
from harness.places.request_handlers import describe, perform
from harness.places.scheduler_address import Certificates, SchedulerAddress, check_allowed, check_scheduler
from harness.places.transport import Abandoned, MachineLost, NoPlaces, SchedulerLost
from harness.process.child import end_with_all

LOOK_SECONDS = 1.0
SILENT_SECONDS = 60.0
"""Seconds after which a machine that has told the scheduler nothing is taken for unplugged. A machine says something
every second."""
CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 120.0
"""A machine describes itself in a few seconds, or it cannot be measured on."""


@requires_places_extra
def connected(address: SchedulerAddress, certificates: Certificates | None, *, insecure: bool = False) -> Cluster:
    """The machines behind a scheduler. Raises `HarnessError` with one sentence."""
    check_allowed(address, certificates, insecure=insecure)
    import distributed

    check_scheduler(address, certificates)
    silence()
    warnings.filterwarnings("ignore", module="distributed")  # versions are compared in `identity`
    try:
        client = distributed.Client(
            str(address),
            security=security_of(certificates if address.protocol == "tls" else None),
            timeout=CONNECT_SECONDS,
            set_as_default=False,
        )
    except (OSError, TimeoutError, ValueError) as error:
        raise NoPlaces(f"No Dask scheduler answers at {address} ({error_text(error)}).") from error
    return Cluster(client, str(address))


def silence() -> None:
    """Keep `distributed`'s log off the screen: what matters of it is an error here. Its import gives some of its
    loggers levels of their own."""
    import distributed

    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == distributed.__name__]
    for name in (distributed.__name__, *names):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def security_of(certificates: Certificates | None) -> Any:
    """What `distributed` takes for TLS; None for plain text."""
    import distributed

    if certificates is None:
        return None
    certificate, key = map(str, certificates.pair())
    roles = {f"tls_{role}_{part}": path for role in ("client", "worker") for part, path in _pair(certificate, key)}
    return distributed.Security(tls_ca_file=str(certificates.authority), require_encryption=True, **roles)


def _pair(certificate: str, key: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("cert", certificate), ("key", key)


class Cluster:
    """A `harness.places.transport.Transport`."""

    def __init__(self, client: Any, address: str) -> None:
        """`client`: a `distributed.Client` that is connected."""
        self._client = client
        self._address = address
        self._machines: dict[str, int] = {}
        self._heard: dict[str, tuple[float, float]] = {}
        """What the scheduler says of when it heard of a machine, and when that last changed by the clock here: clocks
        of other machines may be hours off."""
        self._lost = ""
        self._abandoned = False
        self._over = threading.Event()
        self._refresh_machines()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        end_with_all(self)

    def machines(self) -> Mapping[str, int]:
        self._check()
        return dict(self._machines)

    def describe(self, addresses: list[str]) -> Mapping[str, dict[str, Any] | str]:
        if not addresses:
            return {}
        future = self._client.run(_described, workers=addresses, on_error="return", wait=True, nanny=False)
        return {
            address: answer if isinstance(answer, dict) else error_text(answer) for address, answer in future.items()
        }

    def ask(self, address: str, request: str, content: bytes = b"") -> str:
        from distributed import CancelledError

        self._check()
        future = self._client.submit(
            perform,
            request,
            content,
            workers=[address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        fetched = _fetched(future)
        while True:
            try:
                answer = fetched.get(timeout=LOOK_SECONDS)
                break
            except queue.Empty:
                self._check()
                if address not in self._machines:
                    with suppress(Exception):  # or it would wait for a machine of this address for ever
                        future.cancel(force=True)
                    raise MachineLost(f"{address} is gone") from None
        if isinstance(answer, CancelledError):
            self._wait_for_loss()
            raise MachineLost(f"{address} does not answer") from answer
        if isinstance(answer, BaseException):
            raise MachineLost(f"{address}: {error_text(answer)}") from answer
        future.release()
        return answer

    def kill(self) -> None:
        """Ends an interrupted run's work: whoever waits for an answer gets `Crashed`."""
        self._abandoned = True

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        try:
            self._client.close(timeout=5)
        except Exception:  # it is gone either way
            return

    def _check(self) -> None:
        if self._abandoned:
            raise Abandoned("The run was interrupted.")
        if self._lost:
            raise SchedulerLost(
                f"The scheduler at {self._address} was lost ({self._lost}): what is finished is kept, and the same "
                "command goes on when it is back."
            )

    def _wait_for_loss(self) -> None:
        """A request that was cancelled and not by us: either the scheduler or the machine is lost, which is known
        within a moment."""
        deadline = time.monotonic() + 5 * LOOK_SECONDS
        while time.monotonic() < deadline:
            self._check()
            if self._client.status != "running":
                self._lost = "the connection broke"
            time.sleep(0.1)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                self._refresh_machines()
            except Exception as error:
                self._lost = error_text(error)
                return

    def _refresh_machines(self) -> None:
        if self._client.status != "running":
            raise ConnectionError("the connection broke")
        # Not `scheduler_info`: what it returns may be overwritten meanwhile by the client's own look, without workers.
        known = self._client.sync(self._client.scheduler.identity, n_workers=-1)["workers"]
        now = time.monotonic()
        for address, about in known.items():
            said = float(about.get("last_seen", 0.0))
            if address not in self._heard or self._heard[address][0] != said:
                self._heard[address] = (said, now)
        self._machines = {
            address: int(about["nthreads"])
            for address, about in known.items()
            if now - self._heard[address][1] < SILENT_SECONDS
        }


def _fetched(future: Any) -> queue.SimpleQueue[Any]:
    """Where the result of a future will be, or what was raised in its place.

    A thread of its own waits for it. `Future.result(timeout=…)` would be cancelled where the time is up, and with it
    the answers of all other requests that the client happens to fetch in the same message.
    """
    fetched: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def fetch() -> None:
        try:
            fetched.put(future.result())
        except BaseException as error:
            fetched.put(error)

    threading.Thread(target=fetch, daemon=True).start()
    return fetched


async def _described() -> dict[str, Any]:
    """`describe` in a thread of its own: it takes seconds, in which a machine has to go on saying that it is there."""
    return await asyncio.wait_for(asyncio.to_thread(describe), ANSWER_SECONDS)

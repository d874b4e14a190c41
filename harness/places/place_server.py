"""`harness place`: this machine as a place behind a scheduler, until it is interrupted."""

from __future__ import annotations

import asyncio
import os
import platform
import socket
import time
from collections.abc import Callable

from harness.errors import HarnessError, error_text
from harness.places.cluster import security_of, silence
from harness.places.conversions import CONVERTERS
from harness.places.optional_packages import requires_places_extra
from harness.places.request_handlers import NAME_VARIABLE, describe, place_name
from harness.places.scheduler_address import Certificates, SchedulerAddress, check_allowed, check_scheduler
from harness.places.transport import NoPlaces
from harness.process.child import end_all
from harness.process.warm import end_warm
from harness.project import NAME

AGAIN_SECONDS = 5.0
BESIDE = 8
"""Threads for what is quick (a file's parts, what is missing), beside those that measure."""


@requires_places_extra
def serve_place(
    address: SchedulerAddress,
    certificates: Certificates | None,
    name: str,
    note: Callable[[str], None],
    *,
    insecure: bool = False,
) -> None:
    """Offer this machine's targets until interrupted; a scheduler that is gone is waited for.

    Raises `HarnessError` where there is none to begin with.
    """
    check_allowed(address, certificates, insecure=insecure)
    import distributed

    if name:
        os.environ[NAME_VARIABLE] = name
    if not NAME.fullmatch(place_name()):
        raise HarnessError(f"'{place_name()}' is no name of a place; use letters, digits, '_', '-' and '.'.")
    silence()
    check_scheduler(address, certificates)
    ready = sorted(target for target, offer in describe()["targets"].items() if offer["ready"])
    offers = f"The place '{place_name()}' offers {len(ready)} targets at {address}: {', '.join(ready)}."

    async def serve() -> None:
        worker = distributed.Worker(
            str(address),
            name=f"{place_name()} on {platform.node()}, process {os.getpid()}, since {time.time_ns()}",
            host=_own_host(address),
            nthreads=2 * (os.cpu_count() or 1) + BESIDE,
            memory_limit=0,  # what measures is in other processes
            security=security_of(certificates if address.protocol == "tls" else None),
            dashboard_address="127.0.0.1:0",
        )
        async with worker:
            note(offers)
            await worker.finished()

    try:
        while True:
            try:
                asyncio.run(serve())
                note(f"The scheduler at {address} ended or was lost; this place is there again once it is.")
            except (OSError, TimeoutError, ValueError, RuntimeError) as error:
                note(f"No connection to {address} ({error_text(error)}); trying again.")
            end_all()  # nobody waits for what was being done
            end_warm()
            CONVERTERS.release_idle()
            _wait_for(address, certificates)
    finally:
        end_all()
        end_warm()


def _wait_for(address: SchedulerAddress, certificates: Certificates | None) -> None:
    while True:
        time.sleep(AGAIN_SECONDS)
        try:
            check_scheduler(address, certificates)
        except NoPlaces:
            continue
        return


def _own_host(address: SchedulerAddress) -> str:
    """The address of this machine that the scheduler sees: nothing listens on any other."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:  # connecting one sends nothing
        probe.connect((address.host, address.port))
        return str(probe.getsockname()[0])

"""`serve`: the dashboard, live."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time

from harness.cli.storing import moved_printer
from harness.errors import HarnessError
from harness.paths import results_directory
from harness.serve.interface import Interface
from harness.serve.record_source import RecordSource
from harness.serve.server import ADDRESS, make_server
from harness.store.index.database import team_url

PREPARED_SECONDS = 15.0
"""How often the next visitor's page is made ready, where a run has ended meanwhile."""


def serve_dashboard(port: int) -> None:
    """Serve until interrupted."""
    source = RecordSource(results_directory(), team_url())
    interface = Interface(source)
    server = make_server(interface, port)
    # A year that was never indexed takes minutes, which nobody should spend before an empty window.
    source.refresh(moved_printer(quiet=False))
    threading.Thread(target=_prepare, args=(interface,), daemon=True).start()
    print(f"http://{ADDRESS}:{server.server_address[1]}/ (JSON: /api; Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()
        for process in multiprocessing.active_children():  # nobody waits any more for what they make
            process.terminate()


def _prepare(interface: Interface) -> None:
    while True:
        with contextlib.suppress(HarnessError):  # who asks is told
            interface.prepare()
        time.sleep(PREPARED_SECONDS)

"""`serve`: the dashboard, live."""

from __future__ import annotations

from harness.paths import results_directory
from harness.serve.interface import Interface, Source
from harness.serve.server import ADDRESS, make_server
from harness.store.index.database import team_url


def serve(port: int) -> None:
    """Serve until interrupted."""
    server = make_server(Interface(Source(results_directory(), team_url())), port)
    print(f"http://{ADDRESS}:{server.server_address[1]}/ (JSON: /api; Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()

"""A place in a process of its own, as `harness place` makes one, with scripted targets.

python -m tests.harness.fakes.place ADDRESS NAME [CERTIFICATES]
"""

import signal
import sys
from pathlib import Path

from harness import registry
from harness.places.place_server import serve_place
from harness.places.scheduler_address import Certificates, SchedulerAddress
from tests.harness.fakes.target import FakeTarget


def fake_targets():
    """What each such place has: a target that is sound, and one that never answers."""
    found = (FakeTarget("fake/plain"), FakeTarget("fake/hanging", {"infer": "hang"}, seconds=120.0))
    return {target.name: target for target in found}


def stop(_signal, _frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    registry.targets = registry.installed_targets = fake_targets
    address, name, *folder = sys.argv[1:]
    signal.signal(signal.SIGTERM, stop)
    try:
        serve_place(
            SchedulerAddress.parse(address),
            Certificates(Path(folder[0])) if folder else None,
            name,
            lambda text: print(text, flush=True),
        )
    except KeyboardInterrupt:
        print("closed", flush=True)

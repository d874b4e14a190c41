"""`places` and `place`: other machines that have targets, and this machine as one of them."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import registry
from harness.conversion.model_entry import ModelEntry
from harness.errors import HarnessError
from harness.paths import project_root
from harness.places.case_placement import cases_at, unavailable_notices
from harness.places.certificates import make_certificates
from harness.places.cluster import connected
from harness.places.place_registry import Places, refusals
from harness.places.place_server import serve_place
from harness.places.scheduler_address import CERTIFICATES_VARIABLE, Certificates, SchedulerAddress
from harness.project import read_project
from harness.run.matrix import Case, Selection, cases

NO_SCHEDULER = "none"
"""What `--scheduler` says to stay on this machine where harness.toml names a scheduler."""


@dataclass(frozen=True)
class SchedulerOptions:
    """What a command line says of the scheduler; what it leaves out stands in harness.toml, or nowhere."""

    scheduler: str = ""
    certificates: str = ""
    insecure: bool = False

    def completed(self, root: Path) -> SchedulerOptions:
        """The options completed with `[places]` of harness.toml and the environment. Raises `HarnessError`."""
        table = read_project(root).places
        folder = self.certificates or os.environ.get(CERTIFICATES_VARIABLE, "")
        if not folder and table.certificates is not None:
            folder = str(root / table.certificates)
        return SchedulerOptions(self.scheduler or table.scheduler, folder, self.insecure)

    @property
    def elsewhere(self) -> bool:
        """Whether there is a scheduler to speak to."""
        return self.scheduler not in ("", NO_SCHEDULER)

    def address(self) -> SchedulerAddress:
        """Raises `HarnessError`."""
        if not self.elsewhere:
            raise HarnessError(
                "No scheduler is named; write --scheduler tls://HOST:PORT, or `scheduler` in [places] of harness.toml."
            )
        return SchedulerAddress.parse(self.scheduler)

    def trusted(self) -> Certificates | None:
        """Raises `HarnessError`."""
        return Certificates(Path(self.certificates).expanduser()).checked() if self.certificates else None


@contextmanager
def chosen_cases(
    selection: Selection, models: dict[str, ModelEntry], options: SchedulerOptions
) -> Iterator[list[Case]]:
    """The cases of a selection, on this machine or, where a scheduler is named, at its places. Prints on standard error
    what keeps machines and targets out. Raises `HarnessError`."""
    if not options.elsewhere:
        yield cases(selection, models, registry.targets(), registry.formats())
        return
    with open_places(options) as places:
        if not places.by_name:
            raise HarnessError(
                f"There is no place at {options.scheduler}; start `harness place --scheduler {options.scheduler}` on "
                "each machine that is to be one."
            )
        found = cases_at(places.by_name, selection, models, registry.targets(), registry.formats())
        for sentence in unavailable_notices(found):
            print(f"harness: {sentence}", file=sys.stderr)
        try:
            yield found
        finally:
            for place in places.by_name.values():
                place.release_idle()


@contextmanager
def open_places(options: SchedulerOptions) -> Iterator[Places]:
    """The places behind a scheduler. Prints on standard error which machines are no places. Raises `HarnessError`."""
    link = connected(options.address(), options.trusted(), insecure=options.insecure)
    try:
        places = Places(link)
        for sentence in refusals(places):
            print(f"harness: {sentence}", file=sys.stderr)
        yield places
    finally:
        link.close()


def list_places(options: SchedulerOptions, *, as_json: bool) -> int:
    """Print the places with their targets; 0 however few there are."""
    from harness.cli.inventory import console, plain_table

    with open_places(options.completed(project_root())) as places:
        found = list(places.by_name.values())
    rows = [
        {
            "place": place.name,
            "machines": len(place.members),
            "workers": place.workers,
            "machine": place.machine.model_dump(mode="json"),
            "targets": sorted(name for name, readiness in place.targets.items() if readiness.ready),
            "missing": {
                name: f"{readiness.missing}: {readiness.install}"
                for name, readiness in sorted(place.targets.items())
                if not readiness.ready
            },
        }
        for place in found
    ]
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    table = plain_table("place", "machines", "side by side", "processor", "targets")
    for place, row in zip(found, rows, strict=True):
        processor = f"{place.machine.cpu}, {place.machine.cores} cores"
        targets = ", ".join(sorted(name for name, readiness in place.targets.items() if readiness.ready))
        table.add_row(place.name, str(row["machines"]), str(row["workers"]), processor, targets or "none")
    console().print(table)
    return 0


def run_place(options: SchedulerOptions, name: str) -> None:
    """Be a place until interrupted. Raises `HarnessError`."""

    def say(text: str) -> None:
        print(f"harness: {text}", file=sys.stderr, flush=True)

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    complete = options.completed(project_root())
    signal.signal(signal.SIGTERM, stop)
    try:
        serve_place(complete.address(), complete.trusted(), name, say, insecure=complete.insecure)
    except KeyboardInterrupt:
        say("This place is closed.")


def write_certificates(folder: str, hosts: tuple[str, ...]) -> None:
    """Make a team's certificates and say which goes where. Raises `HarnessError`."""
    for path in make_certificates(Path(folder).expanduser(), hosts):
        print(path)
    print(
        "scheduler.pem and scheduler-key.pem go to the scheduler, place.pem and place-key.pem to every place and to "
        "whoever runs, ca.pem to all; ca-key.pem stays where it is. Whoever has a key can run code on every place."
    )

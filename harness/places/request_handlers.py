"""What a place does for an engine: one request, one answer, both JSON. Runs in the process that stands for the place.

An engine sends no code: a request names one of `ACTIONS`, and what it has to work on.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness import registry
from harness.errors import ANY_ERROR, Unavailable
from harness.paths import home_directory
from harness.places.content_store import ContentStore, Dropped
from harness.places.conversions import CONVERTERS, own_identity_of_conversion, perform_operation
from harness.places.identity import own_identity
from harness.places.messages import LATENCY, PARITY, error_message, to_json, unpack_job
from harness.process.warm import end_warm
from harness.run.exclusive import exclusive_machine, shared_machine
from harness.run.machine import this_machine
from harness.run.measure import measure_latency, measure_parity
from harness.target import Target

NAME_VARIABLE = "HARNESS_PLACE"
"""Names the place; the name of the host where it is not set."""

_PREPARING: dict[str, threading.Lock] = {}


def content_store() -> ContentStore:
    """Shared by all processes of this user."""
    return ContentStore(home_directory() / "places")


def place_name() -> str:
    return os.environ.get(NAME_VARIABLE) or platform.node().partition(".")[0] or "place"


def perform(request: str, content: bytes = b"") -> str:
    """Do what `request` asks; never raises. `content`: the bytes of a part of a file."""
    message: Mapping[str, Any] = json.loads(request)
    action = message["action"]
    try:
        if action == "receive":
            with shared_machine():
                content_store().receive(**message["file"], content=content)
            return to_json({})
        return to_json(ACTIONS[action](message))
    except ANY_ERROR as error:
        return to_json(error_message(error, f"The place's part of '{action}'"))


def describe(_message: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What this place is and has: a target is ready or says what is missing."""
    targets = {}
    for target in registry.installed_targets().values():
        readiness = target.probe()
        targets[target.name] = {
            "ready": readiness.ready,
            "missing": readiness.missing,
            "install": readiness.install,
        }
    return {
        "name": place_name(),
        "identity": own_identity().model_dump(),
        "machine": this_machine().model_dump(mode="json"),
        "host": _host(),
        "workers": os.cpu_count() or 1,
        "process": os.getpid(),
        "converter": own_identity_of_conversion(),
        "targets": targets,
    }


def _host() -> str:
    """Tells two machines apart: places on one machine are timed one after another."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return platform.node()


def _missing(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"missing": content_store().missing(message["digests"])}


def _set_up(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"fingerprint": _prepared(message["target"]).fingerprint()}


def _parity(message: Mapping[str, Any]) -> dict[str, Any]:
    def measure(target: Target, job: Any) -> dict[str, Any]:
        target.require_support(job.artifact)
        with shared_machine():
            return {"parity": PARITY.dump_python(measure_parity(job), mode="json")}

    return _with_job(message, measure)


def _latency(message: Mapping[str, Any]) -> dict[str, Any]:
    def measured(target: Target, job: Any) -> dict[str, Any]:
        with exclusive_machine(lambda _: None):
            return {"latency": LATENCY.dump_python(measure_latency(job), mode="json")}

    return _with_job(message, measured)


def _convert(message: Mapping[str, Any]) -> dict[str, Any]:
    files = content_store()
    try:
        return perform_operation(message, files, CONVERTERS.there())
    except Dropped as dropped:
        return {"missing": sorted({dropped.digest, *files.missing(message["files"].values())})}


def _read_file_part(message: Mapping[str, Any]) -> dict[str, Any]:
    part = content_store().part(message["digest"], message["offset"], message["count"])
    return {"content": base64.b64encode(part).decode("ascii")}


def _release_idle(_message: Mapping[str, Any]) -> dict[str, Any]:
    end_warm()
    CONVERTERS.release_idle()
    return {}


ACTIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "describe": describe,
    "missing": _missing,
    "set up": _set_up,
    "parity": _parity,
    "latency": _latency,
    "convert": _convert,
    "read": _read_file_part,
    "rest": _release_idle,
}


def _with_job(message: Mapping[str, Any], work: Callable[[Target, Any], dict[str, Any]]) -> dict[str, Any]:
    """The answer of `work`, with the target's fingerprint; where files were dropped meanwhile, which are missing."""
    target = _prepared(message["job"]["target"])
    files = content_store()
    try:
        with files.checked_out(message["files"]) as folder:
            answer = work(target, unpack_job(message["job"], folder))
    except Dropped as dropped:  # named though another case had it sent again meanwhile: who sends asks once more
        return {"missing": sorted({dropped.digest, *files.missing(message["files"].values())})}
    return {**answer, "fingerprint": target.fingerprint()}


def _prepared(name: str) -> Target:
    """A target that is ready and set up. Raises `Unavailable`."""
    target = registry.installed_targets().get(name)
    if target is None:
        raise Unavailable(
            f"The place '{place_name()}' has no target '{name}'; install the package that it is of there."
        )
    with shared_machine(), _PREPARING.setdefault(name, threading.Lock()):
        target.require()
        target.prepare()
    return target

"""LiteRT as a phone runs it, as a target: the aarch64 wheel on an emulated core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.artifact import Artifact
from harness.environment import Environment, environment
from harness.errors import HarnessError, Unavailable
from harness.target import DEFAULT_LIMITS, Readiness, Session, SessionTimeouts, Target

from ..load_request import load_request
from ..softmax_scale import known_crash
from ..weight_scales import passed_over
from . import qemu
from .absent_bias import deadly_layers
from .compiled import source_digest
from .cores import CORES, Core
from .counter import SOURCE, counter
from .guest import COUNTING, FIRST, GUESTS, MEMORY, GuestKind, memory
from .session import ArmSession
from .sysroot import SYSROOT
from .wheels import Wheels

_PLAIN = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"
_KIN = {
    ("litert", "AUTO"): "tflite/litert-xnnpack",
    ("litert", _PLAIN): "tflite/litert-builtin",
    ("litert", "BUILTIN_REF"): "tflite/litert-reference",
    ("tflite-runtime", "AUTO"): "tflite/tflite-runtime",
}
"""Targets that run the same runtime on this machine, which has a kernel for the same operators."""
_SLOWNESS = 5.0
"""How much longer than a processor an emulated one may take for the same, at least."""


class ArmTarget(Target):
    """A runtime package with one kernel family on one core. One thread: what a second one does, only a clock tells."""

    format = "tflite"
    timed = False
    simulated = True
    slot = "emulator"

    def __init__(
        self, name: str, runtime: str, resolver: str, environment: Environment, core: Core, variants: tuple[str, ...]
    ) -> None:
        self.name = name
        self.runtime = runtime
        self.resolver = resolver
        self.environment = environment
        self.core = core
        self.default_variants = variants
        self.predicted_by, self.predicted_values = _KIN.get((runtime, resolver), ""), False
        self.wheels = Wheels(environment)

    def probe(self) -> Readiness:
        """Ready where QEMU is; the rest comes on first use, where there is a Debian to take it from."""
        try:
            version, known, counted = qemu.version(), qemu.cores(), qemu.takes_plugins()
        except Unavailable as error:
            _, _, how = str(error).partition(": ")
            return Readiness(False, missing=qemu.PROGRAM, install=how.rstrip("."))
        if self.core.name not in known:
            how = f"install QEMU {self.core.since_qemu} or later"
            return Readiness(False, missing=f"{self.core.title} in QEMU {version}", install=how)
        if lacking := SYSROOT.lacking():
            return Readiness(False, missing=lacking, install="use a Debian, whose arm64 packages are taken")
        details = {
            "qemu": version,
            "core": self.core.title,
            **self.wheels.versions(),
            "arm64 system": "installed" if self.wheels.ready() else "installed on first use",
            **({} if counted else {"instructions": "not counted: this QEMU takes no plugin"}),
        }
        return Readiness(True, details=details)

    def prepare(self) -> None:
        self.wheels.python()
        counter()
        memory()

    def fingerprint(self) -> dict[str, str]:
        return {
            "qemu": _told(qemu.version),
            "core": self.core.name,
            **self.wheels.versions(),
            **SYSROOT.decisive(),
            "environment": self.wheels.digest(),
            "resolver": self.resolver,
            "threads": "1",
            "counter": source_digest(SOURCE, MEMORY, COUNTING, FIRST)[:16],
        }

    def with_fingerprint(self, changes: Mapping[str, str]) -> Target:
        """Another core, another resolver, other versions of its packages. What it was emulated with, and the Debian
        packages, are what is there now: nobody can have the old ones back."""
        fixed = {"environment", "counter", "qemu", *SYSROOT.decisive(), "libc6", "libstdc++6"}
        wanted = {key: value for key, value in changes.items() if key not in fixed}
        versions = self.wheels.versions()
        unknown = sorted(set(wanted) - set(versions) - {"core", "resolver"})
        if unknown:
            known = ", ".join(("core", "resolver", *versions))
            raise Unavailable(f"{self.name} has no {' or '.join(unknown)} to change; it has {known}.")
        core = CORES.get(wanted.get("core", self.core.name))
        if core is None:
            raise Unavailable(f"There is no core '{wanted['core']}'; there are {', '.join(CORES)}.")
        environment = self.environment
        if any(wanted.get(package, version) != version for package, version in versions.items()):
            # What is not named keeps its version, but for NumPy: an older runtime may need an older one.
            named = {package: wanted.get(package, version) for package, version in versions.items()}
            pins = [f"{name}=={version}" for name, version in named.items() if name in wanted or name != "numpy"]
            environment = Environment.from_pins(environment.name, pins, environment.python_versions)
        resolver = wanted.get("resolver", self.resolver)
        return ArmTarget(self.name, self.runtime, resolver, environment, core, self.default_variants)

    def unsupported_operators(self, artifact: Artifact) -> tuple[str, ...]:
        """Select-TF operators run in TensorFlow's own interpreter alone; a user's library of custom operators is built
        for this machine; some layers without a bias take down tflite-runtime; some kernels pass over
        weights' scales."""
        flex = ", ".join(operator for operator in artifact.operators if operator.startswith("Flex"))
        missing = known_crash(artifact.notes) if self.resolver == "BUILTIN_REF" else ()
        missing += passed_over(self.runtime, self.resolver, artifact)
        if flex:
            missing += (f"{flex} (TensorFlow's, for which the Flex delegate is needed)",)
        if self.runtime == "tflite-runtime" and self.resolver != "BUILTIN_REF":
            missing += deadly_layers(artifact)
        if artifact.custom_operators:
            missing += ("the custom operators of a library that is built for another processor",)
        return missing

    @contextmanager
    def open(self, artifact: Artifact, limits: SessionTimeouts = DEFAULT_LIMITS) -> Iterator[Session]:
        kind = GuestKind(self.core, self.runtime, self.wheels.python(), counter(), memory())
        slow = SessionTimeouts(limits.open_seconds * _SLOWNESS, limits.infer_seconds * _SLOWNESS)
        with GUESTS.borrowed(kind) as guest:
            guest.child.what = self.name
            request = load_request(artifact, self.runtime, self.resolver, 1)
            yield ArmSession(guest, artifact, request, slow, self.core.title, counts=kind.plugin is not None)


def _told(version: Any) -> str:
    try:
        return str(version())
    except HarnessError:
        return "none"


def arm_targets() -> list[Target]:
    """Every core; the default matrix takes an old one and a newer one, which run other kernels."""
    litert, old = environment("litert"), environment("tflite-runtime")
    usual = ("cortex-a53", "cortex-a76")
    found: list[Target] = []
    for name, core in CORES.items():
        variants = ("float32", "int8") if name in usual else ()
        found.append(ArmTarget(f"tflite/arm64-{name}", "litert", "AUTO", litert, core, variants))
        if name in usual:
            found.append(ArmTarget(f"tflite/arm64-{name}-builtin", "litert", _PLAIN, litert, core, ()))
            found.append(ArmTarget(f"tflite/arm64-{name}-tflite-runtime", "tflite-runtime", "AUTO", old, core, ()))
    return found

"""Holds one TFLite interpreter. Runs in a runtime's own environment under `harness/process/serve.py`.

Standard library, NumPy (1.x or 2.x), the runtime, `harness.ragged`, `signature.py` and `prefix_models.py` beside it.
A worker starts for every case: what few of them need is imported where it is needed.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import hashlib
import importlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from harness.ragged import stack_samples
from harness_targets.tflite.prefix_models import time_interleaved, write_prefix_model
from harness_targets.tflite.signature import of_signature, value_of

MODULES = {
    "litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "tensorflow": "tensorflow.lite.python.interpreter",
}


class Refused(Exception):
    """The runtime says that it cannot run this artifact."""

    harness_kind = "unsupported"


def refused(error: Exception) -> Refused:
    """What the runtime says, in one line."""
    import textwrap

    return Refused(textwrap.shorten(str(error), 500, placeholder="…"))


def status_bytes(field: str) -> int:
    """`VmRSS` or `VmHWM` of this process in bytes; 0 where the system does not say."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def interpreter_module(runtime: str) -> Any:
    """The module that has `Interpreter`. TensorFlow's is imported without the Python of the rest of TensorFlow, which
    takes seconds and has no part in it: interpreter and Flex delegate are extension modules."""
    if runtime != "tensorflow":
        return importlib.import_module(MODULES[runtime])
    spec = None if "tensorflow" in sys.modules else importlib.util.find_spec("tensorflow")
    if spec is not None:
        from importlib.metadata import version

        package = ModuleType("tensorflow")
        package.__path__ = list(spec.submodule_search_locations or ())
        package.__version__ = version("tensorflow")  # type: ignore[attr-defined]
        sys.modules["tensorflow"] = package
    try:
        importlib.import_module("tensorflow.python.pywrap_tensorflow")  # its operators and kernels, for Flex
        return importlib.import_module(MODULES[runtime])
    except ImportError:  # a release whose interpreter needs more of it
        for name in [name for name in sys.modules if name.partition(".")[0] == "tensorflow"]:
            del sys.modules[name]
        return importlib.import_module(MODULES[runtime])


def interpreter_of(module: Any, custom: dict[str, Any] | None) -> Any:
    """What makes an interpreter: with the operators of a user's library where there is one."""
    if not custom:
        return module.Interpreter
    ctypes.CDLL(custom["library"], mode=ctypes.RTLD_GLOBAL)
    return functools.partial(module.InterpreterWithCustomOps, custom_op_registerers=[custom["registerer"]])


@contextmanager
def collector_off() -> Iterator[None]:
    """Switches garbage collection off while something is timed."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Worker:
    """One interpreter and the operations that the engine asks of it."""

    def __init__(self) -> None:
        self.interpreter: Any = None
        self.made: Callable[[], Any] = lambda: None
        self.state_to_reset = "none"
        self.keeps_state = False
        self.inputs: list[dict[str, Any]] = []
        self.outputs: list[dict[str, Any]] = []
        self.parts: list[Worker] = []
        """The model cut after each of its operators, once their times were asked for."""
        self.memory_before = 0
        self.load_ns = 0

    def set_up(self, header: dict[str, Any]) -> None:
        """Say what `make` makes: a `.tflite` with `resolver` one of AUTO, BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        BUILTIN_REF."""
        module = interpreter_module(header["runtime"])
        resolver = getattr(module.OpResolverType, header["resolver"])
        self.state_to_reset, self.keeps_state = header["state_to_reset"], header["keeps_state"]

        def made() -> Any:
            interpreter = interpreter_of(module, header.get("custom_operators"))(
                model_path=header["path"],
                num_threads=header["threads"],
                experimental_op_resolver_type=resolver,
            )
            interpreter = of_signature(interpreter, header.get("signature", ""))
            for info, detail in zip(header["inputs"], interpreter.get_input_details(), strict=True):
                if list(detail["shape"]) != list(info["shape"]):
                    interpreter.resize_tensor_input(detail["index"], info["shape"])
            interpreter.allocate_tensors()
            return interpreter

        self.made = made

    def make(self, header: dict[str, Any]) -> None:
        """Make the interpreter, and find where its inputs and outputs are."""
        try:
            self.interpreter = self.made()
        except (RuntimeError, ValueError, OSError) as error:
            raise refused(error) from error
        self.inputs = [
            {**info, "slot": detail["index"]}
            for info, detail in zip(header["inputs"], self.interpreter.get_input_details(), strict=True)
        ]
        self.outputs = [
            {**info, "slot": detail["index"]}
            for info, detail in zip(header["outputs"], self.interpreter.get_output_details(), strict=True)
        ]

    def load(self, header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Load the file at `path`."""
        self.set_up(header)
        self.memory_before = status_bytes("VmRSS")
        start = time.perf_counter_ns()
        self.make(header)
        self.load_ns = time.perf_counter_ns() - start
        content = Path(header["path"]).read_bytes()
        return {
            "sha256": hashlib.sha256(content).hexdigest(),
            "inputs": [str(detail["name"]) for detail in self.interpreter.get_input_details()],
        }, {}

    def renew(self) -> None:
        """Fresh state, as after loading: variables are set back; what they do not reach needs another interpreter."""
        if self.state_to_reset == "variables":
            self.interpreter.reset_all_variables()
        elif self.state_to_reset == "resources":
            self.interpreter = self.made()

    def feed(self, tensors: dict[str, Any], sample: int) -> None:
        for info in self.inputs:
            self.interpreter.set_tensor(info["slot"], tensors[info["name"]][sample])

    def read(self) -> dict[str, Any]:
        return {info["name"]: value_of(self.interpreter, info["slot"]) for info in self.outputs}

    def invoke(self) -> None:
        try:
            self.interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise refused(error) from error

    def infer(self, _: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Every sample once, from fresh state unless they share it: arrays shaped (samples, *output shape),
        with their sizes where these depend on the data."""
        results: dict[str, list[Any]] = {info["name"]: [] for info in self.outputs}
        for sample in range(len(next(iter(tensors.values())))):
            self.renew()
            self.feed(tensors, sample)
            self.invoke()
            for name, value in self.read().items():
                results[name].append(value)
        return {}, {
            key: array for name, values in results.items() for key, array in stack_samples(name, values).items()
        }

    def time(self, header: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Invoke on the first sample again and again; each invocation is timed alone. Also the digests of the outputs
        before and after, which the engine compares: a fast wrong answer is not a latency."""
        self.renew()
        self.feed(tensors, 0)
        clock, invoke = time.perf_counter_ns, self.interpreter.invoke
        start = clock()
        self.invoke()
        first = clock() - start
        before = self.digest()
        samples = np.empty(header["max_iterations"], np.int64)
        count = 0
        with collector_off():
            begun = clock()
            enough, too_long = begun + int(header["min_seconds"] * 1e9), begun + int(header["max_seconds"] * 1e9)
            while count < len(samples):
                start = clock()
                invoke()
                end = clock()
                samples[count] = end - start
                count += 1
                if end > too_long or (count >= header["min_iterations"] and end > enough):
                    break
        if self.keeps_state:  # what it gave last follows from all that went before
            self.interpreter = self.made()
            self.feed(tensors, 0)
            self.invoke()
        return {
            "first_ns": first,
            "load_ns": self.load_ns,
            "stable_outputs": before == self.digest(),
            "clock_resolution_ns": time.get_clock_info("perf_counter").resolution * 1e9,
        }, {"samples_ns": samples[:count]}

    def time_operators(self, header: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Time the model cut after each of its operators on the one sample, in turns. `header`: as `write_prefix_model`
        takes it, and `about_seconds`. The parts stay loaded for the next call."""
        if not self.parts:
            self.parts = self.loaded_parts(header, tensors)
        for worker in self.parts:
            worker.feed(tensors, 0)
        with collector_off():
            times = time_interleaved([worker.interpreter.invoke for worker in self.parts], header["about_seconds"])
        return {}, {"times_ns": times}

    def loaded_parts(self, header: dict[str, Any], tensors: dict[str, Any]) -> list[Worker]:
        """An interpreter for each part of the model, which ran once."""
        import tempfile

        content = Path(header["path"]).read_bytes()
        workers = []
        with tempfile.TemporaryDirectory() as folder:
            for index in range(len(header["cuts"])):
                here = write_prefix_model(header, content, index, Path(folder, f"{index}.tflite"))
                worker = Worker()
                worker.set_up(here)
                worker.make(here)
                worker.feed(tensors, 0)
                worker.invoke()
                workers.append(worker)
        return workers

    def digest(self) -> str:
        return hashlib.sha256(b"".join(np.ascontiguousarray(v).tobytes() for v in self.read().values())).hexdigest()

    def footprint(self, _: dict[str, Any], __: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"peak_memory_bytes": max(0, status_bytes("VmHWM") - self.memory_before)}, {}


def handlers() -> dict[str, Any]:
    """The operations that the engine may ask for, by name."""
    worker = Worker()
    operations = (worker.load, worker.infer, worker.time, worker.footprint, worker.time_operators)
    return {operation.__name__: operation for operation in operations}

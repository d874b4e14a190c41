"""The child of a `FakeTarget`: real processes that really crash and hang, without any runtime.

The script is a dict from operation to behaviour: `ok`, `segfault`, `exit`, `hang`, `rubbish` (on standard output, then
ok), `garbage` (on the reply pipe), `refuse`, `nan`, `slow:SECONDS` (a sample), or `offset:VALUE`
(added to every output).
"""

import os
import signal
import sys
import time

import numpy as np


class Refused(Exception):
    harness_kind = "unsupported"


class Worker:
    def __init__(self):
        self.script = {}
        self.seen = 0
        self.samples_ns = []

    def load(self, header, _):
        self.script, self.samples_ns = header["script"], header["samples_ns"]
        self.behave("load")
        return {}, {}

    def behave(self, operation):
        behaviour = self.script.get(operation, "ok")
        if behaviour == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        if behaviour == "exit":
            print("the runtime lost its mind", file=sys.stderr, flush=True)
            os._exit(3)
        if behaviour == "hang":
            time.sleep(3600)
        if behaviour == "rubbish":
            print("MLRH\x00\xff rubbish " * 1000, flush=True)
        if behaviour == "garbage":
            os.write(int(sys.argv[2]), b"this is no frame at all, whatever it was meant to be")
            time.sleep(3600)
        if behaviour == "refuse":
            raise Refused("FROBNICATE is not an operator of this runtime")
        return behaviour

    def infer(self, _, tensors):
        behaviour = self.behave("infer")
        outputs = tensors["x"] * np.float32(2)
        if behaviour == "nan" and self.seen <= 3 < self.seen + len(outputs):
            outputs[3 - self.seen] = np.nan  # of the fourth sample, however they are dealt out
        if behaviour.startswith("slow:"):
            time.sleep(float(behaviour.removeprefix("slow:")) * len(outputs))
        self.seen += len(outputs)
        if behaviour.startswith("offset:"):
            outputs = outputs + np.float32(behaviour.removeprefix("offset:"))
        return {}, {"y": outputs}

    def time(self, header, _):
        self.behave("time")
        return {"first_ns": 5_000_000}, {"samples_ns": np.array(self.samples_ns, np.int64)}


def handlers():
    worker = Worker()
    return {"load": worker.load, "infer": worker.infer, "time": worker.time}

"""The gate's limits on the runtime edge, one for all models against those that each model sets: how many healthy
kernels each fails, and how many planted faults each finds.

`python tests/benchmarks/limits.py FILE.tflite …` (with `HARNESS_ENVIRONMENTS` where environments are kept): each file
on five kernel families, and with faults in its first, middle and last operator, against TensorFlow's reference kernels.
`FILE.tflite=INPUTS.npz` gives inputs as the file takes them, samples first; else they are drawn at random.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from harness import registry
from harness.artifact import TensorInfo
from harness.case_name import CaseName
from harness.environment import environment
from harness.gate.judge import EdgeRules, judge_edge
from harness.gate.policy import Policy
from harness.parity.comparison import compare
from harness.store.record import Conditioning

CHILD = Path(__file__).with_name("planted_operators.py")


def seen(model, samples, folder):
    """Arrays by side and output, what the file says of itself, and its conditioning."""
    output = folder / "seen.npz"
    command = [str(environment("converter").python()), str(CHILD), str(registry.formats()["tflite"].converter)]
    command += [str(model), str(samples), str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    with np.load(output, allow_pickle=False) as archive:
        document = json.loads(archive["document"].tobytes())
        arrays = {name: archive[name] for name in archive.files if name != "document"}
    return arrays, document["inspected"], Conditioning(**document["conditioning"])


def broken(actual, reference, infos, conditioning, scheme):
    """Whether a rule of the runtime edge is."""
    found = [compare(info.name, actual[info.name], reference[info.name], info, info) for info in infos]
    case = CaseName("model", f"{scheme}-ready", "tflite/target", format="tflite")
    samples = len(next(iter(actual.values())))
    checks = judge_edge(EdgeRules(Policy(), "runtime", case, conditioning, samples), found, samples)
    return any(not check.passed for check in checks), min(
        (one.sqnr_db for one in found if one.sqnr_db is not None), default=None
    )


def table(files):
    """Prints a line a model, and the sums."""
    sums = Counter()
    print(f"{'model':34} {'scheme':8} {'moves, dB':>9} {'healthy':>8}  healthy failed  faults found (of)")
    print(f"{'':34} {'':8} {'':>9} {'worst':>8}  {'old':>6} {'new':>6}  {'old':>6} {'new':>6}")
    with tempfile.TemporaryDirectory() as folder:
        none = Path(folder) / "none.npz"
        np.savez(none)
        for file in files:
            model, _, samples = file.partition("=")
            try:
                arrays, inspected, conditioning = seen(model, samples or none, Path(folder))
            except RuntimeError as error:
                print(f"{Path(model).stem[:34]:34} {str(error)[:90]}")
                continue
            infos = [TensorInfo(**info) for info in inspected["outputs"]]
            sides = {}
            for name, values in arrays.items():
                side, _, output = name.partition("/")
                sides.setdefault(side, {})[output] = values
            reference = sides.pop("reference")
            count, lowest = Counter(), []
            for side, outputs in sides.items():
                kind = side.partition(":")[0]
                old, _ = broken(outputs, reference, infos, None, inspected["scheme"])
                new, decibels = broken(outputs, reference, infos, conditioning, inspected["scheme"])
                count.update({kind: 1, f"{kind} old": old, f"{kind} new": new})
                if kind == "healthy" and decibels is not None:
                    lowest.append(decibels)
                if kind == "healthy" and (old or new):
                    print(f"  {side}: old {'fails' if old else 'passes'}, new {'fails' if new else 'passes'}")
                if kind == "fault" and old and not new:
                    print(f"  {side}: lost")
            moves = [one.sqnr_db for one in conditioning.outputs if one.sqnr_db is not None]
            print(
                f"{Path(model).stem[:34]:34} {inspected['scheme']:8} {min(moves, default=float('nan')):9.1f} "
                f"{min(lowest, default=float('nan')):8.1f}  {count['healthy old']:6} {count['healthy new']:6}  "
                f"{count['fault old']:6} {count['fault new']:6}  ({count['fault']})",
                flush=True,
            )
            sums += count
    print(
        f"healthy: {sums['healthy']}, failed by the old rule {sums['healthy old']}, by the new {sums['healthy new']}; "
        f"faults: {sums['fault']}, found by the old rule {sums['fault old']}, by the new {sums['fault new']}"
    )


if __name__ == "__main__":
    table(sys.argv[1:])

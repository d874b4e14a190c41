"""What LiteRT.js 2.5.3 says on the console, as it was seen in Chromium, in Node.js."""

import json
import shutil
import subprocess

import pytest

from harness_targets.litertjs.target import LiteRTJSTarget

pytestmark = pytest.mark.needs("node")

SCRIPT = """
import {heard} from './console_messages.mjs';
const lines = JSON.parse(process.argv[2]);
const say = {error: console.error, log: console.log};
console.error = console.log = () => {};  // the browser's own
const words = heard();
for (const [kind, line] of lines) console[kind](line);
const found = [words.partition(), words.warnings(), words.errors(), words.errors()];
say.log(JSON.stringify(found));
"""

QUIET = [
    ("error", "WARNING: [npu_registry.cc:34] NPU accelerator could not be loaded: kLiteRtStatusErrorInvalidArgument."),
    ("error", "INFO: [gpu_registry.cc:87] Statically linked GPU accelerator registered."),
    ("log", "INFO: Failed to load OpenCL library with dlopen: dynamic linking not enabled. Trying ICD loader."),
    ("log", "I1126 23:12:11.724000  755312 delegate_webgpu.cc:243] Created a WebGPU environment with provided device."),
    ("error", "INFO: Created TensorFlow Lite XNNPACK delegate for CPU."),
]
SPLIT = [
    ("error", "ERROR: Following operations are not supported by GPU delegate:"),
    ("error", "DENSIFY: Operation is not supported."),
    ("error", "DEQUANTIZE: "),
    ("error", "DEQUANTIZE: Dequantize for Densify is not supported"),
    ("error", "108 operations will run on the GPU, and the remaining 183 operations will run on the CPU."),
]
SPARSE = [("error", "WARNING: [model_load.cc:303] Sparsity tensors may not yet be fully supported.")]
REFUSED = [
    ("error", "ERROR: third_party/tensorflow/lite/kernels/kernel_util.cc Encountered a negative dimension."),
    ("error", "ERROR: Node number 3 (CONV_2D) failed to prepare."),
]
FAILED = [
    ("error", "ERROR: XNNPack delegate failed to reshape runtime"),
    ("error", "ERROR: [litert_compiled_model.cc:164] Failed to allocate tensors"),
    ("error", "ERROR: XNNPack delegate failed to reshape runtime"),
]


@pytest.mark.parametrize(
    ("lines", "partition", "warnings", "errors"),
    [
        (QUIET, "", "", ""),
        (
            [*QUIET, *SPARSE, *SPLIT],
            "108 operations will run on the GPU, and the remaining 183 operations will run on the CPU "
            "(DENSIFY: Operation is not supported; DEQUANTIZE: Dequantize for Densify is not supported)",
            "Sparsity tensors may not yet be fully supported",
            "",
        ),
        (FAILED, "", "", "XNNPack delegate failed to reshape runtime; Failed to allocate tensors"),
        (REFUSED, "", "", "Encountered a negative dimension; Node number 3 (CONV_2D) failed to prepare"),
        ([*SPLIT[:2], *FAILED[1:2]], "", "", "Failed to allocate tensors"),
    ],
    ids=["healthy", "split", "failed", "refused", "a list without an end"],
)
def test_what_is_split_warned_of_and_failed_at_is_heard(tmp_path, lines, partition, warnings, errors):
    shutil.copy(LiteRTJSTarget.page / "console_messages.mjs", tmp_path)
    (tmp_path / "script.mjs").write_text(SCRIPT)
    command = ["node", str(tmp_path / "script.mjs"), json.dumps(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [partition, warnings, errors, ""]

"""The page's own modules in Node.js, with a runtime that follows a script: what needs no browser to be seen."""

import json
import shutil
import subprocess
from pathlib import Path

from harness_targets.browser.target import PAGE

SURROUNDINGS = """
// One input of two float32 values; `posted` is what came back.
globalThis.addEventListener = () => {};
globalThis.posted = [];
globalThis.fetch = async (address, options) => {
  if (options?.method === 'POST') {
    posted.push(new Float64Array(await options.body.arrayBuffer()));
    return {ok: true};
  }
  const body = Float32Array.from({length: 2 * globalThis.samples}, (_, index) => index);
  return new Response(body, {headers: {'Content-Length': String(body.byteLength)}});
};
await import('./session.mjs');
const request = {inputs: [{name: 'x', shape: [2], dtype: 'float32'}], outputs: [], state: 'none'};
const session = globalThis.harness;
await session.open(request);
"""

RUNTIME = """
export const LACKS = [];
export const ARRAYS = {float32: Float32Array};
export const open = async () => ({details: {}, loaded: {files: {}, inputs: []}, milliseconds: 1});
export const buffers = [];
export const tensor = values => { buffers.push(new WeakRef(values.buffer)); return {values: Array.from(values)}; };
export const execute = async feeds => [{values: feeds[0].values.map(value => value * 2)}];
export const read = async result => Float32Array.from(result.values);
export const describe = () => ({shape: [2], dtype: 'float32'});
export const release = () => {};
export const dispose = () => {};
export const check = () => {};
export const renew = async () => {};
export const restart = async () => false;
export const alive = () => 0;
export const inUse = () => ({});
export const sizes = async () => ({});
"""


def in_node(folder: Path, script: str, runtime: str = RUNTIME, more: tuple[Path, ...] = ()) -> object:
    """What `script` leaves in `globalThis.result`, run after the session's modules with `session` opened. `runtime` is
    the family's module, `more` are modules to lie beside it."""
    for file in (*PAGE.glob("*.mjs"), *more):
        shutil.copy(file, folder)
    (folder / "runtime.mjs").write_text(runtime)
    (folder / "script.mjs").write_text(f"{SURROUNDINGS}{script}\nconsole.log(JSON.stringify(globalThis.result));\n")
    command = ["node", "--expose-gc", str(folder / "script.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])

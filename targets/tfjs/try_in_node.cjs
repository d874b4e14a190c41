// Runs a model once on TensorFlow.js's cpu and wasm backends, from the bundles that the page loads.
//   node try_in_node.cjs '{"model": FILE, "bundles": FOLDER, "library": "converter" or "layers", "inputs": […], "outputs": […]}'
// The library is the one that reads it: tf-converter a graph model, tf-layers a layers model. `inputs` have `tensor`,
// `dtype` and `shape`, their values come one after another by standard input; `outputs` are tensors.
// Prints JSON: {"kernels": [those that the cpu backend ran], "problems": {BACKEND: "what TensorFlow.js says"}, "outputs":
// {BACKEND: [{"shape", "dtype", "data": base64}, in the order asked for]}}; a backend without a problem ran the model.
'use strict';
const fs = require('fs');
const path = require('path');
const vm = require('vm');

console.log = console.warn;  // standard output is the answer's alone
const {model: file, bundles, library, inputs, outputs: wanted} = JSON.parse(process.argv[2]);
const ARRAYS = {float32: Float32Array, int32: Int32Array, bool: Uint8Array};
const body = fs.readFileSync(0);
// As a page loads them: scripts that find no `module` put what they have into the global `tf`. Of Node.js they use this,
// by the names under which the scripts look for it where there is no `module`.
Object.assign(globalThis, {require, __dirname: bundles, __filename: path.join(bundles, 'script.js'), fs, path});
Object.assign(globalThis, {perf_hooks: require('perf_hooks'), require$$4: require('os')});
for (const name of ['core', 'backend-cpu', 'backend-wasm', library].map(part => `tf-${part}.min.js`)) {
  vm.runInThisContext(fs.readFileSync(path.join(bundles, name), 'utf8'), {filename: name});
}
const tf = globalThis.tf;
tf.wasm.setWasmPaths(bundles + path.sep);

const described = JSON.parse(fs.readFileSync(file, 'utf8'));
const weightSpecs = described.weightsManifest.flatMap(group => group.weights);
const names = described.weightsManifest.flatMap(group => group.paths);
const content = Buffer.concat(names.map(name => fs.readFileSync(path.join(path.dirname(file), name))));
const weightData = content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength);

// The inputs by the names of their tensors, as the page feeds them.
function fed() {
  let offset = 0;
  return Object.fromEntries(inputs.map(({tensor, dtype, shape}) => {
    const bytes = shape.reduce((product, length) => product * length, 1) * ARRAYS[dtype].BYTES_PER_ELEMENT;
    const values = new ARRAYS[dtype](body.buffer.slice(body.byteOffset + offset, body.byteOffset + offset + bytes));
    offset += bytes;
    return [tensor, tf.tensor(values, shape, dtype)];
  }));
}

async function outputsOf(model, feeds) {
  if (library === 'layers') {
    const names = model.inputNames.length ? model.inputNames : Object.keys(feeds);  // a Sequential model has no names
    const results = [model.predict(names.length === 1 ? feeds[names[0]] : names.map(name => feeds[name]))].flat();
    return wanted.map(position => results[Number(position)]);
  }
  try {
    return model.execute(feeds, wanted);
  } catch (error) {
    // Graphs with control flow run asynchronously or not at all; TensorFlow.js says so at the first call.
    if (!/executeAsync\(\)/.test(error.message)) throw error;
    return model.executeAsync(feeds, wanted);
  }
}

async function attempt(backend) {
  if (!await tf.setBackend(backend)) throw new Error(`the ${backend} backend did not start`);
  const handler = {load: async () => ({...described, weightSpecs, weightData})};
  const model = await (library === 'layers' ? tf.loadLayersModel(handler) : tf.loadGraphModel(handler));
  const told = [];
  for (const output of [await outputsOf(model, fed())].flat()) {
    const values = await output.data();
    if (!ArrayBuffer.isView(values)) return null;  // text
    const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
    told.push({shape: output.shape, dtype: output.dtype, data});
  }
  return told;
}

async function main() {
  const {described: inWords} = await import(path.join(__dirname, '..', 'browser', 'page', 'errors.mjs'));
  const {LACKS} = await import(path.join(__dirname, 'page', 'lacks.mjs'));
  const kernels = new Set();
  const engine = tf.engine();
  const run = engine.runKernel;
  const problems = {};
  const outputs = {};
  for (const backend of ['cpu', 'wasm']) {
    engine.runKernel = function(name, ...rest) {
      if (backend === 'cpu') kernels.add(name);
      return run.call(this, name, ...rest);
    };
    try {
      outputs[backend] = await attempt(backend);
    } catch (error) {
      problems[backend] = inWords(error, LACKS).message;
    }
  }
  process.stdout.write(JSON.stringify({kernels: [...kernels].sort(), problems, outputs}));
}

main();

// Runs a graph model once on TensorFlow.js's cpu backend, from the bundles the page loads, and prints the
// kernels that it ran.
//   node kernels_used.cjs MODEL.json BUNDLES
// Prints JSON: {"kernels": […]}, or {"kernels": […so far], "error": "what TensorFlow.js says"}.
'use strict';
const fs = require('fs');
const path = require('path');
const vm = require('vm');

// As a page loads them: scripts that find no `module` put what they have into the global `tf`.
console.log = console.warn;  // standard output is the answer's alone
const [, , file, bundles] = process.argv;
globalThis.require = require;  // what they ask of Node.js itself
for (const name of ['tf-core.min.js', 'tf-backend-cpu.min.js', 'tf-converter.min.js']) {
  vm.runInThisContext(fs.readFileSync(path.join(bundles, name), 'utf8'), {filename: name});
}
const tf = globalThis.tf;

const kernels = new Set();
const engine = tf.engine();
const run = engine.runKernel;
engine.runKernel = function(name, ...rest) {
  kernels.add(name);
  return run.call(this, name, ...rest);
};

async function main() {
  const described = JSON.parse(fs.readFileSync(file, 'utf8'));
  const weightSpecs = described.weightsManifest.flatMap(group => group.weights);
  const names = described.weightsManifest.flatMap(group => group.paths);
  const content = Buffer.concat(names.map(name => fs.readFileSync(path.join(path.dirname(file), name))));
  const weightData = content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength);
  await tf.setBackend('cpu');
  const artifacts = {...described, weightSpecs, weightData};
  const model = await tf.loadGraphModel({load: async () => artifacts});
  const feeds = {};
  for (const input of model.inputs) {
    const shape = (input.shape || []).map(size => size === null || size < 0 ? 1 : size);
    // Ones for whole numbers: a count of none would leave a loop unentered.
    feeds[input.name] = input.dtype === 'int32' ? tf.ones(shape, 'int32') : tf.zeros(shape, input.dtype);
  }
  await model.executeAsync(feeds);
}

main().then(() => ({}), error => ({error: String(error && error.message || error)})).then(
    answer => process.stdout.write(JSON.stringify({kernels: [...kernels].sort(), ...answer})));

// Loads a TensorFlow.js layers model as a page would (tf.loadLayersModel), from the bundles that the page loads, and runs
// it once, on made-up inputs.
//   node layers_in_node.cjs MODEL.json BUNDLES
// Prints JSON: {"read": what the library understood, as a Keras description, "values": layer → some values of its first
// output (see `probed`), "outputs": some values of each output of the model} or {"error": "what TensorFlow.js says",
// "layer": the name of the layer that it says it of, where that can be told}.
'use strict';
const fs = require('fs');
const path = require('path');
const vm = require('vm');

// As a page loads them: scripts that find no `module` put what they have into the global `tf`.
console.log = console.warn;  // standard output is the answer's alone
const [, , file, bundles] = process.argv;
globalThis.require = require;  // what they ask of Node.js itself
for (const name of ['tf-core.min.js', 'tf-backend-cpu.min.js', 'tf-layers.min.js']) {
  vm.runInThisContext(fs.readFileSync(path.join(bundles, name), 'utf8'), {filename: name});
}
const tf = globalThis.tf;

const described = JSON.parse(fs.readFileSync(file, 'utf8'));

// The layer that is being called: an error comes from the innermost.
let called = '';
const {apply} = tf.layers.Layer.prototype;
tf.layers.Layer.prototype.apply = function(...given) {
  if (this.inputs === undefined) called = this.name;  // a model, which calls its layers
  const result = apply.apply(this, given);
  if (this.inputs === undefined) called = '';
  return result;
};

const said = error => String(error && error.message || error);

// The layer whose settings alone bring the same error about.
async function constructed(message) {
  const layers = entry => Array.isArray(entry.config.layers) ? entry.config.layers.flatMap(layers) : [entry];
  for (const {class_name, config} of layers(described.modelTopology.model_config ?? described.modelTopology)) {
    const alone = {class_name: 'Sequential', config: {name: 'alone', layers: [{class_name, config}]}};
    const found = await tf.models.modelFromJSON({modelTopology: alone}).then(() => '', said);
    if (found === message) return config.name;
  }
  return '';
}

async function main() {
  const weightSpecs = described.weightsManifest.flatMap(group => group.weights);
  const names = described.weightsManifest.flatMap(group => group.paths);
  const content = Buffer.concat(names.map(name => fs.readFileSync(path.join(path.dirname(file), name))));
  const weightData = content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength);
  await tf.setBackend('cpu');
  const model = await tf.loadLayersModel(
      {load: async () => ({modelTopology: described.modelTopology, weightSpecs, weightData})});
  const shapes = Object.values(described.userDefinedMetadata?.harness?.inputs ?? {});
  const given = model.inputs.map(({shape, dtype}, index) => madeUp(shapes[index] ?? shape.map(size => size ?? 1), dtype));
  const outputs = [model.predict(singly(given))].flat().map(output => probed(output.dataSync()));
  const layers = model.layers.filter(layer => layer.inputs === undefined && layer.getClassName() !== 'InputLayer');
  const firsts = layers.map(layer => [layer.getOutputAt(0)].flat()[0]);
  const results = [tf.model({inputs: model.inputs, outputs: singly(firsts)}).predict(singly(given))].flat();
  const values = Object.fromEntries(layers.map((layer, index) => [layer.name, probed(results[index].dataSync())]));
  return {read: model.toJSON(null, false), values, outputs};
}

const singly = many => many.length === 1 ? many[0] : many;

// The inputs and the choice of values that `layers_numbers.py` makes too.
function madeUp(shape, dtype) {
  const size = shape.reduce((product, length) => product * length, 1);
  const numbers = Array.from({length: size}, (_, index) => dtype === 'float32' ? Math.sin(index + 1) : index % 2);
  return tf.tensor(dtype === 'float32' ? new Float32Array(numbers) : numbers, shape, dtype);
}

function probed(values) {
  const step = Math.max(1, Math.floor(values.length / 64));
  return Array.from(values).filter((_, index) => index % step === 0).map(Number);
}

main().catch(async error => ({error: said(error), layer: called || await constructed(said(error))})).then(
    answer => process.stdout.write(JSON.stringify(answer)));

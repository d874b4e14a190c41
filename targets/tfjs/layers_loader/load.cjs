// Loads a TensorFlow.js layers model as a page would (tf.loadLayersModel) and runs it once on zeros.
//   node load.cjs MODEL.json NODE_MODULES_PARENT
// Prints JSON: {"inputs": […], "outputs": […]} or {"error": "what TensorFlow.js says"}.
'use strict';
const fs = require('fs');
const path = require('path');
const {createRequire} = require('module');

const [, , file, folder] = process.argv;
const load = createRequire(path.join(folder, 'package.json'));

async function main() {
  const tf = load('@tensorflow/tfjs-core');
  load('@tensorflow/tfjs-backend-cpu');
  const {loadLayersModel} = load('@tensorflow/tfjs-layers');
  const described = JSON.parse(fs.readFileSync(file, 'utf8'));
  const weightSpecs = described.weightsManifest.flatMap(group => group.weights);
  const shards = described.weightsManifest.flatMap(group => group.paths).map(
      name => fs.readFileSync(path.join(path.dirname(file), name)));
  const content = Buffer.concat(shards);
  const weightData = content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength);
  await tf.setBackend('cpu');
  const model = await loadLayersModel(
      {load: async () => ({modelTopology: described.modelTopology, weightSpecs, weightData})});
  const zeros = model.inputs.map(
      input => tf.zeros(input.shape.map(size => size === null ? 1 : size), input.dtype === 'string' ? 'float32' : input.dtype));
  const result = model.predict(zeros.length === 1 ? zeros[0] : zeros);
  const outputs = Array.isArray(result) ? result : [result];
  return {
    inputs: model.inputs.map(input => ({name: input.name, shape: input.shape, dtype: input.dtype})),
    outputs: outputs.map(output => ({shape: output.shape, dtype: output.dtype})),
  };
}

main().catch(error => ({error: String(error && error.message || error)})).then(
    answer => process.stdout.write(JSON.stringify(answer)));

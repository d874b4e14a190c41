// Runs the model of case.js by TensorFlow.js' public packages alone; compare.js says what came of it.
const ARRAYS = {float32: Float32Array, int32: Int32Array, bool: Uint8Array};

const bytesOf = base64 => Uint8Array.from(atob(base64), character => character.charCodeAt(0));
const valuesOf = ({dtype, data}) => new ARRAYS[dtype](bytesOf(data).buffer);

async function model({model, weights, layers}) {
  const handler = {
    load: () => tf.io.getModelArtifactsForJSON(
        model, async manifest => [manifest.flatMap(group => group.weights), weights.map(shard => bytesOf(shard).buffer)]),
  };
  return layers ? tf.loadLayersModel(handler) : tf.loadGraphModel(handler);
}

async function outputsOf(loaded, fault, sample) {
  const feeds = fault.inputs.map(({array, shape}) => tf.tensor(
      valuesOf(array).slice(sample * tf.util.sizeFromShape(shape), (sample + 1) * tf.util.sizeFromShape(shape)), shape, array.dtype));
  if (fault.layers) {
    const byName = Object.fromEntries(fault.inputs.map(({tensor}, place) => [tensor, feeds[place]]));
    const names = loaded.inputNames?.length ? loaded.inputNames : Object.keys(byName);
    const given = names.map(name => byName[name]);
    const results = [loaded.predict(given.length === 1 ? given[0] : given)].flat();
    return fault.outputs.map(({tensor}) => results[Number(tensor)]);
  }
  const byName = Object.fromEntries(fault.inputs.map(({tensor}, place) => [tensor, feeds[place]]));
  const names = fault.outputs.map(({tensor}) => tensor);
  try {
    return [loaded.execute(byName, names)].flat();
  } catch (error) {
    if (!/executeAsync\(\)/.test(error.message)) throw error;
    return [await loaded.executeAsync(byName, names)].flat();
  }
}

// What runs, in words, and the outputs of a sample: a typed array each.
async function start(fault) {
  const {setting} = fault;
  for (const [name, value] of Object.entries(setting.flags)) tf.env().set(name, value);
  if (setting.backend === 'wasm') {
    tf.wasm.setWasmPaths(setting.wasm_paths);
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  }
  if (!await tf.setBackend(setting.backend)) throw new Error(`this browser does not start the ${setting.backend} backend`);
  await tf.ready();
  const loaded = await model(fault);
  const infer = async sample => Promise.all((await outputsOf(loaded, fault, sample)).map(result => result.data()));
  return {says: `TensorFlow.js ${tf.version_core}, ${tf.getBackend()}`, infer};
}

// TensorFlow.js as the page's session drives it: a graph model or a layers model in one backend.
import * as backends from './backend.mjs';
import {PageError} from './errors.mjs';
import * as first from './first.mjs';
import {load} from './model.mjs';
import * as times from './times.mjs';

export {LACKS} from './lacks.mjs';
export const ARRAYS = {float32: Float32Array, int32: Int32Array, bool: Uint8Array};

let tf;
let model;
let request;
let active;
let asynchronous = false;
let watch = null;
export let gone = null;
let compileMilliseconds = null;
let executed = 0;

export async function open(asked) {
  request = asked;
  const {details, startMilliseconds} = await backends.load(request);
  active = details;
  tf = globalThis.tf;
  const {loaded, milliseconds, ...found} = await load(tf, request);
  model = request.layers ? endingIn(found.model, request.outputs.map(info => info.tensor)) : found.model;
  gone = backends.gone(tf, active.backend);
  if (onGpu()) watch = first.watched(tf.backend(), active.backend);
  if (first.inParallel(request)) await compileInParallel();
  return {details: active, loaded, milliseconds, startMilliseconds};
}

const onGpu = () => ['webgl', 'webgpu'].includes(active.backend);

async function compileInParallel() {
  const feeds = request.inputs.map(({shape, dtype}) => tf.zeros(shape, dtype));
  const milliseconds = await first.compiled(tf, request, () => execute(feeds));
  compileMilliseconds = milliseconds - watch.spent.upload;
  dispose(feeds);
  executed = 0;
  active = {...active, compilation: 'in parallel, before the first inference'};
}

// Up to the end of the first invocation: of its milliseconds, but for what was compiled in parallel before it.
export const firstParts = () => watch === null ? null : {
  compileMilliseconds: compileMilliseconds ?? watch.spent.compile,
  uploadMilliseconds: watch.spent.upload,
};

export const tensor = (values, {shape, dtype}) => tf.tensor(values, shape, dtype);
export const read = result => result.data();
export const describe = ({shape, dtype}) => ({shape, dtype});
export const dispose = feeds => feeds.forEach(feed => feed.dispose());
export const check = () => backends.checkInUse(tf, active.backend);
export const alive = () => tf.memory().numTensors;

// What does the work now: asked again each time, because a page may lose its backend after it was opened.
export const inUse = () => ({
  ...active,
  backend: tf.getBackend(),
  execution: request.layers ? 'predict' : asynchronous ? 'executeAsync' : 'execute',
});

export function renew() {
  if (request.state_to_reset !== 'none') model.resetStates();
}

// Whether there is state that was set back.
export function restart() {
  if (request.state === 'none') return false;
  model.resetStates();
  return true;
}

// Results that are an input, or a constant of the graph, are not the invocation's to end.
export function release(tensors, feeds) {
  const others = new Set([...feeds, ...(request.layers ? [] : Object.values(model.weights).flat())]);
  tensors.filter(result => !others.has(result)).forEach(result => result.dispose());
}

const LAYER = 'layer:';
const showsLayers = () => request.outputs.some(({tensor: name}) => name.startsWith(LAYER));
let resultPlaces;

// The model itself, or one with its layers and weights that gives the results of layers where these are asked for.
// TensorFlow.js gives a result that is asked for twice only once.
function endingIn(whole, names) {
  resultPlaces = names.map(Number);
  if (!showsLayers()) return whole;
  const of = name => name.startsWith(LAYER) ? [whole.getLayer(name.slice(LAYER.length)).output].flat()[0] : whole.outputs[Number(name)];
  const asked = names.map(of);
  const each = [...new Map(asked.map(result => [result.name, result])).values()];
  resultPlaces = asked.map(({name}) => each.findIndex(result => result.name === name));
  return tf.model({inputs: whole.inputs, outputs: each});
}

// A layers model takes its inputs in its own order, by the names of its input layers, and calls its outputs by position.
function predicted(byName) {
  const names = model.inputNames.length ? model.inputNames : Object.keys(byName);  // a Sequential model has no names
  const values = names.map(name => {
    if (!(name in byName)) throw new PageError('failed', `the layers model has an input '${name}' that the artifact lacks`);
    return byName[name];
  });
  const results = [model.predict(values.length === 1 ? values[0] : values)].flat();
  return resultPlaces.map(place => results[place]);
}

export async function execute(feeds) {
  if (executed++ === 1) watch?.end();
  const byName = Object.fromEntries(request.inputs.map((info, position) => [info.tensor, feeds[position]]));
  if (request.layers) return predicted(byName);
  const outputs = request.outputs.map(info => info.tensor);
  if (!asynchronous) {
    try {
      return [model.execute(byName, outputs)].flat();
    } catch (error) {
      // Graphs with control flow run asynchronously or not at all; TensorFlow.js says so at the first call.
      if (!/executeAsync\(\)/.test(error.message)) throw error;
      asynchronous = true;
    }
  }
  return [await model.executeAsync(byName, outputs)].flat();
}

export const inside = (feeds, asked) =>
  times.inside(tf, active.backend, feeds, {execute, release, isSynchronous: () => !asynchronous}, asked);

// Bytes of all tensors: at rest (the weights) and at the highest point of one invocation; of the GPU's memory, in use and
// with what is kept for later; and how many kernels one invocation runs.
export async function sizes(feeds) {
  const profile = await tf.profile(async () => release(await execute(feeds), feeds));
  const inputs = feeds.reduce((sum, feed) => sum + feed.size * ARRAYS[feed.dtype].BYTES_PER_ELEMENT, 0);
  const heap = active.backend === 'wasm' ? {wasm_heap_bytes: tf.backend().wasm.HEAPU8.byteLength} : {};
  const {numBytes, numBytesInGPU, numBytesInGPUAllocated, numBytesAllocatedInGPU} = tf.memory();
  const gpu = {gpu_bytes: numBytesInGPU, gpu_allocated_bytes: numBytesInGPUAllocated ?? numBytesAllocatedInGPU};
  return {
    tensor_bytes: numBytes - inputs,
    peak_memory_bytes: profile.peakBytes,
    kernels: profile.kernels.filter(times.isKernel).length,
    ...heap,
    ...(onGpu() ? gpu : {}),
  };
}

// One artifact in one backend, driven from outside through `harness`. Tensors travel as bytes over HTTP; what is called
// and returned here is small.
import * as artifacts from './artifact.mjs';
import * as backends from './backend.mjs';
import {PageError, described} from './errors.mjs';

const ARRAYS = {float32: Float32Array, int32: Int32Array, bool: Uint8Array};

let tf;
let model;
let layers;
let renewed;
let keepsState;
let active;
let loadMilliseconds;
let firstMilliseconds = null;
let asynchronous = false;

// What does the work now: asked again each time, because a page may lose its backend after it was opened.
const inUse = () => ({...active, backend: tf.getBackend()});

async function open(request) {
  active = await backends.load(request);
  tf = globalThis.tf;
  layers = request.layers;
  renewed = request.renewed !== 'none';
  keepsState = request.state !== 'none';
  let loaded;
  ({model, loaded, milliseconds: loadMilliseconds} = await artifacts.load(tf, request));
  return {details: active, loaded};
}

// `inputs`: tensor, dtype and shape of each; in the body, each is all its samples one after another.
async function fetched(inputs, samples) {
  const body = await (await fetch('../samples')).arrayBuffer();
  let offset = 0;
  const blocks = inputs.map(({tensor, dtype, shape}) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const bytes = size * samples * ARRAYS[dtype].BYTES_PER_ELEMENT;
    const values = new ARRAYS[dtype](body.slice(offset, offset + bytes));
    offset += bytes;
    return {tensor, sample: index => tf.tensor(values.subarray(index * size, (index + 1) * size), shape, dtype)};
  });
  if (offset !== body.byteLength) throw new PageError('failed', 'the samples are not as long as their description');
  return index => Object.fromEntries(blocks.map(({tensor, sample}) => [tensor, sample(index)]));
}

// Results that are an input, or a constant of the graph, are not the invocation's to end.
function disposeResults(tensors, feeds) {
  const others = new Set([...Object.values(feeds), ...(layers ? [] : Object.values(model.weights).flat())]);
  tensors.filter(tensor => !others.has(tensor)).forEach(tensor => tensor.dispose());
}

const disposeAll = feeds => Object.values(feeds).forEach(tensor => tensor.dispose());

// A layers model takes its inputs in its own order, by the names of its input layers, and calls its outputs by position.
function predicted(feeds, outputs) {
  const names = model.inputNames.length ? model.inputNames : Object.keys(feeds);  // a Sequential model has no names
  const values = names.map(name => {
    if (!(name in feeds)) throw new PageError('failed', `the layers model has an input '${name}' that the artifact lacks`);
    return feeds[name];
  });
  const results = [model.predict(values.length === 1 ? values[0] : values)].flat();
  return outputs.map(position => results[Number(position)]);
}

async function executed(feeds, outputs) {
  if (layers) return predicted(feeds, outputs);
  if (!asynchronous) {
    try {
      return [model.execute(feeds, outputs)].flat();
    } catch (error) {
      // Graphs with control flow run asynchronously or not at all; TensorFlow.js says so at the first call.
      if (!/executeAsync\(\)/.test(error.message)) throw error;
      asynchronous = true;
    }
  }
  return [await model.executeAsync(feeds, outputs)].flat();
}

// One invocation, timed until every output's data is here: a GPU's call returns long before its work is done.
async function invoked(feeds, outputs) {
  const start = performance.now();
  const tensors = await executed(feeds, outputs);
  const values = await Promise.all(tensors.map(tensor => tensor.data()));
  const milliseconds = performance.now() - start;
  backends.checkInUse(tf, active.backend);
  firstMilliseconds ??= milliseconds;
  const shapes = tensors.map(({shape, dtype}) => ({shape, dtype}));
  disposeResults(tensors, feeds);
  return {milliseconds, values, shapes};
}

async function posted(parts) {
  const response = await fetch('../results', {method: 'POST', body: new Blob(parts)});
  if (!response.ok) throw new PageError('failed', `the results were refused (HTTP ${response.status})`);
}

// Posts, output after output, every sample's values; returns dtype and shape of one sample's, and in `sizes` the shapes of
// all samples, output after output, where they depend on the data.
async function infer({inputs, outputs, samples}) {
  const feed = await fetched(inputs, samples);
  const columns = outputs.map(() => []);
  const shapes = [];
  for (let index = 0; index < samples; index++) {
    const feeds = feed(index);
    if (renewed) model.resetStates();
    const result = await invoked(feeds, outputs);
    disposeAll(feeds);
    shapes.push(result.shapes);
    result.values.forEach((values, column) => columns[column].push(values));
  }
  await posted(columns.flat());
  const varies = shapes.some(found => JSON.stringify(found) !== JSON.stringify(shapes[0]));
  return {outputs: shapes[0], sizes: varies ? outputs.map((_, column) => shapes.map(found => found[column].shape)) : null};
}

const same = (one, other) => one.every((values, index) => {
  const [a, b] = [values, other[index]].map(array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return a.length === b.length && a.every((byte, position) => byte === b[position]);
});

// Posts the milliseconds of each invocation as float64. Inputs stay where the first invocation put them.
async function time({inputs, outputs, minIterations, minSeconds, maxIterations, maxSeconds}) {
  const feeds = (await fetched(inputs, 1))(0);
  if (keepsState) model.resetStates();
  const before = await invoked(feeds, outputs);
  let last = before;
  const samples = [];
  const tensors = tf.memory().numTensors;
  const begun = performance.now();
  while (samples.length < maxIterations) {
    last = await invoked(feeds, outputs);
    samples.push(last.milliseconds);
    const seconds = (performance.now() - begun) / 1000;
    if (seconds >= maxSeconds || (samples.length >= minIterations && seconds >= minSeconds)) break;
  }
  const leaked = tf.memory().numTensors - tensors;
  if (keepsState) {  // what it gave last follows from all that went before
    model.resetStates();
    last = await invoked(feeds, outputs);
  }
  disposeAll(feeds);
  await posted([Float64Array.from(samples)]);
  return {
    firstMilliseconds,
    loadMilliseconds,
    clockMilliseconds: clockStep(),
    stable: same(before.values, last.values),
    details: {...inUse(), execution: layers ? 'predict' : asynchronous ? 'executeAsync' : 'execute', tensors_leaked: String(leaked)},
  };
}

// The smallest step that this page's clock was seen to take, in milliseconds.
function clockStep() {
  let smallest = Infinity;
  for (let found = 0, last = performance.now(); found < 50;) {
    const now = performance.now();
    if (now > last) {
      smallest = Math.min(smallest, now - last);
      last = now;
      found++;
    }
  }
  return smallest;
}

// Bytes of all tensors: at rest (the weights) and at the highest point of one invocation, on one sample.
async function footprint({inputs, outputs}) {
  const feeds = (await fetched(inputs, 1))(0);
  const profile = await tf.profile(async () => {
    disposeResults(await executed(feeds, outputs), feeds);
  });
  disposeAll(feeds);
  const heap = active.backend === 'wasm' ? {wasm_heap_bytes: tf.backend().wasm.HEAPU8.byteLength} : {};
  const figures = {tensor_bytes: tf.memory().numBytes, peak_memory_bytes: profile.peakBytes, ...heap};
  return {figures, details: inUse()};
}

const answered = operation => async request => {
  try {
    return await operation(request);
  } catch (error) {
    console.error(error?.stack ?? error);
    return {problem: described(error)};
  }
};

globalThis.harness = Object.fromEntries(
    Object.entries({open, infer, time, footprint}).map(([name, operation]) => [name, answered(operation)]));

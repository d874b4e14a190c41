// Of the way to the first result: what is compiling, and what is laying weights and inputs into the GPU's memory.
import {PageError} from './errors.mjs';

// What makes a backend compile and compute nothing: its programs are then compiled side by side.
const COMPILE_ONLY = {webgl: 'ENGINE_COMPILE_ONLY', webgpu: 'WEBGPU_ENGINE_COMPILE_ONLY'};

export const inParallel = ({backend, environmentFlags}) => environmentFlags[COMPILE_ONLY[backend]] === true;

// The flags that are set for good: the one above is on only while programs are compiled.
export const lasting = ({backend, environmentFlags}) =>
  Object.entries(environmentFlags).filter(([name]) => name !== COMPILE_ONLY[backend]);

// Counts from now on, on the page's own thread, each time without what is counted within it. `end` gives the backend its
// own functions back. WebGL waits there for a program; WebGPU makes its pipelines elsewhere and says nothing of them.
export function watched(backend, name) {
  const spent = {compile: name === 'webgl' ? 0 : null, upload: 0};
  const within = [];
  const counted = (kind, work) => {
    const start = performance.now();
    within.push(0);
    try {
      return work();
    } finally {
      const whole = performance.now() - start;
      spent[kind] += whole - within.pop();
      if (within.length) within[within.length - 1] += whole;
    }
  };
  const {uploadToGPU, getAndSaveBinary} = backend;
  backend.uploadToGPU = (...given) => counted('upload', () => uploadToGPU.apply(backend, given));
  if (name === 'webgl') {
    backend.getAndSaveBinary = (key, make) => getAndSaveBinary.call(backend, key, () => counted('compile', make));
  }
  const end = () => {
    delete backend.uploadToGPU;
    delete backend.getAndSaveBinary;
  };
  return {spent, end};
}

// Compiles all programs of an invocation side by side; `execute` gives its results, which hold nothing. Returns the
// milliseconds until the last is there.
export async function compiled(tf, {backend, state}, execute) {
  if (state !== 'none') {
    throw new PageError('unsupported', 'compiling in parallel computes nothing, and this model would keep that as its state');
  }
  const start = performance.now();
  tf.env().set(COMPILE_ONLY[backend], true);
  try {
    const results = await execute();
    await tf.backend().checkCompileCompletionAsync();
    if (backend === 'webgl') tf.backend().getUniformLocations();
    tf.dispose(results);
  } finally {
    tf.env().set(COMPILE_ONLY[backend], false);
  }
  return performance.now() - start;
}

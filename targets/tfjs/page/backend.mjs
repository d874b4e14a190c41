// Loads one TensorFlow.js backend and says what really runs: a silent fallback would measure something else.
import {PageError} from './errors.mjs';
import {lasting} from './first.mjs';
import {adapter, adapterName, contextGone, deviceGone, rendered, surroundings, wasmFiles, webglName} from './in_use.mjs';

function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    element.src = address;
    element.onload = resolve;
    element.onerror = () => reject(new PageError('failed', `the page could not load ${address.split('/').pop()}`));
    document.head.append(element);
  });
}

// `backend`: cpu, wasm, webgl or webgpu. `scripts`: names below `../bundle/`, in order. `threaded`: whether wasm takes its
// binary with threads (it then starts half as many as there are logical cores). `renderer`: what draws, where this page is
// told something else. Returns what is active, in strings, and the milliseconds that the backend took to start.
export async function load(request) {
  const {backend, scripts, threaded, renderer} = request;
  if (!crossOriginIsolated) throw new PageError('failed', 'the page is not cross-origin isolated');
  for (const name of scripts) await script(`../bundle/${name}`);
  const tf = globalThis.tf;
  for (const [name, value] of lasting(request)) {
    try {
      tf.env().set(name, value);
    } catch {
      throw new PageError('failed', `TensorFlow.js ${tf.version_core} has no flag ${name} with ${backend}`);
    }
  }
  if (backend === 'wasm') {
    tf.wasm.setWasmPaths(new URL('../bundle/', location.href).href);
    if (!threaded) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  }
  if (backend === 'webgpu' && !navigator.gpu) throw new PageError('unsupported', 'this browser has no WebGPU');
  if (backend === 'webgpu') await adapter();  // until there is one, the backend does not start
  const start = performance.now();
  // Where a backend does not start, `tf.ready()` falls back to the next one that is registered, and says nothing.
  if (!await tf.setBackend(backend)) {
    const fallback = await tf.ready().then(() => tf.getBackend(), () => 'nothing');
    throw new PageError('failed',
        `this browser did not start the ${backend} backend; TensorFlow.js falls back to ${fallback}`);
  }
  await tf.ready();
  const startMilliseconds = performance.now() - start;
  checkInUse(tf, backend);
  const details = {
    backend: tf.getBackend(),
    tfjs: tf.version_core,
    ...surroundings(),
    ...await particulars(tf, backend, threaded, renderer),
  };
  return {details, startMilliseconds};
}

// Refused once what computes is gone; null of a backend that cannot go alone.
export function gone(tf, backend) {
  if (backend === 'webgl') return contextGone(tf.backend().gpgpu.gl);
  return backend === 'webgpu' ? deviceGone(tf.backend().device) : null;
}

// Throws where another backend than `backend` does the work, or where its WebGL context is gone: TensorFlow.js goes on all
// the same, and gives numbers that nothing computed.
export function checkInUse(tf, backend) {
  if (tf.getBackend() !== backend) {
    throw new PageError('failed', `the ${backend} backend was asked for and ${tf.getBackend()} did the work`);
  }
  if (backend === 'webgl' && tf.backend().gpgpu.gl.isContextLost()) {
    throw new PageError('failed', 'the browser took the WebGL context away, so that nothing computed the outputs');
  }
}

async function particulars(tf, backend, threaded, renderer) {
  if (backend === 'wasm') {
    const [simd, multithread] = await Promise.all(
        ['WASM_HAS_SIMD_SUPPORT', 'WASM_HAS_MULTITHREAD_SUPPORT'].map(flag => tf.env().getAsync(flag)));
    if (!simd) throw new PageError('unsupported', 'this browser has no WebAssembly SIMD');
    if (multithread !== threaded) throw new PageError('unsupported', 'this browser has no WebAssembly threads');
    return {
      wasm_simd: String(simd),
      wasm_file: wasmFiles(),
      wasm_threads: String(threaded ? tf.wasm.getThreadsCount() : 1),
    };
  }
  if (backend === 'webgl') {
    const bits = tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED') ? '32' : '16';
    return {...rendered(renderer || webglName(tf.backend().gpgpu.gl)), float_bits: bits};
  }
  if (backend === 'webgpu') {
    const info = tf.backend().device.adapterInfo ?? (await navigator.gpu.requestAdapter()).info;
    return rendered(adapterName(info));
  }
  return {};
}

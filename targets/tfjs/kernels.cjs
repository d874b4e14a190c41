// Prints, as JSON, what the installed TensorFlow.js can run: `kernels` (backend → the kernels it registers) and
// `operators` (graph operator → the one kernel it comes down to) and `classes` (what the layers library registers). Run
// once at installation, in the folder that holds node_modules. An operator whose way to a kernel branches is left out:
// nothing is claimed about it.
'use strict';
const fs = require('fs');
const path = require('path');
const {createRequire} = require('module');

const load = createRequire(path.join(process.cwd(), 'package.json'));
const tf = load('@tensorflow/tfjs-core');
const folder = path.join(process.cwd(), 'node_modules', '@tensorflow');

const kernels = {};
for (const backend of ['cpu', 'wasm', 'webgl', 'webgpu']) {
  load(`@tensorflow/tfjs-backend-${backend}`);
  kernels[backend] = tf.getKernelsForBackend(backend).map(kernel => kernel.kernelName).sort();
}

// Public function → kernel, for functions whose source runs exactly one kernel, by name.
const functions = {};
for (const file of fs.readdirSync(path.join(folder, 'tfjs-core/dist/ops'))) {
  if (!file.endsWith('.js') || file.endsWith('_test.js')) continue;
  const source = fs.readFileSync(path.join(folder, 'tfjs-core/dist/ops', file), 'utf8');
  const exported = [...source.matchAll(/^export const (\w+) = \/\* @__PURE__ \*\/ op\(/gm)].map(match => match[1]);
  const run = new Set([...source.matchAll(/ENGINE\.runKernel\((\w+)/g)].map(match => match[1]));
  if (exported.length === 1 && run.size === 1) {
    const kernel = tf[[...run][0]];
    if (typeof kernel === 'string') functions[exported[0]] = kernel;
  }
}

const operators = {};
const executors = path.join(folder, 'tfjs-converter/dist/operations/executors');
for (const file of fs.readdirSync(executors)) {
  if (!file.endsWith('_executor.js')) continue;
  const source = fs.readFileSync(path.join(executors, file), 'utf8');
  for (const block of source.matchAll(/((?:^\s+case '\w+':\s*)+)([\s\S]*?)(?=^\s+(?:case '|default:))/gm)) {
    const called = new Set([...block[2].matchAll(/\bops\.([\w.]+)\(/g)].map(match => match[1]));
    const kernel = called.size === 1 ? functions[[...called][0]] : undefined;
    if (kernel === undefined) continue;
    for (const name of block[1].matchAll(/'(\w+)'/g)) operators[name[1]] = kernel;
  }
}

load('@tensorflow/tfjs-layers');
const classes = Object.keys(tf.serialization.SerializationMap.getMap().classNameMap).sort();

process.stdout.write(JSON.stringify({kernels, operators, classes}));

// Fetches an artifact, checks every byte of it, and loads it: flipped bytes would load silently and give wrong numbers.
import {PageError} from './errors.mjs';

async function checked({path, bytes, sha256}) {
  const response = await fetch(`../artifact/${path}`);
  if (!response.ok) throw new PageError('failed', `${path} is missing from the artifact`);
  const content = await response.arrayBuffer();
  if (content.byteLength !== bytes) {
    throw new PageError('failed', `${path} is ${content.byteLength} bytes long and should be ${bytes}: convert it again`);
  }
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  const found = Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256) {
    throw new PageError('failed', `${path} is not what was converted (SHA-256 ${found.slice(0, 12)}…): convert it again`);
  }
  return {content, sha256: found};
}

// A path as the artifact's files are called: models name './weights.bin' too.
const normal = path => path.split('/').filter(part => part !== '' && part !== '.').join('/');

// `files`: path, bytes and sha256 of each; `entry`: the path of model.json; `layers`: whether it is a layers model. Returns
// the model, the milliseconds that loading took, from bytes in memory to a model ready to run (the network is not the
// runtime), and what was loaded: the SHA-256 of each file that the library took, and its own names of the inputs.
export async function load(tf, {files, entry, layers}) {
  const contents = new Map();
  const asked = new Set();
  const hashes = {};
  for (const file of files) {
    const {content, sha256} = await checked(file);
    contents.set(file.path, content);
    hashes[file.path] = sha256;
  }
  const json = JSON.parse(new TextDecoder().decode(contents.get(entry)));
  const handler = {
    load: () => tf.io.getModelArtifactsForJSON(json, async manifest => {
      const shards = manifest.flatMap(group => group.paths.map(normal).map(path => {
        if (!contents.has(path)) throw new PageError('failed', `${path} is missing from the artifact`);
        asked.add(path);
        return contents.get(path);
      }));
      return [manifest.flatMap(group => group.weights), shards];
    }),
  };
  const start = performance.now();
  const model = await (layers ? tf.loadLayersModel(handler) : tf.loadGraphModel(handler));
  const milliseconds = performance.now() - start;
  // Of the files those that the library asked for; a Sequential model has no names.
  const opened = Object.fromEntries([entry, ...asked].map(path => [path, hashes[path]]));
  const inputs = layers ? model.inputNames : model.inputs.map(({name}) => name);
  return {model, milliseconds, loaded: {files: opened, inputs}};
}

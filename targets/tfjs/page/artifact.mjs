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
  return content;
}

// `files`: path, bytes and sha256 of each; `entry`: the path of model.json; `layers`: whether it is a layers model. Returns
// the model and the milliseconds that loading took, from bytes in memory to a model ready to run (the network is not the
// runtime).
export async function load(tf, {files, entry, layers}) {
  const contents = new Map();
  for (const file of files) contents.set(file.path, await checked(file));
  const json = JSON.parse(new TextDecoder().decode(contents.get(entry)));
  const handler = {
    load: () => tf.io.getModelArtifactsForJSON(json, async manifest => {
      const shards = manifest.flatMap(group => group.paths.map(path => {
        if (!contents.has(path)) throw new PageError('failed', `${path} is missing from the artifact`);
        return contents.get(path);
      }));
      return [manifest.flatMap(group => group.weights), shards];
    }),
  };
  const start = performance.now();
  const model = await (layers ? tf.loadLayersModel(handler) : tf.loadGraphModel(handler));
  return {model, milliseconds: performance.now() - start};
}

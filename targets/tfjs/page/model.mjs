// Loads a TensorFlow.js model from the files of an artifact.
import {PageError} from './errors.mjs';
import {fetched} from './files.mjs';

// A path as the artifact's files are called: models name './weights.bin' too.
const normal = path => path.split('/').filter(part => part !== '' && part !== '.').join('/');

// `files`: path, bytes and sha256 of each; `entry`: the path of model.json; `layers`: whether it is a layers model. Returns
// the model, the milliseconds that loading took, from bytes in memory to a model ready to run (the network is not the
// runtime), and what was loaded: the SHA-256 of each file that the library took, and its own names of the inputs.
export async function load(tf, {files, entry, layers}) {
  const {contents, hashes} = await fetched(files);
  const asked = new Set();
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
  const model = await (layers ? tf.loadLayersModel(handler) : tf.loadGraphModel(handler)).catch(error => {
    const layer = /^Unknown layer: (\w+)/.exec(error.message);  // a paragraph follows
    throw layer ? new PageError('unsupported', `TensorFlow.js has no layer ${layer[1]}`) : error;
  });
  const milliseconds = performance.now() - start;
  // Of the files those that the library asked for; a Sequential model has no names.
  const opened = Object.fromEntries([entry, ...asked].map(path => [path, hashes[path]]));
  const inputs = layers ? model.inputNames : model.inputs.map(({name}) => name);
  return {model, milliseconds, loaded: {files: opened, inputs}};
}

// TensorFlow.js's own words for what it cannot do, and what is said in their place.
export const LACKS = [
  [/Kernel '([^']+)' not registered for backend '([^']+)'/, found => `the ${found[2]} backend has no kernel ${found[1]}`],
  [/Unknown op '([^']+)'/, found => `TensorFlow.js has no operator ${found[1]}`],
  [/Custom op (\S+) is not registered/, found => `TensorFlow.js has no operator ${found[1]}`],
  [/Unknown dtype (\w+)/, found => `this backend of TensorFlow.js has no tensors of type ${found[1]}`],
  [/\S+ only supports rank-1 bias but got rank.*/, found => `${found[0]} (an addition that the converter took for a bias)`],
  [/Cannot read properties of undefined \(reading 'backend'\)|can't access property "backend", \S+ is undefined/,
    () => 'TensorFlow.js used a tensor that it had disposed of, as its loops do on the wasm backend'],
  [/Requested texture size .* greater than WebGL maximum.*/, found => found[0]],
];

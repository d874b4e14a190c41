// What can go wrong in the page, as the kinds that the engine knows: 'unsupported' names an operator or a limit of this
// runtime, 'failed' is anything else.

export class PageError extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

// TensorFlow.js's own words for what it cannot do. Everything else is a failure, not a lack.
const LACKS = [
  [/Kernel '([^']+)' not registered for backend '([^']+)'/, found => `the ${found[2]} backend has no kernel ${found[1]}`],
  [/Unknown op '([^']+)'/, found => `TensorFlow.js has no operator ${found[1]}`],
  [/Custom op (\S+) is not registered/, found => `TensorFlow.js has no operator ${found[1]}`],
  [/Unknown dtype (\w+)/, found => `this backend of TensorFlow.js has no tensors of type ${found[1]}`],
  [/\S+ only supports rank-1 bias but got rank.*/, found => `${found[0]} (an addition that the converter took for a bias)`],
  [/Cannot read properties of undefined \(reading 'backend'\)|can't access property "backend", \S+ is undefined/,
    () => 'TensorFlow.js used a tensor that it had disposed of, as its loops do on the wasm backend'],
  [/Requested texture size .* greater than WebGL maximum.*/, found => found[0]],
];

export function described(error) {
  const message = String(error?.message ?? error);
  if (error instanceof PageError) return {kind: error.kind, message};
  for (const [pattern, words] of LACKS) {
    const found = message.match(pattern);
    if (found) return {kind: 'unsupported', message: words(found)};
  }
  return {kind: 'failed', message: message.split('\n')[0].slice(0, 400)};
}

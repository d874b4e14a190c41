// What can go wrong in the page, as the kinds that the engine knows: 'unsupported' names an operator or a limit of this
// runtime, 'failed' is anything else.

export class PageError extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

// `lacks`: a runtime's own words for what it cannot do, each with a function of the match that says it plainly. Everything
// else is a failure, not a lack.
export function described(error, lacks) {
  const message = String(error?.message ?? error);
  if (error instanceof PageError) return {kind: error.kind, message};
  for (const [pattern, words] of lacks) {
    const found = message.match(pattern);
    if (found) return {kind: 'unsupported', message: words(found)};
  }
  return {kind: 'failed', message: message.split('\n')[0].slice(0, 400)};
}

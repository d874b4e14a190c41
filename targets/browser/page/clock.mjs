// The smallest step that this page's clock was seen to take, in milliseconds.
export function clockStep() {
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

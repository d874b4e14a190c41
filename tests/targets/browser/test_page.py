"""The page's session, driven in Node.js."""

import pytest

from tests.targets.browser.node_page import RUNTIME, in_node

pytestmark = pytest.mark.needs("node")

KEPT = """
const {buffers} = await import('./runtime.mjs');
async function kept() {  // bytes of samples that something in the page still holds
  await new Promise(resolve => setTimeout(resolve));
  gc();
  const all = new Set(buffers.map(one => one.deref()).filter(Boolean));
  return [...all].reduce((sum, buffer) => sum + buffer.byteLength, 0);
}
async function infer(count) {
  globalThis.samples = count;
  await session.infer({samples: count});
}
"""


def test_of_the_samples_that_came_nothing_stays_in_the_page(tmp_path):
    """They were all kept for the sake of the first one, which is run again after others."""
    assert in_node(tmp_path, KEPT + "await infer(64); globalThis.result = await kept();") == 0


def test_a_first_sample_that_came_alone_stays_until_it_was_run_again(tmp_path):
    script = "await infer(1); await infer(64); globalThis.result = await kept();"
    assert in_node(tmp_path, KEPT + script) == 0


@pytest.mark.parametrize(
    ("lost_after_milliseconds", "words"),
    [(0, "the context is gone"), (100, "the context is gone"), (None, "Failed to compile fragment shader.")],
)
def test_what_fails_because_what_computes_is_gone_says_so(tmp_path, lost_after_milliseconds, words):
    """The library fails first, at a shader say, and the browser tells of the loss a moment later."""
    loses = "" if lost_after_milliseconds is None else f"setTimeout(lose, {lost_after_milliseconds});"
    failing = f"""
    import {{PageError}} from './errors.mjs';
    let lose;
    export const gone = new Promise((_, refuse) => {{
      lose = () => refuse(new PageError('failed', 'the context is gone'));
    }});
    gone.catch(() => {{}});
    export const execute = async () => {{ {loses} throw new Error('Failed to compile fragment shader.'); }};
    """
    runtime = "\n".join(line for line in RUNTIME.splitlines() if "const execute" not in line) + failing
    script = "globalThis.samples = 1; globalThis.result = (await session.infer({samples: 1})).problem.message;"
    assert in_node(tmp_path, script, runtime) == words

"""The allocator of the emulated process, built for this machine: blocks apart, aligned, and counted to the byte."""

import ctypes
import random
import sys

import pytest

from harness_targets.tflite.arm.compiled import library
from harness_targets.tflite.arm.guest import MEMORY

ALIGNMENT = 128


pytestmark = [
    pytest.mark.needs("zig"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what it asks of the kernel is Linux's"),
]


@pytest.fixture(scope="module")
def memory():
    loaded = ctypes.CDLL(str(library(MEMORY, "-fno-builtin")))
    for name, arguments in (("malloc", 1), ("calloc", 2), ("aligned_alloc", 2), ("realloc", 2)):
        function = getattr(loaded, name)
        function.restype = ctypes.c_void_p
        function.argtypes = (ctypes.c_void_p if name == "realloc" else ctypes.c_size_t, ctypes.c_size_t)[:arguments]
    loaded.malloc.argtypes = (ctypes.c_size_t,)
    loaded.free.argtypes = (ctypes.c_void_p,)
    return loaded


def heap(memory, *, begin=False):
    told = (ctypes.c_uint64 * 2)()
    memory.harness_heap(int(begin), told)
    return told[0], told[1]


def test_blocks_keep_what_is_written_into_them_whatever_is_taken_and_given_back_around_them(memory):
    drawn = random.Random(0)
    held = {}
    before, _ = heap(memory)
    for turn in range(4000):
        if held and drawn.random() < 0.45:
            block = drawn.choice(list(held))
            size, value = held.pop(block)
            assert ctypes.string_at(block, size) == bytes([value]) * size
            if drawn.random() < 0.5:
                memory.free(block)
                continue
            other = drawn.choice((1, size + 1, 3 * size))
            block = memory.realloc(block, other)
            assert ctypes.string_at(block, min(size, other)) == bytes([value]) * min(size, other)
            size = other
        else:
            size = drawn.choice((1, 16, 129, 700, 5000, 70_000, 261_000, 262_000, 700_000))
            alignment = drawn.choice((ALIGNMENT, ALIGNMENT, 256, 4096, 16384))
            block = memory.malloc(size) if alignment == ALIGNMENT else memory.aligned_alloc(alignment, size)
            assert block % alignment == 0
        assert block not in held
        ctypes.memset(block, turn % 251, size)
        held[block] = size, turn % 251
        while sum(size for size, _ in held.values()) > 30_000_000:
            memory.free(held.popitem()[0])
    assert heap(memory)[0] - before == sum(size for size, _ in held.values())
    for block in held:
        memory.free(block)
    assert heap(memory)[0] == before


def test_blocks_of_every_size_are_apart_and_one_that_nobody_has_is_refused(memory):
    for size in (*range(1, 4000, 7), *range(4000, 300_000, 7919), *(2**power - 128 for power in range(8, 20))):
        blocks = [memory.malloc(size) for _ in range(3)]
        for value, block in enumerate(blocks):
            ctypes.memset(block, value, size)
        assert [ctypes.string_at(block, size) for block in blocks] == [bytes([value]) * size for value in range(3)]
        for block in blocks:
            memory.free(block)
    assert memory.malloc(2**62) is None


def test_what_is_asked_for_as_zeros_is_zeros_although_the_block_was_used_before(memory):
    block = memory.malloc(3000)
    ctypes.memset(block, 255, 3000)
    memory.free(block)
    again = memory.calloc(3, 1000)
    assert again == block, "the last that was given back is the first to be taken"
    assert ctypes.string_at(again, 3000) == bytes(3000)
    memory.free(again)


def test_the_most_that_was_held_is_told_since_one_last_asked(memory):
    memory.free(memory.malloc(900_000))
    before, _ = heap(memory, begin=True)
    kept, passing = memory.malloc(1000), memory.malloc(500_000)
    memory.free(passing)
    assert heap(memory) == (before + 1000, before + 501_000)
    memory.free(kept)

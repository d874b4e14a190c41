"""Frames: what is written is read back; anything else is an error and never a hang or a wrong array."""

import io
import struct

import numpy as np
import pytest

from harness.process.protocol import ProtocolError, read_frame, write_frame


def written(header, tensors=None):
    stream = io.BytesIO()
    write_frame(stream, header, tensors)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint8", "int16", "int64", "bool", "complex64"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 4)])
def test_every_dtype_and_shape_comes_back_as_it_was(dtype, shape):
    value = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    header, tensors = read_frame(io.BytesIO(written({"op": "x"}, {"value": value, "twice": value})))
    assert header == {"op": "x"}
    assert tensors["value"].dtype == value.dtype
    assert tensors["value"].shape == value.shape
    np.testing.assert_array_equal(tensors["twice"], value)


def test_arrays_that_are_not_contiguous_come_back_as_they_look():
    value = np.arange(12, dtype=np.float32).reshape(3, 4).T[::2]
    np.testing.assert_array_equal(read_frame(io.BytesIO(written({}, {"v": value})))[1]["v"], value)


def test_a_clean_end_is_no_error_of_the_protocol():
    with pytest.raises(EOFError):
        read_frame(io.BytesIO(b""))


@pytest.mark.parametrize("length", [1, 10, 17, 30, 60])
def test_a_frame_that_ends_early_is_an_error(length):
    with pytest.raises(ProtocolError):
        read_frame(io.BytesIO(written({"op": "x"}, {"v": np.ones(100)})[:length]))


def test_rubbish_is_an_error():
    with pytest.raises(ProtocolError):
        read_frame(io.BytesIO(b"Loading model... done. Loading model... done."))


def test_a_length_beyond_reason_is_refused_before_it_is_read():
    with pytest.raises(ProtocolError):
        read_frame(io.BytesIO(struct.pack("<4sIQ", b"MLRH", 2**31, 0)))


def test_python_objects_are_refused():
    frame = written({"op": "x"}, {"v": np.ones(2)}).replace(b'"<f8"', b'"|O" ')
    with pytest.raises(ProtocolError):
        read_frame(io.BytesIO(frame))

"""int4 weights by blocks, made float32: the form in which TensorFlow's interpreter, which dies of the other, is asked.

The weights are the very numbers that the file stands for. What the copy leaves out is that a runtime quantises the
activations beside such weights as it runs, each by its own rule. Runs in the converter's environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .schema import packed

NOTE = "int4 weights by blocks made float32"


@contextmanager
def without_blocks_at(path: Path, schema: Any) -> Iterator[Path]:
    """Where the file lies, or a copy without blocks while the context lasts."""
    content = without_blocks(path.read_bytes(), schema)
    if content is None:
        yield path
        return
    with TemporaryDirectory(prefix="harness-blocks-") as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(content)
        yield copy


def without_blocks(content: bytes, schema: Any) -> bytes | None:
    """A copy of the file whose weights by blocks are float32; None where it has none."""
    if not has_blocks(content, schema):
        return None
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if is_by_blocks(tensor, schema):
                buffer = schema.BufferT()
                buffer.data = np.frombuffer(real_values(model, graph, tensor).tobytes(), np.uint8)
                model.buffers.append(buffer)
                tensor.buffer, tensor.type = len(model.buffers) - 1, schema.TensorType.FLOAT32
                tensor.quantization = None
    return packed(model)


def has_blocks(content: bytes, schema: Any) -> bool:
    """Whether any tensor has scales by blocks; the file is not unpacked to know."""
    model = schema.Model.GetRootAs(content, 0)
    for graph in (model.Subgraphs(index) for index in range(model.SubgraphsLength())):
        for index in range(graph.TensorsLength()):
            parameters = graph.Tensors(index).Quantization()
            if parameters is not None and parameters.DetailsType() == schema.QuantizationDetails.BlockwiseQuantization:
                return True
    return False


def is_by_blocks(tensor: Any, schema: Any) -> bool:
    details = tensor.quantization.detailsType if tensor.quantization is not None else 0
    return bool(details == schema.QuantizationDetails.BlockwiseQuantization)


def real_values(model: Any, graph: Any, tensor: Any) -> NDArray[np.float32]:
    """The weights in real units, shaped as the tensor. `scales` are float16, shaped with a value for each block of the
    last axis; two int4 values share a byte, the first in its low half."""
    shape = [int(size) for size in tensor.shape]
    raw = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
    halves = np.stack([raw & 15, raw >> 4], axis=-1).reshape(-1)[: int(np.prod(shape))].astype(np.int8)
    stored = np.where(halves > 7, halves - 16, halves).reshape(shape)
    details = tensor.quantization.details
    scales = np.asarray(model.buffers[graph.tensors[int(details.scales)].buffer].data, np.uint8)
    each = np.frombuffer(scales.tobytes(), np.float16).astype(np.float32)
    blocks = stored.reshape(-1, int(details.blockSize)).astype(np.float32) * each[:, None]
    return blocks.reshape(shape).astype(np.float32)

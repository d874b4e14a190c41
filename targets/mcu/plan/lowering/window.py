"""The geometry of sliding windows, with TensorFlow's padding."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..model import Operator, Tensor
from .checks import dimensions_fit, refusal, unsupported_error

SAME, VALID = 0, 1


@dataclass(frozen=True)
class Window:
    """Fields of `struct plan_window`."""

    batches: int
    input_height: int
    input_width: int
    input_channels: int
    output_height: int
    output_width: int
    output_channels: int
    kernel_height: int = 1
    kernel_width: int = 1
    stride_height: int = 1
    stride_width: int = 1
    dilation_height: int = 1
    dilation_width: int = 1
    pad_top: int = 0
    pad_left: int = 0

    def fields(self) -> dict[str, int]:
        return asdict(self)


def _along_axis(
    operator: Operator, padding: int, size: int, kernel: int, stride: int, dilation: int
) -> tuple[int, int]:
    """(output size, padding before) along one axis (kernels/padding.h)."""
    extent = (kernel - 1) * dilation + 1
    if padding == SAME:
        output = -(-size // stride)
        return output, max(0, (output - 1) * stride + extent - size) // 2
    if padding == VALID:
        output = (size + stride - extent) // stride
        if output < 1:
            raise refusal(operator, f"a window of {extent} does not fit {size} places")
        return output, 0
    raise unsupported_error(operator, f"padding scheme {padding}")


def convolution_window(
    operator: Operator,
    source: Tensor,
    target: Tensor,
    kernel: tuple[int, int],
    channels: int,
    padding: int,
    strides: tuple[int, int],
    dilations: tuple[int, int] = (1, 1),
) -> Window:
    """Checks that the output's shape is what the window gives. Pairs are (height, width)."""
    batches, height, width, input_channels = source.shape
    dimensions_fit(operator, *source.shape, channels, *kernel, *strides, *dilations)
    dimensions_fit(operator, kernel[0] * dilations[0], kernel[1] * dilations[1])
    output_height, pad_top = _along_axis(operator, padding, height, kernel[0], strides[0], dilations[0])
    output_width, pad_left = _along_axis(operator, padding, width, kernel[1], strides[1], dilations[1])
    if target.shape != (batches, output_height, output_width, channels):
        raise refusal(
            operator,
            f"its output has shape {list(target.shape)} where "
            f"{[batches, output_height, output_width, channels]} follows from its input",
        )
    return Window(
        batches,
        height,
        width,
        input_channels,
        output_height,
        output_width,
        channels,
        *kernel,
        *strides,
        *dilations,
        pad_top,
        pad_left,
    )

"""What is counted in the emulated process, and what that runs first."""

from harness_targets.tflite.arm.guest import FIRST
from tests.targets.mcu.model_writer import ModelWriter


def test_the_first_model_is_the_square_of_a_float():
    writer = ModelWriter()
    value, square = writer.input((1, 1), "float32"), writer.output((1, 1), "float32")
    writer.operator("MUL", [value, value], [square], "MulOptions")
    assert FIRST.read_bytes() == writer.write()

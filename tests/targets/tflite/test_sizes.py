"""A TFLite output whose size depends on the data keeps the size that the interpreter gave in each sample."""

import numpy as np

from harness.ragged import split_samples
from harness_targets.tflite.worker import Worker


class Repeating:
    """An interpreter whose output has as many rows as its input says."""

    def set_tensor(self, _, value):
        self.rows = int(value[0])

    def invoke(self):
        pass

    def get_tensor(self, slot):
        return np.full((self.rows, 2) if slot == 1 else (1,), self.rows, np.float32)


def test_each_sample_keeps_its_rows():
    worker = Worker()
    worker.interpreter = Repeating()
    worker.inputs = [{"name": "x", "slot": 0}]
    worker.outputs = [{"name": "rows", "slot": 1}, {"name": "count", "slot": 2}]
    _, found = worker.infer({}, {"x": np.array([[2], [0], [3]], np.int32)})
    assert sorted(found) == ["count", "rows", "sizes:rows"]
    assert [values.tolist() for values in split_samples(found, "rows")] == [[[2, 2]] * 2, [], [[3, 3]] * 3]

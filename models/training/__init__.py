"""How the committed weights were made.

    python -m harness_models.training NAME      (in the converter's environment; no name trains all)

Every seed is fixed and TensorFlow's deterministic ops are on, so two trainings on one machine write the same bytes.
Another CPU, or another number of threads, may sum in another order and differ in the last bits: the committed file is
the truth, this is its explanation. After a training on purpose, state the printed hash in the model's file.
"""

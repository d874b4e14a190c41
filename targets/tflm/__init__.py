"""TensorFlow Lite Micro's own interpreter on this machine: the oracle of the microcontroller targets."""

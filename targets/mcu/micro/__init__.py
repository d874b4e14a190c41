"""The user's own TensorFlow Lite Micro library as a runtime on the emulated boards."""

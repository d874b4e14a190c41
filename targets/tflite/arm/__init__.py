"""Arm application cores under QEMU's user mode: LiteRT's own aarch64 wheel, with the kernels that it chooses for the
emulated core, and its instructions counted exactly."""

"""The firmware's executor and kernels on this machine: the same C code, called directly."""

from .kernels import HostKernels

__all__ = ["HostKernels"]

"""Where a kernel or a pool lies on its input."""

from __future__ import annotations


def find_window(padding: str, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int, int]:
    """Return the number of outputs along an axis, and what is padded before and after its inputs."""
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        return (size - reach) // stride + 1, 0, 0
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + reach - size, 0)
    return outputs, total // 2, total - total // 2

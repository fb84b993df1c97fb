"""Checkpoints with torch's names and layout and random numbers, made without torch."""

import numpy as np

BLOCKS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


def resnet_state(depth=10, dimensions=2, channels=3, shortcut="B", seed=0):
    """Return the tensors of a ResNet of basic blocks by name, with its counters but without a classifier."""
    random = np.random.default_rng(seed)
    state = {}

    def add(convolution, norm, outputs, inputs, kernel):
        state[f"{convolution}.weight"] = random.standard_normal((outputs, inputs, *(kernel,) * dimensions), np.float32)
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"{norm}.{name}"] = random.random(outputs, np.float32)
        state[f"{norm}.num_batches_tracked"] = np.array(7)

    add("conv1", "bn1", 64, channels, 7)
    inputs = 64
    for stage, blocks in enumerate(BLOCKS[depth], start=1):
        outputs = 32 * 2**stage
        for block in range(blocks):
            prefix = f"layer{stage}.{block}"
            add(f"{prefix}.conv1", f"{prefix}.bn1", outputs, inputs, 3)
            add(f"{prefix}.conv2", f"{prefix}.bn2", outputs, outputs, 3)
            if inputs != outputs and shortcut == "B":
                add(f"{prefix}.downsample.0", f"{prefix}.downsample.1", outputs, inputs, 1)
            inputs = outputs
    return state

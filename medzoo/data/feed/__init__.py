"""Samples to what a training is fed with: order, rows, batches, tf.data, packed files."""

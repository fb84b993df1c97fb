"""What is chosen on validation data after a training: temperature, threshold, steps after the network."""

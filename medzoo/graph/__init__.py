"""Walking over, cutting, running and differentiating a Keras network."""

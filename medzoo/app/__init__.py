"""A page in the browser: a scan goes in, mask or probabilities, findings and a report come out."""

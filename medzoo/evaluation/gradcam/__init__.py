"""Where in a scan a model sees evidence: Grad-CAM and Grad-CAM++."""

"""How good a model is: scores with intervals, the record of them, figures, comparison, calibration, Grad-CAM."""

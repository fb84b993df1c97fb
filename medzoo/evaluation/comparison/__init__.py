"""Whether one model is better than another on the same cases: two models, or a network and estimators."""

"""A network beside estimators over its features, on the same test cases."""

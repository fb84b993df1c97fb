"""Classical estimators on deep features."""

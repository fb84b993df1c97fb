"""Figures of scores, and sheets of single cases."""

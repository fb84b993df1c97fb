"""Reports for patient and physician: findings, words by templates or a language model, and the page as PDF."""

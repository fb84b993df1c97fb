"""The front matter of a README, as the Hub reads it."""

from __future__ import annotations

import re
from typing import Any

import yaml

FRONT_MATTER = re.compile(r"\s*---[\r\n]+(.*?)[\r\n]+---(\r?\n|$)", re.DOTALL)


def read_card(text: str) -> tuple[dict[str, Any], str | None, str | None]:
    """Return the metadata of a card, an error and a warning."""
    match = FRONT_MATTER.match(text)
    if match is None:
        return {}, None, "empty or missing yaml metadata in repo card"
    try:
        metadata = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        return {}, f"Invalid YAML in README.md: {error}", None
    if not isinstance(metadata, dict):
        return {}, "The YAML metadata of your README.md is invalid.", None
    return metadata, None, None


def tags_of(metadata: dict[str, Any]) -> list[str]:
    """Return what a repository is found by."""
    names = [metadata[key] for key in ("library_name", "pipeline_tag") if key in metadata]
    fields = {"license": "license", "datasets": "dataset"}
    prefixed = [f"{tag}:{value}" for key, tag in fields.items() for value in _values(metadata, key)]
    tags = [*_values(metadata, "tags"), *names, *prefixed, *_values(metadata, "language"), "region:us"]
    return list(dict.fromkeys(tags))


def _values(metadata: dict[str, Any], key: str) -> list[Any]:
    value = metadata.get(key)
    return value if isinstance(value, list) else [] if value is None else [value]

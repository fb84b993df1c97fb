"""The models that the Hub lists under the tag `medzoo`, by what their cards say."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from medzoo.errors import printable
from medzoo.zoo.download.connection import hub_errors
from medzoo.zoo.listing.models import ModelInfo

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo as HubInfo

TAG = "medzoo"
MOST = 1000
# Of a text in a table, and of a number: what is longer or larger is no name and no number of parameters.
LONGEST, LARGEST = 100, 1e15
# What reading a card of others may raise.
_MALFORMED = (TypeError, ValueError, KeyError, AttributeError)

_logger = logging.getLogger("medzoo")


def hub_models() -> list[ModelInfo]:
    """Return a row for every model that the Hub lists under the tag `medzoo`.

    Anybody may write such a card: what is not of the kind that is expected counts as unknown, and a card that cannot be
    read at all is left out.

    Raises:
        ConnectionError: The Hub was not reached.
    """
    from huggingface_hub import HfApi

    with hub_errors("the list of models"):
        return [_row(info) for info in _listed(HfApi())]


def _listed(api: HfApi) -> list[HubInfo]:
    try:
        return list(api.list_models(filter=TAG, cardData=True, limit=MOST))
    except _MALFORMED:
        # One malformed card ends the whole list: ask for the cards one by one.
        return list(_one_by_one(api))


def _one_by_one(api: HfApi) -> Iterator[HubInfo]:
    from huggingface_hub.errors import HfHubHTTPError

    for info in api.list_models(filter=TAG, limit=MOST):
        try:
            yield api.model_info(info.id)
        except (*_MALFORMED, HfHubHTTPError) as error:
            _logger.warning("medzoo: %s is left out, its card cannot be read (%s).", info.id, type(error).__name__)


def _row(info: HubInfo) -> ModelInfo:
    # Not by its methods, which fields of the card may hide.
    card = getattr(info.card_data, "__dict__", {})
    record = _mapping(card.get("medzoo"))
    score_name = _text(record.get("score"))
    score = _mapping(_mapping(_mapping(record.get("evaluation")).get("scores")).get(score_name or ""))
    value, low, high = (_number(score.get(key)) for key in ("value", "low", "high"))
    parameters = _number(record.get("parameters"))
    return ModelInfo(
        name=_text(info.id) or "",
        task=_text(record.get("task")),
        modality=_text(record.get("modality")),
        score=value,
        score_name=score_name if value is not None else None,
        interval=(low, high) if low is not None and high is not None else None,
        parameters=None if parameters is None else int(parameters),
        license=_text(card.get("license_name") if card.get("license") == "other" else card.get("license")),
        data_license=_text(record.get("data_license")),
        repo=_text(info.id),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    """Return a text in one line that a terminal shows as it is, None for what is none."""
    text = printable(value).strip() if isinstance(value, str) else ""
    return text[:LONGEST] or None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
    return value if is_number else None

"""Times as the client of the Hub reads them."""

import time


def iso(seconds: float | str) -> str:
    """Return seconds since 1970 as text."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(float(seconds)))

"""What goes wrong between this machine and the Hub, in Python's own exceptions and in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from traceback import walk_tb
from typing import TYPE_CHECKING

from medzoo.hub_answers import HubError, patient

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

LOGIN = "Log in: hf auth login (or set HF_TOKEN)."
AGAIN = "Run it again: what has arrived is not sent again."
# What huggingface_hub raises at fields that it does not expect.
_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)


@contextmanager
def hub_errors(repo: str, remedy: str = AGAIN) -> Iterator[None]:
    """Raise what huggingface_hub raises as Python's own exceptions, whose messages hold no token and no header.

    Args:
        repo: The repository that is meant, `"owner/name"`.
        remedy: A sentence on what to do where the connection is at fault.

    Raises:
        PermissionError: There is no token, it is not valid, or it has no right to do this.
        FileNotFoundError: There is no such repository or revision, or it is private and the token may not see it.
        ValueError: The Hub refuses what was sent.
        ConnectionError: The Hub was not reached, or did not answer as it should.
    """
    try:
        with patient():
            yield
    except _hub_errors() as error:
        plain = _plain(error, repo, remedy)
        if plain is None:
            raise
        raise plain from error


def _hub_errors() -> tuple[type[Exception], ...]:
    return (OSError, RuntimeError, *_MALFORMED, *_http_errors())


def _http_errors() -> tuple[type[Exception], ...]:
    from huggingface_hub import errors

    # Of the client below, which this huggingface_hub came with; some are no OSError.
    return (errors.HTTPError,)


def _plain(error: Exception, repo: str, remedy: str) -> Exception | None:
    """Return the exception to raise instead, or None where an error has nothing to do with the Hub."""
    from huggingface_hub import constants, errors

    where = constants.ENDPOINT
    if isinstance(error, errors.OfflineModeIsEnabled):
        return ConnectionError(f"{repo} was not asked for, since HF_HUB_OFFLINE is set. Unset it. {remedy}")
    if isinstance(error, errors.LocalTokenNotFoundError):
        return PermissionError(f"There is no token for {where}. {LOGIN}")
    if isinstance(error, errors.HfHubHTTPError):
        return _answered(error, repo, where, remedy)
    cause = error.__cause__ or error.__context__
    if isinstance(error, RuntimeError | errors.LocalEntryNotFoundError) and isinstance(cause, _http_errors()):
        # So end an upload and a download that did not get through, whatever the reason.
        return _plain(cause, repo, remedy)
    if isinstance(error, ConnectionError | TimeoutError) and remedy in str(error):
        return None
    if isinstance(error, HubError):
        return ConnectionError(f"{repo}: {error} {remedy}")
    if isinstance(error, errors.FileMetadataError) or isinstance(cause, errors.FileMetadataError):
        return ConnectionError(
            f"{where} did not answer for {repo} as a Hub does. Look whether the network wants a login, and check "
            f"HF_ENDPOINT and the proxy. {remedy}"
        )
    if _is_of_an_answer(error):
        return ConnectionError(
            f"{where} gave no answer of a Hub for {repo} ({type(error).__name__}). Check HF_ENDPOINT. {remedy}"
        )
    if isinstance(error, _lost_errors()) or (type(error) is OSError and error.errno is None):
        return ConnectionError(f"The connection to {where} broke ({type(error).__name__}). {remedy}")
    return None


def _lost_errors() -> tuple[type[Exception], ...]:
    from huggingface_hub import errors

    # The first two come from hf_xet, which sends large files.
    lost = (ConnectionError, TimeoutError, errors.LocalEntryNotFoundError, errors.FileMetadataError, JSONDecodeError)
    return (*_http_errors(), *lost)


def _is_of_an_answer(error: Exception) -> bool:
    """Return whether huggingface_hub stumbled over an answer, rather than medzoo over something else."""
    from huggingface_hub import errors

    if not isinstance(error, _MALFORMED) or isinstance(error, JSONDecodeError | errors.HFValidationError):
        return False
    packages = [frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in walk_tb(error.__traceback__)]
    ours = max((i for i, package in enumerate(packages) if package == "medzoo"), default=-1)
    theirs = "huggingface_hub" in packages[ours + 1 :]
    # A ValueError of its own is a message, such as of a card that the Hub refuses; of a field it passes one on.
    passed_on = isinstance(error.__cause__, ValueError) or packages[-1] != "huggingface_hub"
    return theirs and (passed_on or not isinstance(error, ValueError))


def _answered(error: HfHubHTTPError, repo: str, where: str, remedy: str) -> Exception:
    from huggingface_hub import errors

    said = " ".join((error.server_message or "").split())[:300]
    status = error.response.status_code
    if isinstance(error, errors.GatedRepoError):
        return PermissionError(f"{repo} is gated. Ask for access at {where}/{repo}. {LOGIN}")
    if isinstance(error, errors.RepositoryNotFoundError):
        return FileNotFoundError(f"There is no repository {repo} at {where}, or it is private. Check the name. {LOGIN}")
    if isinstance(error, errors.RevisionNotFoundError):
        return FileNotFoundError(f"{repo} has no such branch, tag or commit. See {where}/{repo}/tree/main")
    if status == 401:
        return PermissionError(f"{where} does not accept the token. Make a new one. {LOGIN}")
    if status == 403:
        return PermissionError(f"The token has no right to do this at {repo}: {said} {LOGIN}")
    if status == 400:
        return ValueError(f"{where} refuses what was sent to {repo}: {said or 'it gives no reason'}")
    return ConnectionError(f"{where} answered {status} for {repo}. {said} {remedy}")

"""The command that writes reports."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from medzoo.cli.parser import NAME, Skipped, add_command, shown

if TYPE_CHECKING:
    from medzoo.reports.language_model import LanguageModel

# Where the key of an endpoint is looked for: it is no argument, since others see the arguments of a program.
KEY = "MEDZOO_LLM_KEY"


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands."""
    command = add_command(commands, "report", _report, "Write findings, pictures and words on a scan as PDF.")
    command.add_argument("name", metavar="NAME", help=NAME)
    command.add_argument("scan", metavar="SCAN", help="file, or folder of files for many reports")
    command.add_argument("-o", "--output", default="report.pdf", help="PDF; of several scans a folder")
    command.add_argument("--lang", default="en", help="en, de or zh-TW (default: en)")
    command.add_argument("--no-explain", action="store_true", help="no Grad-CAM, which takes Keras and some seconds")
    command.add_argument("--font", metavar="FILE", help="TrueType font with the characters of the language")
    text = f"OpenAI-compatible endpoint of a language model; its key from the variable {KEY}"
    command.add_argument("--llm", metavar="URL", help=text)
    command.add_argument("--llm-model", metavar="MODEL", help="name of the language model at that endpoint")
    command.add_argument("--send-image", action="store_true", help="send the marked picture to it, too")


def _report(options: argparse.Namespace) -> None:
    from medzoo.inference.scans import several
    from medzoo.reports.report import report_scans
    from medzoo.zoo.load import open_entry

    channels = open_entry(options.name, engine=None).recipe.preprocessing.channel_names or ()
    scans = several(options.scan, channels=channels)
    is_one = scans is None
    if not is_one and options.output.lower().endswith(".pdf"):
        raise ValueError(f"{options.scan} holds several scans: give a folder for their reports with -o.")
    skipped = Skipped()
    written = report_scans(
        options.name,
        [options.scan] if scans is None else scans,
        options.output,
        options.lang,
        explain=not options.no_explain,
        language_model=_language_model(options),
        font=options.font,
        on_error=None if is_one else skipped,
    )
    for path, findings in written:
        said: dict[str, Any] = findings.get("language_model") or {}
        words = f" (the text of {said['model']} was dropped: {said['dropped']})" if said.get("dropped") else ""
        print(shown(f"-> {path}{words}"), flush=True)
    skipped.refuse("reported")


def _language_model(options: argparse.Namespace) -> LanguageModel | None:
    if not options.llm:
        if options.llm_model or options.send_image:
            raise ValueError("--llm-model and --send-image need the endpoint: --llm URL.")
        return None
    if not options.llm_model:
        raise ValueError("--llm needs the name of the model at that endpoint: --llm-model MODEL.")
    from medzoo.reports.language_model import LanguageModel

    return LanguageModel(options.llm, options.llm_model, os.environ.get(KEY), send_image=options.send_image)

"""Commands about zoo entries: list, info, card, convert, publish."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from medzoo.cli.parser import NAME, add_command


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands."""
    command = add_command(commands, "list", _list, "List the models that load by name.")
    command.add_argument("--hub", action="store_true", help="those on the Hub with the tag medzoo, too")
    command.add_argument("--task", help="keep models of this task, for example segmentation")
    command.add_argument("--modality", help="keep models of this modality, for example MRI")
    command.add_argument("--license", help="keep models whose weights have this licence, for example cc-by-4.0")
    command.add_argument(
        "--commercial", action="store_true", help="keep models whose weights and data are known to allow commercial use"
    )

    command.add_argument("--json", action="store_true", help="print all that is known of each model as JSON")

    command = add_command(commands, "info", _info, "Show the card of a model.")
    command.add_argument("name", metavar="NAME", help=NAME)

    command = add_command(commands, "card", _card, "Write the card of a zoo entry anew.")
    command.add_argument("folder", metavar="FOLDER")
    command.add_argument("--evaluation", metavar="RUN", help="folder that medzoo evaluate wrote")
    command.add_argument(
        "--words", metavar="FILE", help="JSON with words for it: license, intended_use, limits, data, ..."
    )

    command = add_command(commands, "publish", _publish, "Publish a zoo entry with its card to the Hugging Face Hub.")
    command.add_argument("folder", metavar="FOLDER", help="folder of a zoo entry or of a run")
    command.add_argument("repo_id", metavar="OWNER/NAME", help="repository on the Hub; made if there is none")
    command.add_argument("--private", action="store_true", help="make the repository private, or refuse a public one")
    command.add_argument("--revision", metavar="BRANCH", help="branch to commit to (default: main)")
    command.add_argument("--tag", help="name of this version, for example v1")
    command.add_argument("--create-pr", action="store_true", help="propose it in a pull request")
    command.add_argument("--evaluation", metavar="RUN", help="folder that medzoo evaluate wrote")

    _add_converters(commands)


def _add_converters(commands: argparse._SubParsersAction) -> None:
    convert = commands.add_parser("convert", help="Make a zoo entry of another library's checkpoint.")
    sources = convert.add_subparsers(metavar="SOURCE", required=True)
    command = add_command(sources, "medicalnet", _convert_medicalnet, "Convert a 3D ResNet of MedicalNet.")
    command.add_argument("file", metavar="FILE", help="for example resnet_10_23dataset.pth")
    command.add_argument("-o", "--output", required=True, help="folder of the zoo entry")
    command.add_argument("--size", nargs=3, type=int, default=(64, 128, 128), help="depth, height, width in voxels")
    command = add_command(
        sources, "segmentation-models", _convert_segmentation_models, "Convert a Unet of that library."
    )
    command.add_argument("file", metavar="FILE", help=".h5 file of the model or of its weights")
    command.add_argument("--backbone", required=True, help="its backbone, for example resnext50")
    command.add_argument("-o", "--output", required=True, help="folder of the zoo entry")
    command.add_argument("--size", nargs=2, type=int, default=(256, 256), help="height and width in pixels")
    command.add_argument("--labels", nargs="+", help="names of the labels, the background first")


def _list(options: argparse.Namespace) -> None:
    from medzoo.zoo.listing.models import list_models, models_table

    models = list_models(options.task, options.modality, options.license, options.commercial, options.hub)
    if options.json:
        # Only ASCII, so that what a stranger's card says cannot steer the terminal.
        print(json.dumps([asdict(model) for model in models], indent=2))
    else:
        print(models_table(models))


def _info(options: argparse.Namespace) -> None:
    from medzoo.entry import CARD, size_limit
    from medzoo.zoo.load import open_entry

    with open(open_entry(options.name, engine=None).folder / CARD, "rb") as file:
        card = file.read(size_limit(CARD)).decode(errors="replace")
    # The front matter is for programs.
    print((card.partition("\n---\n")[2] or card).strip())


def _card(options: argparse.Namespace) -> None:
    from medzoo.zoo.save import attach_evaluation

    print(attach_evaluation(options.folder, options.evaluation, options.words))


def _convert_medicalnet(options: argparse.Namespace) -> None:
    from medzoo.zoo.convert import convert_medicalnet

    print(convert_medicalnet(options.file, options.output, options.size))


def _convert_segmentation_models(options: argparse.Namespace) -> None:
    from medzoo.zoo.convert import convert_segmentation_models

    print(convert_segmentation_models(options.file, options.backbone, options.output, options.size, options.labels))


def _publish(options: argparse.Namespace) -> None:
    from medzoo.hub.publish import publish

    done = publish(
        options.folder,
        options.repo_id,
        options.private,
        options.revision,
        options.tag,
        options.create_pr,
        options.evaluation,
    )
    print(f"Published: {done.pull_request or done.url}\nCommit: {done.commit}")
    if done.tag:
        print(f"Tag: {done.tag}")

"""`medzoo publish`."""

import pytest

from medzoo.cli import main
from medzoo.evaluation.record import save_report
from medzoo.zoo.save import attach_evaluation


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return end.value.code


def test_command_publishes_a_run_and_prints_where_it_lies(hub, tiny_entry, words, evaluation, tmp_path, capsys):
    attach_evaluation(tiny_entry, words=words)
    save_report(evaluation, tmp_path / "test")
    repo = hub.new_repo()
    assert run("publish", tiny_entry, repo, "--tag", "v1", "--private", "--evaluation", tmp_path / "test") == 0
    commit = hub.api.model_info(repo, revision="v1").sha
    assert capsys.readouterr().out == f"Published: {hub.url}/{repo}\nCommit: {commit}\nTag: v1\n"
    assert hub.api.model_info(repo).private


def test_command_prints_the_pull_request(hub, described_entry, capsys):
    repo = hub.new_repo()
    assert run("publish", described_entry, repo, "--create-pr") == 0
    assert capsys.readouterr().out.startswith(f"Published: {hub.url}/{repo}/discussions/1\n")


def test_command_says_what_is_missing_a_line_each(hub, saved_entry, capsys):
    assert run("publish", saved_entry, "me/tumor") == 2
    error = capsys.readouterr().err
    assert error.startswith("medzoo: error: The model card is not complete.")
    assert [line.partition(":")[0] for line in error.splitlines()[1:]] == [
        *("- `card.license`", "- `card.data.source`", "- `card.data.license`", "- `card.intended_use`", "- evaluation"),
    ]

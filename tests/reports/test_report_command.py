"""`medzoo report`, and many reports that go on after a kill."""

import csv
import json
from importlib.resources import files

import cv2
import numpy as np
import pytest

from medzoo.cli import main
from medzoo.reports import report as module

pytest.importorskip("reportlab")


def run(*arguments):
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name in ("a b.png", "c.png", "sub/c.png"):
        cv2.imwrite(str(tmp_path / "in" / name), rng.integers(0, 256, (16, 16), np.uint8))
    return tmp_path / "in"


def test_one_scan_gives_a_pdf_and_its_findings(saved_entry, folder, tmp_path, capsys):
    path = tmp_path / "report.pdf"
    assert run("report", saved_entry, folder / "c.png", "-o", path, "--no-explain", "--lang", "de") == 0
    assert path.read_bytes().startswith(b"%PDF")
    findings = json.loads((tmp_path / "report.findings.json").read_text())
    assert findings["structures"][0]["label"] == "lesion"
    assert findings["made_of"]["lang"] == "de"
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(findings, json.loads(files("medzoo.reports").joinpath("findings.schema.json").read_text()))
    assert str(path) in capsys.readouterr().out


def test_the_evidence_is_shown(saved_entry, folder, tmp_path):
    pypdf = pytest.importorskip("pypdf")
    assert run("report", saved_entry, folder / "c.png", "-o", tmp_path / "report.pdf") == 0
    assert "Grad-CAM" in pypdf.PdfReader(tmp_path / "report.pdf").pages[0].extract_text()


def test_a_folder_gives_a_report_of_each_scan_and_goes_on(saved_entry, folder, tmp_path, monkeypatch):
    arguments = ("report", saved_entry, folder, "-o", tmp_path / "out", "--no-explain")
    assert run(*arguments) == 0
    names = ["a b.pdf", "c.pdf", "c_2.pdf"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.pdf")) == names
    with open(tmp_path / "out" / "reports.csv", newline="") as file:
        assert [row["report"] for row in csv.DictReader(file)] == names
    (tmp_path / "out" / "c.pdf").unlink()
    (tmp_path / "out" / "c.findings.json").unlink()
    written, write = [], module.write_pdf
    monkeypatch.setattr(module, "write_pdf", lambda *values: written.append(values[4]) or write(*values))
    assert run(*arguments) == 0
    assert written == ["c"]
    monkeypatch.setattr(module, "load_onnx", lambda name: pytest.fail("Nothing is left to predict."))
    assert run(*arguments) == 0
    with open(tmp_path / "out" / "reports.csv", newline="") as file:
        assert [row["report"] for row in csv.DictReader(file)] == names


def test_an_odd_file_ends_no_folder(saved_entry, folder, tmp_path, capsys):
    (folder / "broken.png").write_bytes((folder / "c.png").read_bytes()[:60])
    assert run("report", saved_entry, folder, "-o", tmp_path / "out", "--no-explain") == 1
    assert len(list((tmp_path / "out").glob("*.pdf"))) == 3
    assert "broken.png" in capsys.readouterr().err
    with open(tmp_path / "out" / "reports.csv", newline="") as file:
        (failed,) = [row for row in csv.DictReader(file) if row["error"]]
    assert failed["source"].endswith("broken.png")


def test_a_report_in_another_language_replaces_and_one_on_another_scan_does_not(saved_entry, folder, tmp_path, capsys):
    arguments = ("-o", tmp_path / "report.pdf", "--no-explain")
    assert run("report", saved_entry, folder / "c.png", *arguments) == 0
    first = (tmp_path / "report.pdf").read_bytes()
    assert run("report", saved_entry, folder / "c.png", *arguments, "--lang", "de") == 0
    second = (tmp_path / "report.pdf").read_bytes()
    assert second != first
    assert run("report", saved_entry, folder / "a b.png", *arguments) == 2
    assert (tmp_path / "report.pdf").read_bytes() == second
    assert "is not what medzoo wrote for this scan" in capsys.readouterr().err


def test_the_answer_of_predict_beside_it_stays(saved_entry, folder, tmp_path):
    scan, out = folder / "c.png", tmp_path / "out"
    assert run("predict", saved_entry, scan, "-o", out, "--engine", "onnx") == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run("report", saved_entry, scan, "-o", out, "--no-explain") == 0
    assert before.items() <= {path.name: path.read_bytes() for path in out.iterdir()}.items()
    assert (out / "c.pdf").is_file()


def test_a_kill_while_a_report_is_written_leaves_none_and_the_next_run_makes_it(
    saved_entry, folder, tmp_path, monkeypatch
):
    arguments = ("report", saved_entry, folder / "c.png", "-o", tmp_path / "out" / "c.pdf", "--no-explain")

    class Killed(BaseException):
        pass

    def killed(path, *_):
        path.write_bytes(b"%PDF half")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_pdf", killed)
        with pytest.raises(Killed):
            main([str(argument) for argument in arguments])
    assert not list((tmp_path / "out").glob("c.*"))
    assert run(*arguments) == 0
    assert (tmp_path / "out" / "c.pdf").read_bytes().endswith(b"%%EOF\n")


def test_a_pdf_of_others_is_not_overwritten(saved_entry, folder, tmp_path, capsys):
    (tmp_path / "report.pdf").write_bytes(b"mine")
    assert run("report", saved_entry, folder / "c.png", "-o", tmp_path / "report.pdf", "--no-explain") == 2
    assert (tmp_path / "report.pdf").read_bytes() == b"mine"
    assert "is not what medzoo wrote for this scan" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--llm-model", "x"), "need the endpoint: --llm URL"),
        (("--send-image",), "need the endpoint: --llm URL"),
        (("--llm", "http://127.0.0.1:9/v1"), "--llm-model MODEL"),
        (("--lang", "fr"), "'fr'"),
    ],
)
def test_wrong_usage_is_said(saved_entry, folder, tmp_path, capsys, arguments, message):
    assert run("report", saved_entry, folder / "c.png", "-o", tmp_path / "a.pdf", "--no-explain", *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a.pdf").exists()


def test_a_folder_of_several_scans_needs_a_folder_for_its_reports(saved_entry, folder, tmp_path, capsys):
    assert run("report", saved_entry, folder, "-o", tmp_path / "a.pdf") == 2
    assert "give a folder" in capsys.readouterr().err

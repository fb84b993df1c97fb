import argparse

import cv2
import numpy as np
import pytest

from medzoo.cli.predict import add_commands


def run(*arguments):
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    options = parser.parse_args(["explain", *map(str, arguments)])
    options.command(options)


@pytest.fixture
def scans(tmp_path):
    """Two pictures of one name and a broken one."""
    (tmp_path / "scans").mkdir()
    for name in ("a.png", "a.bmp"):
        cv2.imwrite(str(tmp_path / "scans" / name), np.eye(16, dtype=np.uint8) * 255)
    (tmp_path / "scans" / "broken.png").write_bytes(b"none")
    return tmp_path / "scans"


def test_a_scan_is_explained(tiny_entry, scans, tmp_path, capsys):
    run(tiny_entry, scans / "a.png", "-o", tmp_path / "out", "--layer", "stride_1", "--method", "gradcam++")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "a_heatmap.png",
        "a_explanation.png",
        "a_explanation.json",
    }
    assert "a.png: lesion" in capsys.readouterr().out


def test_a_folder_is_explained_but_for_what_is_broken(tiny_entry, scans, tmp_path, capsys):
    with pytest.raises(ValueError, match="1 scans could not be read"):
        run(tiny_entry, scans, "-o", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").glob("*.json")} == {"a_explanation.json", "a_2_explanation.json"}
    assert "broken.png" in capsys.readouterr().err


def test_a_wrong_option_is_no_broken_scan(tiny_entry, scans, tmp_path):
    with pytest.raises(ValueError, match="Unknown label 'lesio'. Did you mean 'lesion'"):
        run(tiny_entry, scans, "-o", tmp_path / "out", "--label", "lesio")

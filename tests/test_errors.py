import pytest

from medzoo.errors import require, unknown_name


def test_unknown_name_suggests_the_near_match_and_lists_all():
    error = unknown_name("label", "tumour", ["tumor", "edema"])
    assert isinstance(error, ValueError)
    assert str(error) == "Unknown label 'tumour'. Did you mean 'tumor'? Expected one of: edema, tumor."


def test_unknown_name_suggests_nothing_far_away():
    assert "Did you mean" not in str(unknown_name("label", "xyz", ["tumor"]))


def test_unknown_name_ends_with_the_remedy():
    assert str(unknown_name("model", "a", ["b"], "List them: medzoo list")).endswith("List them: medzoo list")


def test_unknown_name_without_known_names_lists_none():
    assert str(unknown_name("model", "a", [])) == "Unknown model 'a'."


def test_unknown_name_takes_what_is_no_text():
    assert "'None'" in str(unknown_name("task", None, ["segmentation"]))


def test_require_returns_the_module():
    assert require("json", "test").dumps([]) == "[]"


def test_require_names_the_package_and_the_pip_command():
    with pytest.raises(ImportError, match=r"'no_such_package'.*pip install \"medzoo\[onnx\]\""):
        require("no_such_package.inner", "onnx")

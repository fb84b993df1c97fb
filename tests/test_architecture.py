"""What keeps the library small and light: which module may import which, and what is loaded when."""

import ast
import configparser
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import medzoo
from medzoo.data.synthetic import make_coco

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "medzoo"

# A module imports only what stands before it, and its own siblings. CONTRIBUTING.md says what each is for.
ORDER = (
    *("errors", "io", "transforms", "task", "stack", "preprocessing", "recipe", "entry", "graph"),
    *("gradients", "devices"),
    *("weights", "models", "losses", "metrics", "optimizers", "data", "inference", "zoo_model"),
    *("features", "evaluation", "training", "hub", "report", "demo", "cli"),
)
# These two only point at the others.
EXEMPT = ("__init__", "__main__")

# Keras has no gradients of its own, and no common way to several devices.
BACKEND_FILES = ("gradients", "devices")

NETWORK = {"aiohttp", "ftplib", "http", "httpx", "huggingface_hub", "requests", "socket", "urllib", "urllib3"}
BACKENDS = {"keras", "tensorflow", "jax", "torch"}
HEAVY = BACKENDS | {"matplotlib", "sklearn", "pydicom", "nibabel", "PIL"}

FILES = sorted(PACKAGE.rglob("*.py"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"), path.name)


def imports_of(path):
    """Yield the full name of everything that a file imports, inside functions too, but not for type checkers only."""
    pending = [tree_of(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending += node.orelse
            continue
        pending += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(path):
    """Return the module or package right below `medzoo` that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def top_levels(path):
    return {name.partition(".")[0] for name in imports_of(path)}


def loaded_after(code, *arguments):
    """Return the top-level modules that a new interpreter has loaded after running `code`."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    report = "import sys; print(); print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def run_command(*arguments):
    """Return the top-level modules that a command of the command line loads."""
    code = "import sys\nfrom medzoo.cli import main\ntry:\n    main(sys.argv[1:])\n"
    return loaded_after(code + "except SystemExit as end:\n    assert end.code == 0, end.code", *arguments)


@every_file
def test_imports_point_one_way(path):
    part = part_of(path)
    if part in EXEMPT:
        return
    assert part in ORDER, f"Give '{part}' its place in ORDER, and a row in CONTRIBUTING.md."
    for name in imports_of(path):
        if name.startswith("medzoo."):
            other = name.split(".")[1]
            # What stands in medzoo/__init__.py itself, such as the version, has no place in the order.
            if other == part or not any((PACKAGE / other).with_suffix(suffix).exists() for suffix in ("", ".py")):
                continue
            assert ORDER.index(other) < ORDER.index(part), f"{part} must not import {name}"


@every_file
def test_imports_are_absolute(path):
    relative = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative, "Write 'from medzoo.x import y', which the test of the import order can read."


@every_file
def test_only_hub_and_weights_touch_the_network(path):
    if part_of(path) not in ("hub", "weights"):
        assert not top_levels(path) & NETWORK


@every_file
def test_only_data_and_what_keras_lacks_imports_tensorflow(path):
    if part_of(path) not in ("data", *BACKEND_FILES):
        assert "tensorflow" not in top_levels(path)


@every_file
def test_no_backend_but_through_keras(path):
    if part_of(path) in BACKEND_FILES:
        return
    assert not top_levels(path) & {"jax", "torch"}


@every_file
def test_nothing_from_the_inside_of_keras(path):
    assert not [name for name in imports_of(path) if name.startswith("keras.src")]


@every_file
def test_no_assert(path):
    lines = [node.lineno for node in ast.walk(tree_of(path)) if isinstance(node, ast.Assert)]
    assert not lines, f"python -O drops these asserts, in lines {lines}; raise an error instead."


@every_file
def test_what_is_public_has_a_docstring(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [tree_of(path)]
    for node in nodes:
        assert ast.get_docstring(node), f"{getattr(node, 'name', path.name)} has no docstring"
        # Functions inside functions are nobody's interface.
        children = [] if isinstance(node, ast.FunctionDef) else node.body
        nodes += [child for child in children if isinstance(child, kinds) and not child.name.startswith("_")]


def test_every_package_is_in_the_wheel():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    on_disk = {".".join(path.parent.relative_to(ROOT).parts) for path in FILES if path.name == "__init__.py"}
    assert listed == on_disk | {"medzoo.zoo_cards"}


def test_every_folder_with_code_is_a_package():
    assert not {path.parent for path in FILES} - {path.parent for path in FILES if path.name == "__init__.py"}


def test_public_names_are_those_that_are_served():
    assert list(medzoo.__all__) == sorted(medzoo._HOMES.keys() | set(medzoo._PACKAGES))
    assert dir(medzoo) == sorted([*medzoo.__all__, "__version__"])


def test_type_checkers_see_the_same_public_names():
    blocks = [node for node in tree_of(PACKAGE / "__init__.py").body if isinstance(node, ast.If)]
    seen = {alias.name for block in blocks for node in block.body for alias in node.names}
    assert seen == set(medzoo.__all__)


@pytest.mark.parametrize("name", medzoo.__all__)
def test_every_public_name_resolves(name):
    value = getattr(medzoo, name)
    assert value.__doc__
    if name in medzoo._HOMES:
        assert value is getattr(importlib.import_module(medzoo._HOMES[name]), name)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = medzoo.lode


def test_import_is_light():
    unwanted = loaded_after("import medzoo") & (HEAVY | {"cv2", "numpy", "onnxruntime"})
    assert not unwanted


def test_help_is_light():
    unwanted = run_command("--help") & (HEAVY | {"cv2", "numpy", "onnxruntime"})
    assert not unwanted


def test_list_is_light():
    unwanted = run_command("list") & (HEAVY | {"onnxruntime"})
    assert not unwanted


def test_predict_with_onnx_is_light(tiny_entry, tmp_path):
    if not (tiny_entry / "model.onnx").is_file():
        pytest.skip("Keras cannot export ONNX on this backend; the entry of another backend would be the same one.")
    make_coco(tmp_path / "scans", 1, size=32)
    scan = tmp_path / "scans" / "synthetic_0000.png"
    unwanted = run_command("predict", tiny_entry, scan, "-o", tmp_path / "out", "--engine", "onnx") & HEAVY
    assert (tmp_path / "out" / "synthetic_0000_mask.png").is_file()
    assert not unwanted

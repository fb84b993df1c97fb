"""What keeps the library small and light: which module may import which, and what is loaded when."""

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import medzoo
from medzoo.data.synthetic import make_coco
from medzoo.task import TASKS
from tests.backends import MARKERS, TESTS, files_of

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "medzoo"

# A module imports only what stands before it, and its own siblings. CONTRIBUTING.md says what each is for.
ORDER = (
    *(
        "errors",
        "leftovers",
        "files",
        "progress",
        "hub_answers",
        "io",
        "transforms",
        "task",
        "preprocessing",
        "recipe",
        "entry",
        "graph",
        "devices",
    ),
    *("weights", "models", "losses", "metrics", "optimizers", "data", "inference", "zoo_model"),
    *("features", "estimators", "evaluation", "zoo", "training", "hub", "reports", "app", "demo", "cli"),
)
# These two only point at the others.
EXEMPT = ("__init__", "__main__")

# Keras has no gradients of its own, and no common way to several devices.
BACKEND_FILES = ("graph/gradients.py", "devices.py")
# What speaks to the network. `zoo/card` uses the Hub's client to write and read front matter only.
NETWORK_PLACES = (
    "hub/",
    "hub_answers.py",
    "weights/",
    "zoo/download/",
    "zoo/listing/hub.py",
    "zoo/card/",
    "reports/",
    "app/",
)

# What may name a task. Everything else asks the task, so that a new one needs its modules and a row in each table.
TASK_PLACES = (
    "task/",
    # The tables.
    *("inference/scans.py", "evaluation/evaluate.py", "evaluation/plots/figures.py", "estimators/table.py"),
    # Which task a target, a public data set and a checkpoint of another library are for.
    *("data/samples.py", "data/tfds/public.py", "zoo/convert.py"),
    # "segmentation" is also a field of COCO files.
    *("data/synthetic.py", "data/sources/coco_annotations.py"),
)

NETWORK = {"aiohttp", "ftplib", "http", "httpx", "huggingface_hub", "requests", "socket", "urllib", "urllib3"}
BACKENDS = {"keras", "tensorflow", "jax", "torch"}
HEAVY = BACKENDS | {"matplotlib", "sklearn", "pydicom", "nibabel", "PIL"}

FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
# Beyond these a folder or a file holds more than one idea.
MOST_FILES, MOST_LINES = 15, 300


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


def part_of(name):
    """Return the module or package right below `medzoo` that a file belongs to."""
    return name.removesuffix(".py").split("/")[0]


def top_levels(path):
    return {name.partition(".")[0] for name in imports_of(path)}


def offenders(rule, files=FILES):
    """Return what is wrong by file, where `rule(name, path)` finds anything."""
    found = {name: rule(name, path) for name, path in files.items()}
    return {name: wrong for name, wrong in found.items() if wrong}


def outside(places):
    return {name: path for name, path in FILES.items() if not name.startswith(tuple(places))}


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


def test_every_part_has_its_place_in_the_order():
    assert not {part_of(name) for name in FILES} - {*ORDER, *EXEMPT}, "Add it to ORDER, with a row in CONTRIBUTING.md."


def test_imports_point_one_way():
    def rule(name, path):
        part, places = part_of(name), {part: number for number, part in enumerate(ORDER)}
        if part in EXEMPT:
            return None
        others = {full.split(".")[1] for full in imports_of(path) if full.startswith("medzoo.")} - {part}
        # What stands in medzoo/__init__.py itself, such as the version, has no place in the order.
        return sorted(other for other in others if places.get(other, -1) > places[part])

    assert not offenders(rule)


def test_imports_are_absolute():
    """So that the test of the import order can read them."""
    assert not offenders(
        lambda _, path: [n.lineno for n in ast.walk(tree_of(path)) if isinstance(n, ast.ImportFrom) and n.level]
    )


def test_only_these_places_touch_the_network():
    assert not offenders(lambda _, path: top_levels(path) & NETWORK, outside(NETWORK_PLACES))


def test_only_data_and_what_keras_lacks_imports_tensorflow():
    assert not offenders(lambda _, path: top_levels(path) & {"tensorflow"}, outside(("data/", *BACKEND_FILES)))


def test_no_backend_but_through_keras():
    assert not offenders(lambda _, path: top_levels(path) & {"jax", "torch"}, outside(BACKEND_FILES))


def test_only_these_places_name_a_task():
    """By a text of its own or by its class; what type checkers import and the words of messages are free."""
    classes = tuple(f".{task.__name__}" for task in TASKS.values())

    def rule(_, path):
        lines = [node.lineno for node in ast.walk(tree_of(path)) if getattr(node, "value", None) in TASKS]
        return lines + [name for name in imports_of(path) if name.startswith("medzoo.task") and name.endswith(classes)]

    wrong = offenders(rule)
    assert not {name: places for name, places in wrong.items() if not name.startswith(TASK_PLACES)}
    assert not [place for place in TASK_PLACES if not any(name.startswith(place) for name in wrong)], "Take them out."


def test_nothing_from_the_inside_of_keras():
    assert not offenders(lambda _, path: [name for name in imports_of(path) if name.startswith("keras.src")])


def test_no_assert():
    """Which `python -O` drops; an error is raised instead."""
    assert not offenders(lambda _, path: [n.lineno for n in ast.walk(tree_of(path)) if isinstance(n, ast.Assert)])


def test_importing_a_module_changes_no_warnings_of_its_user():
    def rule(_, path):
        calls = [node.value for node in tree_of(path).body if isinstance(node, ast.Expr)]
        return [ast.unparse(call) for call in calls if ast.unparse(call).startswith("warnings.")]

    assert not offenders(rule)


def test_no_module_keeps_what_its_functions_did():
    """In a list or a dict that begins empty; state belongs to an object that somebody holds."""

    def rule(_, path):
        nodes = [node for node in tree_of(path).body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value]
        empty = [node for node in nodes if ast.unparse(node.value) in ("[]", "{}", "set()")]
        names = [ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0]) for node in empty]
        # Capitals name a table, even one without a row yet.
        return [name for name in names if not name.isupper()]

    assert not offenders(rule)


def test_what_is_public_has_a_docstring():
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

    def rule(name, path):
        nodes = [tree_of(path)]
        for node in nodes:
            # Functions inside functions are nobody's interface.
            children = [] if isinstance(node, ast.FunctionDef) else node.body
            nodes += [child for child in children if isinstance(child, kinds) and not child.name.startswith("_")]
        return [getattr(node, "name", name) for node in nodes if not ast.get_docstring(node)]

    assert not offenders(rule)


def test_files_and_folders_hold_one_idea():
    folders = Counter(path.parent.relative_to(PACKAGE).as_posix() for path in FILES.values())
    assert not {folder: count for folder, count in folders.items() if count > MOST_FILES}
    assert not offenders(lambda _, path: max(0, len(path.read_text(encoding="utf-8").splitlines()) - MOST_LINES))


def test_every_folder_with_code_is_a_package():
    """And so goes into the wheel."""
    folders = {path.parent for path in FILES.values()}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


def test_tests_that_need_not_run_on_every_backend_are_there():
    listed = [path for marker in MARKERS for path in files_of(marker)]
    assert not [path for path in listed if not path.is_file()]
    assert len(listed) == len(set(listed))


def test_files_of_tests_have_names_of_their_own():
    """Folders of tests are no packages, so pytest takes two files of one name for one module."""
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert not [name for name, count in names.items() if count > 1]


def test_public_names_stand_once_in_the_stub():
    """Each on a line of its own, re-exported as type checkers ask for it, and nowhere else in the package's root."""
    stub = (PACKAGE / "__init__.pyi").read_text(encoding="utf-8")
    names = [name for _, name in re.findall(r"^from (\S+) import (\w+) as \2$", stub, re.MULTILINE)]
    assert len(names) == stub.count("import")
    assert sorted(set(names)) == sorted(names) == list(medzoo.__all__)
    assert dir(medzoo) == sorted([*names, "__version__"])
    words = {getattr(node, "value", None) for node in ast.walk(tree_of(PACKAGE / "__init__.py"))}
    assert not words & set(names)


@pytest.mark.parametrize("name", medzoo.__all__)
def test_every_public_name_resolves(name):
    value = getattr(medzoo, name)
    assert value.__doc__
    assert value.__name__.endswith(name)


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

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from devices_worker import losses

import medzoo.devices
from medzoo.devices import Parallel, distributed, own_folder, this_process

ROOT = Path(__file__).resolve().parent.parent
BACKEND = keras.backend.backend()
TIME_LIMIT = 300

on_jax = pytest.mark.skipif(BACKEND != "jax", reason="JAX's own distribution.")
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's own distribution.")
several_devices = pytest.mark.skipif(BACKEND == "torch", reason="Keras has no distribution on torch.")


def run_together(devices, *environments):
    """Return what processes print that train together, one for each environment."""
    common = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": BACKEND}
    command = [sys.executable, ROOT / "tests" / "devices_worker.py", json.dumps(devices)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, env={**common, **own}, **options) for own in environments]
    try:
        outputs = [process.communicate(timeout=TIME_LIMIT) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, messages) in zip(processes, outputs, strict=True):
        assert process.returncode == 0, messages
    return [json.loads(output.splitlines()[-1]) for output, _ in outputs]


def free_addresses(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in sockets]
    for server in sockets:
        server.close()
    return addresses


@pytest.fixture(scope="module")
def losses_of_one():
    return losses(None)


def check(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-4, err_msg=name)


@on_jax
def test_two_devices_of_jax_train_as_one(losses_of_one):
    (found,) = run_together("all", {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"})
    check(found, losses_of_one)


@on_tensorflow
def test_two_devices_of_tensorflow_train_as_one(losses_of_one):
    (found,) = run_together(2, {"CPUS": "2"})
    check(found, losses_of_one)


@on_jax
def test_two_processes_of_jax_train_as_one(losses_of_one):
    names = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": free_addresses(1)[0], "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    for found in run_together("all", *({**names, "KERAS_DISTRIBUTION_PROCESS_ID": str(index)} for index in (0, 1))):
        check(found, losses_of_one)


@on_tensorflow
def test_two_processes_of_tensorflow_train_as_one(losses_of_one):
    cluster = {"worker": free_addresses(2)}
    configs = [json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}) for index in (0, 1)]
    for found in run_together("all", *({"TF_CONFIG": config} for config in configs)):
        check(found, losses_of_one)


def test_without_devices_nothing_changes():
    with distributed(None, 4) as parallel:
        assert parallel == Parallel(devices=1, process=0, processes=1)
        assert parallel.training("feed") == parallel.validation("feed") == "feed"


@several_devices
def test_more_devices_than_there_are_is_an_error():
    with (
        pytest.raises(ValueError, match=r"`devices` must be at most \d+ here, or 'all'. Received: devices=512.*To try"),
        distributed(512, 512),
    ):
        pass


@pytest.mark.parametrize("devices", [0, -1, True, 1.5, "every"])
def test_devices_that_are_no_number_are_an_error(devices):
    message = "must be a positive number, 'all' or None. Received: devices="
    with pytest.raises(ValueError, match=message), distributed(devices, 4):
        pass


@several_devices
def test_a_batch_that_does_not_divide_is_an_error(monkeypatch):
    monkeypatch.setitem(medzoo.devices._SCOPES, BACKEND, lambda devices: contextlib.nullcontext(3))
    message = "divisible by the number of devices, 3. Received: batch_size=8. Set it to 9."
    with pytest.raises(ValueError, match=message), distributed(3, 8):
        pass


@pytest.mark.skipif(BACKEND != "torch", reason="The other backends have one.")
def test_several_devices_on_torch_are_an_error():
    with pytest.raises(NotImplementedError, match="on torch. Set KERAS_BACKEND=jax"), distributed(2, 4):
        pass


def test_another_process_writes_into_a_copy(tmp_path, second_process):
    (tmp_path / "recipe.json").write_text("{}")
    with own_folder(tmp_path) as folder:
        assert folder != tmp_path
        assert (folder / "recipe.json").read_text() == "{}"
        (folder / "history.csv").write_text("epoch")
    assert not (tmp_path / "history.csv").exists()


def test_the_first_process_writes_into_the_run(tmp_path):
    with own_folder(tmp_path) as folder:
        assert folder == tmp_path


def test_a_process_learns_its_number_from_the_environment(second_process):
    assert this_process() == (1, 2)


@pytest.fixture
def second_process(monkeypatch):
    config = {"cluster": {"worker": ["first:1", "second:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    monkeypatch.setenv("KERAS_DISTRIBUTION_PROCESS_ID", "1")

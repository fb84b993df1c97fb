"""Networks that run code, read files, or take more memory than there is."""

import json

import keras

from tests.entry.crafts.manifests import DEEP
from tests.entry.crafts.sealing import seal, text


def network(change):
    """A `config.json` whose layers were changed."""

    def craft(folder, secret, marker):
        path = folder / "config.json"
        config = json.loads(path.read_text())
        change(config, secret, marker)
        path.write_text(json.dumps(config))
        seal(folder)

    return craft


def layer(make):
    """A network whose second layer is that of `make(secret, marker)`, with the name and the calls of the former."""

    def change(config, secret, marker):
        former = config["config"]["layers"][1]
        new = make(secret, marker)
        config["config"]["layers"][1] = {**new, "name": former["name"], "inbound_nodes": former["inbound_nodes"]}

    return network(change)


def stock(name, module="keras.layers", /, **config):
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def touching(secret, marker):
    function = eval(f"lambda x: (open({str(marker)!r}, 'w'), x)[1]")
    return keras.saving.serialize_keras_object(keras.layers.Lambda(function))


def with_compile_config(config, secret, marker):
    config["config"]["layers"][1]["compile_config"] = {"optimizer": "adam", "loss": touching(secret, marker)}


def as_activation(part):
    def change(config, secret, marker):
        next(row for row in config["config"]["layers"] if row["class_name"] == "Conv2D")["config"]["activation"] = part

    return network(change)


def huge(config, secret, marker):
    """A network that would take 40 GB, with the weights of a small one."""
    size = 100_000
    dense = stock("Dense", units=size, name="huge")
    config.clear()
    shape = [None, size]
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": shape, "dtype": "float32"}}
    tensor["config"]["keras_history"] = ["image", 0, 0]
    image = stock("InputLayer", batch_shape=shape, dtype="float32", name="image")
    layers = [
        {**image, "name": "image", "inbound_nodes": []},
        {**dense, "name": "huge", "inbound_nodes": [{"args": [tensor], "kwargs": {}}]},
    ]
    ends = {"input_layers": [["image", 0, 0]], "output_layers": [["huge", 0, 0]]}
    functional = stock("Functional", "keras.src.models.functional", name="huge", layers=layers, **ends)
    config.update(functional)


FUNCTION = stock("function", "builtins", config="os.system") | {"config": "system", "module": "os"}
WRAPPED = stock("TimeDistributed", layer=stock("Lambda", function="relu"))

NETWORKS = {
    "a lambda": (layer(touching), "Lambda, which runs code"),
    "a lambda in a wrapper": (layer(lambda *_: WRAPPED), "Lambda, which runs code"),
    "a lambda by its marshalled code": (as_activation({"class_name": "__lambda__", "config": {}}), "'__lambda__'"),
    "a layer of another module": (layer(lambda *_: stock("Popen", "subprocess", args="true")), r"subprocess\.Popen"),
    "a class of the inside of Keras": (
        layer(lambda *_: stock("Lambda", "keras.src.layers.core.lambda_layer")),
        "Lambda, which runs code",
    ),
    "a function of another module": (as_activation(FUNCTION), r"os\.function"),
    "a function of Keras": (
        as_activation(stock("function", "keras.utils") | {"config": "get_file"}),
        r"keras\.utils\.function",
    ),
    "a module that is no text": (layer(lambda *_: stock("Dense", ["keras"])), "no class of Keras"),
    "a class without module": (as_activation({"class_name": "Lambda", "config": {}}), "no class of Keras"),
    "a registered class": (layer(lambda *_: stock("Dense") | {"registered_name": "mine>Evil"}), "no class of Keras"),
    "a vocabulary from a file": (
        layer(lambda secret, _: stock("StringLookup", vocabulary=str(secret))),
        "StringLookup, which reads files",
    ),
    "a SavedModel": (layer(lambda secret, _: stock("TFSMLayer", filepath=str(secret))), "TFSMLayer, which reads files"),
    "a module of torch": (layer(lambda *_: stock("TorchModuleWrapper", module="")), "TorchModuleWrapper"),
    "a compiled layer": (network(with_compile_config), "compile_config|Lambda"),
    "a network of 40 GB": (network(huge), "a network of 10,000,100,000 values"),
    "layers that do not fit": (layer(lambda *_: stock("Dense", units="many")), "no network that Keras can build"),
    "a network nested deep": (text("config.json", DEEP), "nested too deep"),
    "a list": (text("config.json", "[]"), "no network"),
}

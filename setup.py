"""What setup.cfg cannot list: the packages, which are found, and their files, of the zoo's entries the small ones.

Entries of more than 10 MB of weights stay in the repository and on the Hub.
"""

from pathlib import Path

from setuptools import find_packages, setup

# As in medzoo/zoo/export.py, which takes Keras to import.
MOST_EMBEDDED = 10_000_000
weights = Path(__file__).parent.glob("zoo_cards/*/model.weights.h5")
entries = sorted(path.parent.name for path in weights if path.stat().st_size <= MOST_EMBEDDED)

setup(
    packages=[*find_packages(include=["medzoo*"]), "medzoo.zoo_cards"],
    package_data={
        "medzoo": ["py.typed", "*.pyi"],
        "medzoo.models": ["*.json"],
        "medzoo.reports": ["words/*.jinja", "prompt.txt", "*.json"],
        "medzoo.zoo.card": ["*.jinja"],
        "medzoo.zoo_cards": ["*.json", *(f"{name}/{files}" for name in entries for files in ("*", "figures/*"))],
    },
)

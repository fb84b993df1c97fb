"""The packages, which setup.cfg cannot list: all that are found, and the zoo's entries, which lie beside them."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["medzoo*"]), "medzoo.zoo_cards"])

"""Builders of tensorflow-datasets: big data sets are prepared once into shards, and read by `medzoo.data.from_tfds`.

One file for each data set. Each of these prepares one:

    python -m medzoo.data.tfds brain_mri --manual_dir FOLDER --data_dir SHARDS
    tfds build medzoo/data/tfds/brain_mri --manual_dir FOLDER --data_dir SHARDS
    tfds build --imports medzoo.data.tfds.public brain_mri --manual_dir FOLDER --data_dir SHARDS

The command `tfds` needs apache-beam and mlcroissant besides. For a set of your own, write such a file with a
`SamplesBuilder` and give its path.
"""

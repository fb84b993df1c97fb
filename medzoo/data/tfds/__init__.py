"""Builders of tensorflow-datasets: big data sets are prepared once into shards, and read by `medzoo.data.from_tfds`.

`public.py` holds those of public data sets. Either command prepares one:

    python -m medzoo.data.tfds brain_mri --manual_dir FOLDER --data_dir SHARDS
    tfds build --imports medzoo.data.tfds.public brain_mri --manual_dir FOLDER --data_dir SHARDS

The command `tfds` needs apache-beam and mlcroissant as well. For a data set of your own, write a file with a
`SamplesBuilder` and give its path in place of the name.
"""

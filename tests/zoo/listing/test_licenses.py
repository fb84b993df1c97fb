import pytest

from medzoo.zoo.listing.licenses import LICENSES, allows_commercial, find_license, normalise


@pytest.mark.parametrize("name", LICENSES)
def test_an_identifier_is_its_own(name):
    assert normalise(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CC BY 4.0", "cc-by-4.0"),
        ("CC-BY-NC-SA 4.0", "cc-by-nc-sa-4.0"),
        ("Creative Commons Attribution-NonCommercial 4.0 International", "cc-by-nc-4.0"),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "cc-by-sa-4.0"),
        ("CC0 1.0 Universal", "cc0-1.0"),
        ("CC0", "cc0-1.0"),
        ("Apache License, Version 2.0", "apache-2.0"),
        ("Apache 2", "apache-2.0"),
        ("MIT License", "mit"),
        ("GPLv3", "gpl-3.0"),
        ("GPL-3.0-or-later", "gpl-3.0"),
        ("GNU Lesser General Public License v2.1", "lgpl-2.1"),
        ("BSD 3-Clause", "bsd-3-clause"),
    ],
)
def test_ways_to_write_a_licence_give_the_identifier(text, name):
    assert normalise(text) == name


@pytest.mark.parametrize(
    "text", ["CC BY", "not MIT", "Apache 2.0 with Commons Clause", "MIT or GPL-3.0", "CC BY 4.0, non-commercial", "", 5]
)
def test_what_is_not_exactly_a_known_licence_is_none(text):
    assert find_license(text) is None


def test_an_unknown_licence_lists_near_matches_and_the_page_of_all():
    with pytest.raises(ValueError, match=r"Unknown licence 'apache-3'.*apache-2\.0.*repositories-licenses"):
        normalise("apache-3")


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("MIT", True),
        ("CC BY-SA 4.0", True),
        ("CC BY-NC 4.0", False),
        ("apple-amlr", False),
        ("creativeml-openrail-m", None),
        ("other", None),
        ("Our terms", None),
        (None, None),
    ],
)
def test_commercial_use_is_allowed_refused_or_not_known(text, allowed):
    assert allows_commercial(text) is allowed

"""The names, arguments, columns, macros and options that users rely on are those of the listing."""

import json

import interface


def test_the_interface_is_that_of_the_listing():
    """A change on purpose: `python tests/support/interface.py` writes the listing anew, to be read in the commit."""
    assert interface.listing() == json.loads(interface.LISTING.read_text(encoding="utf-8"))

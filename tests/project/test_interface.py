"""The public names, arguments, columns, macros and options are those of the listing."""

import json

import interface


def test_the_interface_is_that_of_the_listing():
    """After an intended change, `python tests/support/interface.py` writes the listing; the commit then shows it."""
    assert interface.listing() == json.loads(interface.LISTING.read_text(encoding="utf-8"))

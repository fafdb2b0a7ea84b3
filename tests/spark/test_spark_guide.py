"""The blocks on Spark of the guide run from top to bottom, and print what the page shows."""

import contextlib
import io

import pages
import pytest

PAGE = pages.ROOT / "examples" / "guides" / "larger.md"


@pytest.mark.usefixtures("as_deployed")
def test_the_guide_runs_and_prints_what_the_page_shows(classic, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = [block for block in pages.blocks(PAGE.read_text(encoding="utf-8")) if block.language == pages.ON_SPARK]
    names = {"spark": classic}
    compared = 0
    for block in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(block.code.replace('"moments"', f'"{tmp_path}/moments"'), PAGE.name, "exec"), names)
        if block.printed is not None:
            assert printed.getvalue().strip() == block.printed.strip()
            compared += 1
    assert len(blocks) == 3
    assert compared == 1

"""Every snippet of the README and of each guide runs, and prints what the page shows; every link leads somewhere."""

import re
from pathlib import Path

import pages
import pytest
import shells
from filelock import FileLock

PAGES = [pages.ROOT / "README.md", *sorted((pages.ROOT / "examples" / "guides").glob("*.md"))]
NAMES = [path.relative_to(pages.ROOT).as_posix() for path in PAGES]


def text_of(name: str) -> str:
    return (pages.ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def flights(tmp_path_factory, worker_id):
    """The folder with the flights, written once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    folder = shared / "flights-of-pages"
    with FileLock(shared / "flights-of-pages.lock"):
        if not (folder / "flights-warehouse" / "aircraft.parquet").is_file():
            folder.mkdir(exist_ok=True)
            pages.write_flights(folder)
    return folder / "flights-warehouse"


@pytest.mark.parametrize("engine", shells.ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_snippets_run_and_print_what_the_page_shows(name, engine, tmp_path, monkeypatch, request):
    text = text_of(name)
    monkeypatch.chdir(tmp_path)
    pages.prepare(tmp_path)
    if "flights-warehouse" in text:
        (tmp_path / "flights-warehouse").symlink_to(request.getfixturevalue("flights"))
    with shells.with_macros(engine) as file:
        for block, printed in pages.results(pages.Page(name, tmp_path, engine, file), text):
            if block.printed is not None:
                assert printed == block.printed, f"line {block.line}"
            elif block.language == "python":
                assert printed == "", f"line {block.line}: show what the block prints in a `text` block below it"


@pytest.mark.parametrize(
    "command",
    [
        *("shrink", "components", "regress", "predict", "coefficients", "draws"),
        *("profile", "compare", "moments", "merge", "refresh", "sql"),
    ],
)
def test_the_pages_show_every_command(command):
    assert any(f"polars-pool {command} " in block.code for name in NAMES for block in pages.blocks(text_of(name)))


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and the site write it."""
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")


def anchors(path: Path) -> set[str]:
    without_code = pages.FENCE.sub("", path.read_text(encoding="utf-8"))
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", without_code, flags=re.MULTILINE)}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_files_and_headings(name):
    page = pages.ROOT / name
    for target, _, anchor in re.findall(r"\]\(([^)#:\s]*)(#([^)\s]*))?\)", pages.FENCE.sub("", text_of(name))):
        path = (page.parent / target) if target else page
        assert path.exists(), target
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{target}#{anchor}"


# ---- the rules for blocks ------------------------------------------------------------------------------------------


def fence(language: str, code: str) -> str:
    return f"```{language}\n{code}\n```\n"


def test_a_page_runs_from_top_to_bottom(tmp_path):
    text = "\n".join(
        [
            fence("python", "x = 2"),
            "1. in a list\n\n    ```python\n    print(x * 3)\n    ```\n\n    ```text\n    6\n    ```\n",
            fence("sql", "CREATE TABLE t AS SELECT 1.5 AS a;\nFROM t; -- done"),
            fence("text", "old"),
            fence("sh", "polars-pool --version > version; polars-pool --version") + fence("text", ""),
            fence("yaml", "a: 1"),
        ]
    )
    page = pages.Page("page.md", tmp_path, "module", tmp_path / "page.duckdb")
    table, six = "│          1.5 │", "    ```text\n    6\n    ```\n"
    printed = {block.language: printed for block, printed in pages.results(page, text)}
    assert printed["python"] == "6"
    assert table in printed["sql"]
    assert printed["sh"].startswith("0.")
    quick = text.partition("```sh")[0]  # a process takes half a second
    written = pages.rewritten(pages.Page("page.md", tmp_path, "module", tmp_path / "again.duckdb"), quick)
    assert six in written
    assert table in written
    assert "old" not in written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (fence("", "x"), "line 1: a block has one of"),
        (fence("bash", "x"), "not 'bash'"),
        (fence("text", "x"), "no block that runs is above"),
        (fence("yaml", "x") + fence("text", "x"), "line 4: no block"),
    ],
)
def test_blocks_that_a_page_may_not_have(text, message):
    with pytest.raises(ValueError, match=message):
        pages.blocks(text)


def test_an_error_names_the_line(tmp_path):
    page = pages.Page("page.md", tmp_path, "module", tmp_path / "page.duckdb")
    with pytest.raises(ZeroDivisionError) as caught:
        list(pages.results(page, "text\n\n" + fence("python", "1 / 0")))
    assert "page.md, line 3" in caught.value.__notes__[0]


def test_a_progress_bar_leaves_no_trace():
    assert pages.screen("reading 0\r\x1b[2Kreading 1\n\r\x1b[1A\x1b[2Kgroups 3\r\n") == "groups 3\n"

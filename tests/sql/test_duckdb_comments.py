"""Every public macro is described: in duckdb_functions() and in the table of contents of pool.sql."""

import re

import duckdb
import pytest
import shells
import ways

import polars_pool as pool
from polars_pool.formulas.priors import OF_MU, OF_RATES, OF_TAU
from polars_pool.rendering import comments, contents, files, messages

TEXT = (pool.SQL / "pool.sql").read_text(encoding="utf-8")
PUBLIC = set(re.findall(r"^CREATE OR REPLACE MACRO (pool_\w+)\(", TEXT, flags=re.MULTILINE))
COMMENTED = r"""
    SELECT function_name, comment FROM duckdb_functions()
    WHERE NOT internal AND function_name LIKE 'pool\_%' ESCAPE '\' AND database_name {}
"""


@pytest.mark.parametrize("engine", shells.ENGINES)
def test_every_public_macro_has_a_comment(engine):
    [rows] = shells.answers(engine, [COMMENTED.format("<> 'temp'")])
    assert {row["function_name"] for row in rows} == PUBLIC
    assert not [row["function_name"] for row in rows if len(row["comment"] or "") < 10]


@pytest.mark.parametrize("temporary", [False, True])
def test_installed_macros_have_comments(temporary):
    """In the database, or in the connection where the database is left as it is."""
    with duckdb.connect() as connection:
        for _ in range(2 if ways.full else 1):
            pool.install_macros(connection, temporary=temporary)
            rows = connection.execute(COMMENTED.format("= 'temp'" if temporary else "= 'memory'")).fetchall()
            assert {name for name, comment in rows if comment} == PUBLIC


def test_the_comment_on_a_verb_describes_its_arguments():
    with shells.with_macros("module") as file, duckdb.connect(file) as connection:
        described = dict(connection.execute(COMMENTED.format("<> 'temp'")).fetchall())
    assert "tau2: Variance between groups" in described["pool_shrink"]
    for name in comments.VERBS.keys() | comments.VARIANTS.keys():
        lines = described[name].splitlines()
        assert lines[1].startswith("tbl: "), name
        assert any(line.startswith(("by: ", "outer: ")) for line in lines), name


def test_the_comment_on_a_verb_is_spelled_as_in_sql():
    """Texts in single quotes, priors as texts, no `name=`; what only Python accepts is left out."""
    priors = {prior.__name__: prior.name for prior in (*OF_TAU.values(), *OF_MU.values(), *OF_RATES.values())}
    for macro in comments.macros(TEXT):
        if macro.name in comments.VERBS.keys() | comments.VARIANTS.keys():
            text = comments.described(macro)
            assert '"' not in text
            assert not re.search(rf"`\w+=|\b({'|'.join(priors)})\(|prior of sigma\b", text), macro.name
            assert set(re.findall(r"'(\w+)\(", text)) <= set(priors.values())
            lines = dict(line.split(": ", 1) for line in text.splitlines()[1:])
            assert len(set(lines.values())) == len(lines), f"{macro.name} describes two arguments alike"
            assert lines.keys() == set(macro.parameters) - {"_pool_unnamed", "_pool_absent"}


def test_comments_start_with_their_own_subject():
    for macro in comments.macros(TEXT):
        assert not re.match(r"(The same|Its|Theirs|It)\b", comments.described(macro)), macro.name


def test_the_contents_list_every_public_macro():
    head = TEXT[: TEXT.index("CREATE OR REPLACE MACRO")]
    listed = head[len(contents.PREFACE) :]
    assert set(re.findall(r"\bpool_\w+", listed)) >= PUBLIC
    assert head.startswith(contents.PREFACE)


def test_rendered_files_name_their_source():
    for path, text in files.rendered().items():
        assert re.search(r"^-- Rendered from \S+.* by `python -m polars_pool.rendering`: edit there", text, re.M), path
    folder = pool.SQL / "parts" / "rendered"
    assert {f"parts/rendered/{file.name}" for file in folder.iterdir()} == files.rendered().keys() - {files.FORMULAS}


def test_every_file_is_loaded_once():
    """All but the dbt package, a project of its own: `test_dbt.py` builds it."""
    every = {str(file.relative_to(pool.SQL).as_posix()) for file in pool.SQL.rglob("*.sql")}
    of_dbt = {file for file in every if file.startswith("dbt/")}
    assert every - of_dbt - {files.POOL} == set(files.PARTS)
    assert len(files.PARTS) == len(set(files.PARTS))


def test_lines_are_short():
    for path in set(files.PARTS) - {files.COMMENTS}:
        for number, line in enumerate((pool.SQL / path).read_text(encoding="utf-8").splitlines(), 1):
            assert len(line) <= 120, f"{path}:{number}"


def test_every_sentence_that_is_rendered_is_raised_by_sql():
    by_hand = "\n".join((pool.SQL / path).read_text(encoding="utf-8") for path in files.PARTS if "rendered" not in path)
    for name, _ in messages.templates():
        assert f"_pool_message_{name.lower()}(" in by_hand, name

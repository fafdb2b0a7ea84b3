"""The parts of a source: each file once, with the types that Polars infers from all files, and with a version."""

import gzip
import os
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import webserver
from polars.testing import assert_frame_equal
from pyarrow import fs

import polars_pool as pool
from polars_pool.store.sources import listing, parts

ROWS = pl.DataFrame({"g": ["a", "b"], "y": [1.0, 2.0]})
ODD = [
    "a b",
    "a[b]",
    "[",
    "a*b",
    "a?b",
    "ü",
    "日本",
    "#1",
    "a%20b",
    "50%",
    "{x,y}",
    "~x",
    "a'b",
    'a"b',
    "a$b",
    "-x",
    "a;b",
]


def write(path, frame=ROWS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return path


def rows(source) -> pl.DataFrame:
    return pl.concat([part.scan() for part in parts(source)]).collect()


# ---- which files -------------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path):
    for name in ("top.parquet", "x/one.parquet", "x/y/two.parquet", "x/y/notes.txt", "x/_delta_log/log.parquet",
                 "x/.hidden.parquet", "_temporary/part.parquet", "_k=1/kept.parquet"):  # fmt: skip
        write(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.parquet", ["top"]),
        ("x/*.parquet", ["one"]),
        ("x/**/*.parquet", ["log", "one", "two"]),  # a pattern matches literally, except names that begin with a dot
        ("**/t*.parquet", ["top", "two"]),
        ("x/?/[st]wo.parquet", ["two"]),
        ("top.parquet", ["top"]),
        ("x/y", ["two"]),
        ("x", ["one", "two"]),
    ],
)
def test_paths_patterns_and_folders(tree, pattern, expected):
    for source in (str(tree / pattern), tree / pattern, (tree / pattern).as_uri().replace("%2A", "*")):
        assert sorted(Path(part.name).stem for part in parts(source)) == expected


def test_a_folder_excludes_internal_files_of_writers(tree):
    (tree / "top.parquet").unlink()
    (tree / "x/y/two.parquet").unlink()
    (tree / "x/one.parquet").unlink()
    assert [Path(part.name).stem for part in parts(tree)] == ["kept"]


def test_a_pattern_relative_to_the_working_folder_names_whole_paths(tree, monkeypatch):
    monkeypatch.chdir(tree / "x")
    assert [part.name for part in parts("y/*.parquet")] == [str(tree / "x/y/two.parquet")]
    assert [part.name for part in parts("../top.parquet")] == [str(tree / "top.parquet")]


def test_the_home_folder(tree, monkeypatch):
    monkeypatch.setenv("HOME", str(tree))
    assert [part.name for part in parts("~/x/*.parquet")] == [str(tree / "x/one.parquet")]


def test_a_list_names_no_file_twice_and_is_sorted(tree):
    result = [part.name for part in parts([tree / "x", str(tree / "top.parquet"), str(tree / "x/y/*.parquet")])]
    assert result == sorted(str(tree / name) for name in ("top.parquet", "x/one.parquet", "x/y/two.parquet"))


def test_nothing_in_an_empty_folder_or_list(tmp_path):
    assert parts(tmp_path) == []
    assert parts([]) == []


@pytest.mark.parametrize("odd", ODD)
def test_odd_names_are_ordinary(tmp_path, odd):
    file = write(tmp_path / odd / f"k={odd.replace('=', '')}" / f"{odd}.parquet")
    for source in (file, file.parent, tmp_path / odd, f"{tmp_path}/{odd}/**/*.parquet", file.as_uri(), [str(file)]):
        [part] = parts(source)
        assert part.name == str(file)
        assert part.scan().select("g", "y").collect().equals(ROWS)
        assert part.current() == part.version


def test_a_pattern_handles_folders_with_brackets_literally(tmp_path):
    kept = write(tmp_path / "a[b]/x.parquet")
    write(tmp_path / "ab/x.parquet")
    assert [part.name for part in parts(f"{tmp_path}/a[b]/*.parquet")] == [str(kept)]
    (tmp_path / "a[b]").rename(tmp_path / "other")
    assert [part.name for part in parts(f"{tmp_path}/a[b]/*.parquet")] == [str(tmp_path / "ab/x.parquet")]


@pytest.mark.parametrize("name", ["missing.parquet", "*.parquet", "no/**/*.parquet"])
def test_a_source_that_matches_nothing_is_named(tmp_path, name):
    with pytest.raises(FileNotFoundError) as error:
        parts(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


@pytest.mark.parametrize("source", [7, None, [1, 2], {"a": 1}, pl.DataFrame({"g": [1]})])
def test_an_invalid_source(source):
    with pytest.raises(TypeError, match=r"give a path, a glob pattern, a folder, a URL, or a list of them"):
        parts(source)


@pytest.mark.parametrize("url", ["ftp://host/x.parquet", "hdfs://host/x/*.parquet"])
def test_an_unknown_scheme_is_named_with_the_known_ones(url):
    with pytest.raises(ValueError, match=r"https.*s3") as error:
        parts(url)
    assert url in str(error.value)


def test_a_file_url_with_a_host_is_refused():
    with pytest.raises(ValueError, match=r"'tmp'.*three slashes"):
        parts("file://tmp/x.parquet")


# ---- versions ----------------------------------------------------------------------------------------------


def test_a_version_changes_with_the_file(tmp_path):
    file = write(tmp_path / "a.parquet")
    [part] = parts(file)
    assert part.current() == part.version
    os.utime(file, ns=(1, 1))
    assert part.current() != part.version
    assert parts(file)[0].version == part.current()
    write(file, ROWS.head(1))
    os.utime(file, ns=(1, 1))
    assert part.current() not in (part.version, None)
    file.unlink()
    assert part.current() is None


# ---- schemas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "folders",
    [
        ["year=2023/m=1", "year=2024/m=2"],
        ["year=2024/m=1", "year=x/m=2"],
        ["d=2024-01-01", "d=2024-01-02"],
        ["d=2024-01-01", "d=__HIVE_DEFAULT_PARTITION__", "d=x"],
        ["k=a%2Fb", "k=1"],
        ["plain", "folders"],
    ],
)
def test_hive_columns_have_the_types_that_all_files_give_them(tmp_path, folders):
    files = [write(tmp_path / folder / "rows.parquet") for folder in folders]
    expected = pl.scan_parquet(files, hive_partitioning=True, glob=False).collect()
    result = rows(tmp_path / "**/*.parquet")
    assert result.schema == expected.schema
    assert_frame_equal(result, expected, check_row_order=False)
    assert all(part.scan().collect_schema() == expected.schema for part in parts(tmp_path))


def test_a_hive_value_stands_for_a_column_in_the_file(tmp_path):
    write(tmp_path / "y=7/rows.parquet")
    write(tmp_path / "y=8/rows.parquet")
    result = rows(tmp_path)
    assert result.schema["y"] == pl.Float64  # the type in the files, as in Polars
    assert set(result["y"]) == {7.0, 8.0}


def test_filters_of_hive_columns(tmp_path):
    write(tmp_path / "d=2024-01-01/rows.parquet")
    [part] = parts(tmp_path)
    assert part.scan().filter(pl.col("d") < date(2025, 1, 1)).collect().height == 2
    assert part.scan().filter(pl.col("d") > date(2025, 1, 1)).collect().height == 0


def test_different_hive_keys_are_refused(tmp_path):
    write(tmp_path / "year=1/rows.parquet")
    write(tmp_path / "month=1/rows.parquet")
    with pytest.raises(ValueError, match=r"month=1.*\['month'\].*year=1.*\['year'\]"):
        parts(tmp_path)


def test_columns_in_another_order_and_further_ones(tmp_path):
    write(tmp_path / "a.parquet")
    write(tmp_path / "b.parquet", ROWS.select("y", "g").with_columns(z=1))
    assert rows(tmp_path).rows() == [("a", 1.0), ("b", 2.0)] * 2


def test_a_missing_column_is_an_error_of_that_file_and_another_type_is_its_own(tmp_path):
    write(tmp_path / "a.parquet")
    write(tmp_path / "b.parquet", ROWS.select("g"))
    write(tmp_path / "c.parquet", ROWS.cast({"y": pl.Int8}))
    _, b, c = parts(tmp_path)
    with pytest.raises(pl.exceptions.PolarsError, match="y"):
        b.scan().collect()
    assert b.scan().select("g").collect().height == 2  # a column that is not read may be missing
    assert c.scan().collect().equals(ROWS.cast({"y": pl.Int8}))


def test_a_file_that_is_not_parquet(tmp_path):
    (tmp_path / "a.parquet").write_text("no")
    [part] = parts(tmp_path)
    with pytest.raises(pl.exceptions.PolarsError, match=r"a\.parquet' cannot be read as Parquet"):
        part.scan()


# ---- web ---------------------------------------------------------------------------------------------------


def test_a_file_of_a_web_server(tmp_path):
    file = write(tmp_path / "year=2024/a b.parquet", pl.DataFrame({"g": range(5_000), "y": [1.0] * 5_000}))
    with webserver.serving(tmp_path) as address:
        [part] = parts(f"{address}/year=2024/a%20b.parquet")
        assert part.scan().select(pl.col("y").sum(), pl.col("year").first()).collect().row(0) == (5_000.0, 2024)
        assert part.current() == part.version
        write(file)
        assert part.current() not in (part.version, None)
        file.unlink()
        assert part.current() is None
        with pytest.raises(FileNotFoundError, match=r"a%20b\.parquet"):
            parts(f"{address}/year=2024/a%20b.parquet")


def test_a_web_server_that_sends_no_version(tmp_path):
    write(tmp_path / "a.parquet")
    with webserver.serving(tmp_path, tells=()) as address, pytest.raises(ValueError, match="neither ETag nor"):
        parts(f"{address}/a.parquet")
    with pytest.raises(OSError, match=r"a\.parquet' cannot be reached"):
        parts(f"{address}/a.parquet")  # the server has stopped


def test_a_web_server_that_refuses_requests(tmp_path):
    write(tmp_path / "a.parquet")
    forbidden = webserver.serving(tmp_path, do_HEAD=lambda handler: handler.send_error(403))
    with forbidden as address, pytest.raises(OSError, match=r"a\.parquet' did not send its version: HTTP 403"):
        parts(f"{address}/a.parquet")


# ---- object stores -----------------------------------------------------------------------------------------


def objects(folder, path):
    """The files of a bucket, for which a local folder stands in."""
    result = listing.objects(fs.LocalFileSystem(), str(folder), path, "s3://bucket/", ".parquet")
    return sorted(file.name.removeprefix("s3://bucket/") for file in result)


@pytest.mark.parametrize(
    "pattern",
    ["*.parquet", "x/*.parquet", "x/**/*.parquet", "**/t*.parquet", "**/*.parquet", "x/?/[st]wo.parquet", "x/**",
     "**", "x/[!z]/*.parquet", "x/*/t[!a-v]o.parquet", "top.parquet"],
)  # fmt: skip
def test_patterns_match_the_same_names_in_object_stores(tree, pattern):
    expected = [file.name.removeprefix(f"{tree}/") for file in listing.files(str(tree / pattern), ".parquet")]
    assert objects(tree, pattern) == expected


def test_folders_and_files_of_object_stores(tree):
    assert objects(tree, "x") == objects(tree, "x/") == ["x/one.parquet", "x/y/two.parquet"]
    assert objects(tree, "") == ["_k=1/kept.parquet", "top.parquet", "x/one.parquet", "x/y/two.parquet"]
    for missing in ("missing.parquet", "no/*.parquet", "x/*.csv"):
        with pytest.raises(FileNotFoundError, match="s3://bucket/"):
            objects(tree, missing)


@pytest.mark.parametrize("odd", ODD)
def test_odd_names_in_object_stores(tmp_path, odd):
    write(tmp_path / "data" / odd / "x.parquet")
    assert objects(tmp_path, "data") == objects(tmp_path, "data/**/*.parquet") == [f"data/{odd}/x.parquet"]


def test_versions_in_object_stores(tmp_path):
    path = write(tmp_path / "a.parquet")
    [file] = listing.objects(fs.LocalFileSystem(), str(tmp_path), "a.parquet", "s3://bucket/", ".parquet")
    assert file.current() == file.version
    os.utime(path, ns=(1, 1))
    assert file.current() != file.version
    path.unlink()
    assert file.current() is None


def test_a_bucket_from_listing_to_rows(bucket):
    for year in (1, 2):
        write(bucket / f"a b/year={year}/x.parquet")
    for source, years in {"a b/**/*.parquet": [1, 2], "a b": [1, 2], "a b/year=[2]/*": [2]}.items():
        result = parts(f"s3://{bucket.name}/{source}")
        assert [part.name for part in result] == [f"s3://{bucket.name}/a b/year={year}/x.parquet" for year in years]
        assert [part.current() for part in result] == [part.version for part in result]
        assert [part.scan().collect()["year"].to_list() for part in result] == [[year] * 2 for year in years]
    write(bucket / "a b/year=2/x.parquet", ROWS.head(1))
    assert result[0].current() not in (None, result[0].version)
    (bucket / "a b/year=2/x.parquet").unlink()
    assert result[0].current() is None


@pytest.mark.parametrize("odd", ["a%20b", "50%", "a#b", "日本", "a+b", "a&b", "k=a#b"])
def test_odd_names_in_a_bucket(bucket, odd):
    write(bucket / odd / "x.parquet")
    [part] = parts(f"s3://{bucket.name}/{odd}")
    assert part.name == f"s3://{bucket.name}/{odd}/x.parquet"
    assert part.scan().select("g", "y").collect().equals(ROWS)


def test_a_bucket_and_what_follows_it(monkeypatch):
    """No request is made if the endpoint is set."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    filesystem, base, path = listing.object_store("s3://bucket/a b/[c]")
    assert (filesystem.type_name, base, path) == ("s3", "bucket", "a b/[c]")
    assert listing.object_store("s3://bucket")[1:] == ("bucket", "")


def test_azure_needs_an_account(monkeypatch):
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(ValueError, match="AZURE_STORAGE_ACCOUNT_NAME"):
        parts("az://container/x/*.parquet")


# ---- text --------------------------------------------------------------------------------------------------

TEXT = {
    "a.csv": b"g,y\na,1\nb,2.5\n",
    "a.CSV": b"g,y\na,1\nb,2.5\n",
    "a.tsv": b"g\ty\na\t1\nb\t2.5\n",
    "a.ndjson": b'{"g":"a","y":1.0}\n{"g":"b","y":2.5}\n',
    "a.jsonl": b'{"g":"a","y":1.0}\n{"g":"b","y":2.5}\n',
    "a.json": b'[{"g":"a","y":1.0},{"g":"b","y":2.5}]',
    "a[1].ndjson": b'{"g":"a","y":1.0}\n{"g":"b","y":2.5}\n',
    "a*.csv": b"g,y\na,1\nb,2.5\n",
}
TYPED = pl.DataFrame({"g": ["a", "b"], "y": [1.0, 2.5]})


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", TEXT)
def test_types_of_text_come_from_all_its_rows(tmp_path, name, packed):
    content = gzip.compress(TEXT[name]) if packed else TEXT[name]
    file = tmp_path / "k=7" / (name + ".gz" * packed)
    file.parent.mkdir()
    file.write_bytes(content)
    for source in (file, tmp_path):
        if name == "a.CSV" and source == tmp_path:
            continue  # in folders, only endings in lower case are recognised
        [part] = parts(source)
        assert part.name == str(file)
        assert_frame_equal(part.scan().collect(), TYPED.with_columns(k=pl.lit(7, pl.Int64)))
        assert part.current() == part.version


def test_a_number_after_many_integers_is_no_error(tmp_path):
    lines = "".join(f"a,{n}\n" for n in range(500))
    (tmp_path / "a.csv").write_text(f"g,y\n{lines}b,0.5\n")
    [part] = parts(tmp_path)
    assert part.scan().collect()["y"].dtype == pl.Float64


def test_a_header_without_rows_fits_other_files(tmp_path):
    (tmp_path / "a.csv").write_text("g,y\na,1\na,2.5\n")
    (tmp_path / "b.csv").write_text("g,y\n")
    (tmp_path / "c.csv").write_text('g,y\n"1",x\n')
    full, empty, text = (part.scan().collect() for part in parts(tmp_path))
    assert (full.height, empty.schema, text["y"].dtype) == (2, {"g": pl.Null, "y": pl.Null}, pl.String)
    (tmp_path / "c.csv").unlink()
    store = pool.MomentStore(tmp_path / "store", "y", by="g")
    store.refresh(tmp_path / "*.csv")
    assert store.scan().collect().rows() == [("a", 2, 1.75, 1.125)]


def test_a_folder_must_have_text_files_of_one_kind(tmp_path):
    (tmp_path / "a.csv").write_bytes(TEXT["a.csv"])
    (tmp_path / "b.json").write_bytes(TEXT["a.json"])
    with pytest.raises(ValueError, match=r"several kinds, \.csv, \.json; give a pattern"):
        parts(tmp_path)
    assert [Path(part.name).name for part in parts(tmp_path / "*.csv")] == ["a.csv"]
    write(tmp_path / "c.parquet")
    assert [Path(part.name).name for part in parts(tmp_path)] == ["c.parquet"]  # text files are ignored


@pytest.mark.parametrize(("name", "content", "reason"), [
    ("a.csv", b"", "cannot be read as csv"),
    ("a.json", b'{"g": 1}', "contains no array"),
    ("a.ndjson", b"no", "cannot be read as ndjson"),
    ("a.xlsx", b"no", "cannot be read as Parquet; the ending of another file must be .csv"),
])  # fmt: skip
def test_text_that_cannot_be_read_is_named(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    [part] = parts(tmp_path / name)
    with pytest.raises((ValueError, pl.exceptions.PolarsError), match=re.escape(reason)) as error:
        part.scan().collect()
    assert str(tmp_path / name) in str(error.value)


# ---- links and names ---------------------------------------------------------------------------------------


def named(source) -> list[str]:
    return [Path(part.name).name for part in parts(source)]


def test_links_to_parent_folders_are_not_followed(tmp_path):
    write(tmp_path / "wh/x/a.parquet")
    (tmp_path / "wh/loop").symlink_to(".")
    (tmp_path / "wh/x/up").symlink_to("..")
    (tmp_path / "wh/x/other").symlink_to("../..")
    for source in (tmp_path / "wh", tmp_path / "wh/**/*.parquet", tmp_path / "**/*.parquet", tmp_path / "wh/loop"):
        assert named(source) == ["a.parquet"]
    assert [part.name for part in parts(tmp_path / "wh")] == [str(tmp_path / "wh/x/a.parquet")]


def test_links_to_folders_elsewhere_are_followed(tmp_path):
    write(tmp_path / "far/x/a.parquet")
    (tmp_path / "wh").mkdir()
    (tmp_path / "wh/near").symlink_to(tmp_path / "far")
    for source in (tmp_path / "wh", tmp_path / "wh/**/*.parquet", tmp_path / "wh/*/x/*"):
        assert [part.name for part in parts(source)] == [str(tmp_path / "wh/near/x/a.parquet")]


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_file_under_two_names_counts_once(tmp_path, link):
    file = write(tmp_path / "b.parquet")
    for name in ("a.parquet", "c.parquet"):
        link(file, tmp_path / name)
    for source in (tmp_path, tmp_path / "*.parquet", [str(tmp_path / "a.parquet"), str(file)]):
        assert named(source) == ["b.parquet" if link is os.symlink else "a.parquet"]


def test_a_file_cannot_have_two_hive_values(tmp_path):
    file = write(tmp_path / "k=1/a.parquet")
    (tmp_path / "k=2").mkdir()
    (tmp_path / "k=2/a.parquet").symlink_to(file)
    with pytest.raises(ValueError, match=r"k=1/a\.parquet' and .*k=2/a\.parquet' are one file"):
        parts(tmp_path)


@pytest.mark.parametrize("name", ["b.parquet", "folder"])
def test_a_dangling_link_is_named(tmp_path, name):
    write(tmp_path / "a.parquet")
    (tmp_path / name).symlink_to("gone")
    for source in (tmp_path, tmp_path / "**/*", tmp_path / "*", tmp_path / name):
        with pytest.raises(FileNotFoundError, match=rf"the link '{tmp_path / name}' points to 'gone'"):
            parts(source)


def test_a_name_that_is_not_utf8_is_named(tmp_path):
    write(tmp_path / "a.parquet")
    os.rename(tmp_path / "a.parquet", os.fsencode(tmp_path) + b"/caf\xe9.parquet")
    for source in (tmp_path, tmp_path / "*.parquet", os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.parquet")):
        with pytest.raises(ValueError, match=r"/caf\\xe9\.parquet' is not UTF-8.*rename it"):
            parts(source)

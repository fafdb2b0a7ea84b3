"""A regular install, an editable install and a plain checkout all find the SQL folder and register .pool."""

import importlib.util
import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

USE = """
import json
import polars as pl
import duckdb
import polars_pool as pool

connection = duckdb.connect()
pool.install_macros(connection, temporary=True)
scores = pl.DataFrame({"school": ["a", "a", "b", "b"], "score": [1.0, 2.0, 5.0, 6.0]})
print(json.dumps({
    "package": pool.__file__,
    "sql": str(pool.SQL),
    "formulas": (pool.SQL / "formulas.sql").read_text(encoding="utf-8"),
    "macros": (pool.SQL / "pool.sql").read_text(encoding="utf-8"),
    "in_sql": len(connection.execute("FROM pool_shrink(scores, score, school)").fetchall()),
    "typed": (pool.SQL.__class__(pool.__file__).parent / "py.typed").is_file(),
    "estimates": scores.pool.shrink("score", by="school").height,
    "lazy": scores.lazy().pool.shrink("score", by="school").collect().height,
    "beside": scores.select(pl.col("score").pool.shrink(by="school")).height,
}))
"""


class Environment:
    """A new virtual environment that uses the packages of the running one, so that nothing is downloaded."""

    def __init__(self, folder: Path) -> None:
        venv.create(
            folder, with_pip=importlib.util.find_spec("pip") is None, symlinks=True
        )  # pip may come from the running environment
        self.folder = folder
        self.paths = sysconfig.get_paths(scheme="venv", vars={"base": str(folder), "platbase": str(folder)})
        # The name sorts after the files of the install: packages installed here come before those of the other one.
        borrowed = Path(self.paths["purelib"]) / "zz_borrowed.pth"
        borrowed.write_text(sysconfig.get_path("purelib") + "\n" + sysconfig.get_path("platlib") + "\n")

    def python(self, *arguments: str) -> str:
        command = [str(Path(self.paths["scripts"]) / "python"), *arguments]
        # Outside the checkout, whose folders would be found by accident.
        done = subprocess.run(command, check=False, cwd=self.folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, *arguments: str) -> None:
        pip = ("-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation", "--force-reinstall")
        self.python(*pip, *arguments)

    def use(self) -> dict[str, object]:
        return json.loads(self.python("-I", "-c", USE))


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path / "fresh")


def check(result: dict[str, object], package: Path, sql: Path) -> None:
    assert Path(result["package"]).resolve() == (package / "__init__.py").resolve()
    assert Path(result["sql"]).resolve() == sql.resolve()
    assert result["formulas"] == (ROOT / "sql" / "formulas.sql").read_text(encoding="utf-8")
    assert result["macros"] == (ROOT / "sql" / "pool.sql").read_text(encoding="utf-8")
    assert result["typed"]
    assert (result["estimates"], result["lazy"], result["beside"], result["in_sql"]) == (2, 2, 4, 2)


def source_archive(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [archive] = folder.glob("*.tar.gz")
    return archive


@pytest.mark.share(2)
@pytest.mark.parametrize("source", ["checkout", "archive"])
def test_regular_install_has_its_own_sql_folder(environment, source, tmp_path):
    environment.install(str(ROOT if source == "checkout" else source_archive(tmp_path / "sdist")))
    installed = Path(environment.paths["purelib"]) / "polars_pool"
    check(environment.use(), installed, installed / "sql")


def test_editable_install_uses_the_checkout(environment):
    environment.install("--editable", str(ROOT))
    check(environment.use(), ROOT / "polars_pool", ROOT / "sql")


def test_checkout_on_the_path_uses_its_sql_folder(environment):
    (Path(environment.paths["purelib"]) / "checkout.pth").write_text(str(ROOT) + "\n")
    check(environment.use(), ROOT / "polars_pool", ROOT / "sql")

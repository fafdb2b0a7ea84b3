"""Hooks of mkdocs: README.md is the first page, and what pages link to outside of guides becomes a page of the site.

Links in README.md and in the guides are written for a checkout. On the site, a link to a file or a folder of the
checkout leads to a page in `code`, which shows the file or lists the folder.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
GUIDES = ROOT / "examples" / "guides"
README = ROOT / "README.md"
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)(#[^)\s]*)?\)")
CODE = re.compile(r"(^ *```.*?^ *```$|`[^`\n]*`(?!\]))", re.MULTILINE | re.DOTALL)
LANGUAGES = {
    ".py": "python",
    ".sql": "sql",
    ".md": "markdown",
    ".R": "r",
    ".csv": "text",
    ".toml": "toml",
    ".yml": "yaml",
    ".sh": "sh",
}
LARGEST = 200_000
"""Bytes of a file that a page shows; of a larger one it shows the beginning."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page of the README, the style, and a page for each file and folder that a page links to."""
    files.append(File.generated(config, "index.md", content=README.read_text(encoding="utf-8")))
    files.append(File.generated(config, "site.css", abs_src_path=str(ROOT / "examples" / "site.css")))
    for path in sorted(_linked([README, *GUIDES.glob("*.md")])):
        files.append(File.generated(config, _page_of(path), content=_shown(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links into the checkout into links of the site."""
    source = _source(page.file.src_uri)
    if source.suffix != ".md":
        return markdown
    folder = posixpath.dirname(page.file.src_uri)

    def on_site(link: re.Match[str]) -> str:
        path = (source.parent / link[1]).resolve()
        target = posixpath.relpath(_page_of(path), folder or ".") if path.exists() else link[1]
        return f"]({target}{link[2] or ''})"

    parts = CODE.split(markdown)
    parts[::2] = [LINK.sub(on_site, part) for part in parts[::2]]
    return "".join(parts)


def _linked(pages: list[Path]) -> set[Path]:
    """The files and folders outside of the pages that pages link to, directly or through other pages."""
    linked: set[Path] = set()
    while pages:
        targets = {path for page in pages for path in _targets(page) if not _is_of_site(path)}
        targets |= {path for folder in targets if folder.is_dir() for path in _files(folder)}
        pages = [path for path in targets - linked if path.suffix == ".md" and not _is_of_site(path)]
        linked |= {path for path in targets if not _is_of_site(path)}
    return linked


def _targets(page: Path) -> list[Path]:
    text = "".join(CODE.split(page.read_text(encoding="utf-8"))[::2])
    paths = [(page.parent / link[1]).resolve() for link in LINK.finditer(text)]
    return [path for path in paths if path.exists()]  # mkdocs reports the others


def _is_of_site(path: Path) -> bool:
    return path == README or (path.is_file() and path.is_relative_to(GUIDES))


def _page_of(path: Path) -> str:
    """The page of the site that shows a file or a folder of the checkout."""
    if path == README:
        return "index.md"
    if path.is_file() and path.is_relative_to(GUIDES):
        return path.relative_to(GUIDES).as_posix()
    return f"code/{path.relative_to(ROOT).as_posix()}.md"


def _source(page: str) -> Path:
    """The file or folder that a page of the site shows."""
    if page == "index.md":
        return README
    return ROOT / page.removeprefix("code/").removesuffix(".md") if page.startswith("code/") else GUIDES / page


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in LANGUAGES)


def _shown(path: Path) -> str:
    """The page of a file or of a folder, which the search leaves out."""
    head = f"---\ntitle: {path.name}\nsearch:\n  exclude: true\n---\n\n"
    if path.suffix == ".md":
        return head + path.read_text(encoding="utf-8")
    head += f"# {path.relative_to(ROOT).as_posix()}\n\n"
    if path.is_dir():
        return head + "".join(f"- [{file.name}]({path.name}/{file.name}.md)\n" for file in _files(path))
    text = path.read_text(encoding="utf-8")
    shown = text[:LARGEST].rpartition("\n")[0] if len(text) > LARGEST else text.rstrip()
    rest = "" if len(text) <= LARGEST else f"\n\nThe file has {text.count(chr(10)):,} lines; this is its beginning."
    return f"{head}~~~~{LANGUAGES.get(path.suffix, 'text')}\n{shown}\n~~~~{rest}\n"

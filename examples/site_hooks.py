"""Hooks of mkdocs: README.md is the first page, and what pages link to outside of guides becomes a page of the site.

Links in README.md and in the guides are written for a checkout. On the site, a link to a file or a folder of the
checkout leads to a page in `code`, which shows the file or lists the folder.
"""

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
LANGUAGES = {".py": "python", ".sql": "sql", ".md": "markdown", ".toml": "toml", ".yml": "yaml", ".sh": "sh"}
LARGEST = 200_000
"""Bytes of a file that a page shows; of a larger one it shows the beginning."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page of the README, the style, and a page for each file and folder that a page links to."""
    files.append(File.generated(config, "index.md", content=README.read_text(encoding="utf-8")))
    files.append(File.generated(config, "site.css", abs_src_path=str(ROOT / "examples" / "site.css")))
    pages = [README, *GUIDES.glob("*.md")]
    linked = {path for page in pages for path in _targets(page) if not _is_of_site(path)}
    linked |= {path for folder in linked if folder.is_dir() for path in _files(folder)}
    for path in sorted(linked):
        files.append(File.generated(config, _page_of(path), content=_shown(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links into the checkout into links of the site."""
    if page.file.src_uri.startswith("code/"):
        return markdown
    base = ROOT if page.file.src_uri == "index.md" else GUIDES
    parts = CODE.split(markdown)
    parts[::2] = [LINK.sub(lambda link: f"]({_on_site(base, link[1])}{link[2] or ''})", part) for part in parts[::2]]
    return "".join(parts)


def _targets(page: Path) -> list[Path]:
    text = "".join(CODE.split(page.read_text(encoding="utf-8"))[::2])
    paths = [(page.parent / link[1]).resolve() for link in LINK.finditer(text)]
    return [path for path in paths if path.exists()]  # mkdocs reports the others


def _is_of_site(path: Path) -> bool:
    return path == README or (path.is_file() and path.is_relative_to(GUIDES))


def _on_site(base: Path, target: str) -> str:
    """The address of a target from a page at the root of the site."""
    path = (base / target).resolve()
    if path == README:
        return "index.md"
    if path.is_file() and path.is_relative_to(GUIDES):
        return path.relative_to(GUIDES).as_posix()
    return _page_of(path) if path.exists() else target


def _page_of(path: Path) -> str:
    return f"code/{path.relative_to(ROOT).as_posix()}.md"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in LANGUAGES)


def _shown(path: Path) -> str:
    """The page of a file or of a folder, which the search leaves out."""
    head = f"---\ntitle: {path.name}\nsearch:\n  exclude: true\n---\n\n# {path.relative_to(ROOT).as_posix()}\n\n"
    if path.is_dir():
        return head + "".join(f"- [{file.name}]({path.name}/{file.name}.md)\n" for file in _files(path))
    text = path.read_text(encoding="utf-8")
    shown = text[:LARGEST].rpartition("\n")[0] if len(text) > LARGEST else text.rstrip()
    rest = "" if len(text) <= LARGEST else f"\n\nThe file has {text.count(chr(10)):,} lines; this is its beginning."
    return f"{head}~~~~{LANGUAGES.get(path.suffix, 'text')}\n{shown}\n~~~~{rest}\n"

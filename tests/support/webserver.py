"""A web server of one folder for tests: HEAD, ranges, ETag and Last-Modified, which Polars and stores request."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class Handler(BaseHTTPRequestHandler):
    folder: Path
    tells = ("ETag", "Last-Modified")

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        path = self.folder / unquote(urlsplit(self.path).path).lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        data, status = path.read_bytes(), path.stat()
        start, end = 0, len(data) - 1
        requested = self.headers.get("Range")
        if requested:
            first, last = requested.removeprefix("bytes=").split("-")
            start, end = (int(first), min(end, int(last or end))) if first else (max(0, len(data) - int(last)), end)
        self.send_response(206 if requested else 200)
        headers = {
            "ETag": f'"{status.st_mtime_ns}-{status.st_size}"',
            "Last-Modified": formatdate(status.st_mtime, usegmt=True),
        }
        for name in self.tells:
            self.send_header(name, headers[name])
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start + 1))
        if requested:
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(data)}")
        self.end_headers()
        if body:
            self.wfile.write(data[start : end + 1])

    def log_message(self, *_):
        """Print no log."""


class Buckets(Handler):
    """An object store with the S3 protocol: subfolders are buckets, and can be listed."""

    def answer(self, body):
        url = urlsplit(self.path)
        bucket = self.folder / unquote(url.path).strip("/")
        if "list-type" not in parse_qs(url.query):
            super().answer(body)
            return
        prefix = parse_qs(url.query).get("prefix", [""])[0]
        files = {str(path.relative_to(bucket)): path.stat() for path in bucket.rglob("*") if path.is_file()}
        files = {key: status for key, status in files.items() if key.startswith(prefix)}
        contents = ""
        for key, status in sorted(files.items()):  # as in S3, and as readers of logs expect
            modified = f"{datetime.fromtimestamp(status.st_mtime, UTC):%Y-%m-%dT%H:%M:%S.000Z}"
            contents += f"<Contents><Key>{escape(key)}</Key><LastModified>{modified}</LastModified>"
            contents += f"<ETag>{status.st_mtime_ns}</ETag><Size>{status.st_size}</Size></Contents>"
        count = f"<KeyCount>{len(files)}</KeyCount><IsTruncated>false</IsTruncated>"
        data = f"<ListBucketResult>{count}{contents}</ListBucketResult>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving(folder, kind=Handler, **attributes):
    """The address of a server of the folder."""
    handler = type("FolderHandler", (kind,), {"folder": Path(folder), **attributes})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

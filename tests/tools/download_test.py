"""dcgan-prepare download, from a server on the loopback address that misbehaves in every way."""

import hashlib
import io
import json
import re
import resource
import tarfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from programs import ProgramTest

CONTENT = bytes(range(256)) * 4000  # 1 MB


class Server(ThreadingHTTPServer):
    """Serves CONTENT under any name; `cuts` says after how many bytes each of the next answers breaks off."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts, self.ranges, self.content, self.asked = [], True, CONTENT, []
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        pass  # clients that break off are part of the tests


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        if "missing" in self.path:
            self.send_error(404)
            return
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(wanted.group(1)) if wanted and server.ranges else 0
        server.asked.append((self.path, first))
        if first and first >= len(server.content):
            self.send_error(416)
            return
        body = server.content[first:]
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(server.content) - 1}/{len(server.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else None
        self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True
            self.connection.close()

    def log_message(self, *arguments):
        pass


class Download(ProgramTest):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.out = self.folder / self.id().rsplit(".", 1)[-1]
        self.md5 = hashlib.md5(CONTENT).hexdigest()

    def download(self, name, *arguments, **options):
        return self.run_program("dcgan-prepare", "download", name, "-o", self.out, *arguments, **options)

    def assert_refused(self, name, *arguments, code=1, says, **options):
        self.assert_refuses("dcgan-prepare", "download", name, "-o", self.out, *arguments, code=code, says=says,
                            **options)

    def test_a_file_comes_whole_and_is_not_fetched_twice(self):
        url = f"{self.server.address}/folder/file.bin"
        first = self.download(url, "--md5", self.md5, "--json")
        self.assertEqual((self.out / "file.bin").read_bytes(), CONTENT)
        self.assertEqual(json.loads(first.stdout)["files"][0], {"file": str(self.out / "file.bin"), "fetched": True,
                                                                "checked": True})
        self.assertIn("there already", self.download(url, "--md5", self.md5).stdout)
        self.assertEqual(len(self.server.asked), 1)
        (self.out / "file.bin").write_bytes(b"other")
        self.assert_refused(url, "--md5", self.md5, says=["file.bin", self.md5, hashlib.md5(b"other").hexdigest()])
        self.assertEqual([path.name for path in self.out.iterdir()], ["file.bin"])

    def test_a_connection_that_breaks_is_taken_up_where_it_broke(self):
        self.server.cuts = [300_000, 1000, 0, 0]
        result = self.download(f"{self.server.address}/file.bin", "--md5", self.md5)
        self.assertEqual((self.out / "file.bin").read_bytes(), CONTENT)
        self.assertEqual([first for _, first in self.server.asked], [0, 300_000, 301_000, 301_000, 301_000])
        self.assertEqual(result.stderr.count("trying again"), 4)

    def test_after_too_many_broken_connections_the_next_call_goes_on(self):
        self.server.cuts = [300_000] + [0] * 5
        self.assert_refused(f"{self.server.address}/file.bin", "--md5", self.md5, says=["file.bin", "same command"])
        self.assertEqual((self.out / "file.bin.partial").stat().st_size, 300_000)
        self.assertFalse((self.out / "file.bin").exists())
        self.download(f"{self.server.address}/file.bin", "--md5", self.md5)
        self.assertEqual(self.server.asked[-1][1], 300_000)
        self.assertEqual((self.out / "file.bin").read_bytes(), CONTENT)

    def test_a_server_without_ranges_starts_again(self):
        self.server.ranges = False
        self.server.cuts = [300_000]
        result = self.download(f"{self.server.address}/file.bin", "--md5", self.md5)
        self.assertIn("starting again", result.stderr)
        self.assertEqual((self.out / "file.bin").read_bytes(), CONTENT)

    def test_a_partial_file_that_was_whole_is_checked_and_taken(self):
        self.out.mkdir()
        (self.out / "file.bin.partial").write_bytes(CONTENT)
        self.download(f"{self.server.address}/file.bin", "--md5", self.md5)
        self.assertEqual((self.out / "file.bin").read_bytes(), CONTENT)

    def test_a_wrong_checksum_is_never_taken_for_the_file(self):
        self.server.content = CONTENT[:-1]
        self.assert_refused(f"{self.server.address}/file.bin", "--md5", self.md5,
                            says=[self.md5, hashlib.md5(CONTENT[:-1]).hexdigest(), "removed"])
        self.assertFalse(self.out.exists(), "what is refused leaves nothing behind")
        # The official checksums hold for mirrors, too.
        self.assert_refused("svhn", "--mirror", self.server.address, says=["train_32x32.mat", "MD5"])
        self.assertFalse(self.out.exists(), "what is refused leaves nothing behind")

    def test_data_sets_without_a_checksum_say_so_and_what_comes_next(self):
        text = self.download("lsun-bedroom", "--mirror", f"{self.server.address}/lsun/").stdout
        self.assertIn("no checksum is known", text)
        self.assertIn(f"dcgan-prepare lsun {self.out}/bedroom_train_lmdb", text)
        self.assertEqual(self.server.asked[0][0], "/lsun/bedroom_train_lmdb.zip")

    def test_into_a_folder_that_is_called_as_the_place_of_its_name_comes_to_an_end(self):
        self.out = self.folder / "FOLDER"
        text = self.download("lsun-bedroom", "--mirror", f"{self.server.address}/lsun/").stdout
        self.assertIn(f"dcgan-prepare lsun {self.out}/bedroom_train_lmdb", text)

    def test_an_archive_is_unpacked_once_its_checksum_is_right(self):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            member = tarfile.TarInfo("batches/data.bin")
            member.size = 1000
            tar.addfile(member, io.BytesIO(CONTENT))
        self.server.content = archive.getvalue()
        url = f"{self.server.address}/batches.tar.gz"
        self.assert_refused(url, "--unpack", "--md5", self.md5, says=["batches.tar.gz", "MD5"])
        self.assert_refused("cifar10", "--mirror", self.server.address, says=["cifar-10-binary.tar.gz", "MD5"])
        self.assertFalse(self.out.exists(), "what is refused leaves nothing behind")
        right = hashlib.md5(archive.getvalue()).hexdigest()
        self.download(url, "--md5", right)
        self.assertFalse((self.out / "batches").exists())
        self.download(url, "--unpack", "--md5", right)
        self.assertEqual((self.out / "batches/data.bin").read_bytes(), CONTENT[:1000])
        self.server.content = CONTENT
        self.assert_refused(f"{self.server.address}/no.tar.gz", "--unpack", says=["no.tar.gz", "cannot be unpacked"])

    def test_servers_that_refuse_or_are_not_there_are_named(self):
        self.assert_refused(f"{self.server.address}/missing.bin", says=["missing.bin", "404", "--mirror"])
        self.assert_refused("cifar10", "--mirror", "http://127.0.0.1:1", says=["127.0.0.1", "is there a network"])
        self.assert_refused("cifar10", "--mirror", "http://no-such-host.invalid",
                            says=["no-such-host.invalid", "is there a network"])

    def test_a_full_disk_keeps_what_came(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

        self.assert_refused(f"{self.server.address}/file.bin", "--md5", self.md5, preexec_fn=limit,
                            says=["file.bin.partial", "disk full"])
        self.assertGreater((self.out / "file.bin.partial").stat().st_size, 0)
        self.download(f"{self.server.address}/file.bin", "--md5", self.md5)
        self.assertEqual((self.out / "file.bin").read_bytes(), CONTENT)

    def test_what_cannot_be_meant_is_refused(self):
        refuses = [("imagenet", [], ["imagenet", "cifar10", "svhn", "lsun-bedroom"]),
                   ("svhn", ["--md5", "0"], ["--md5"]),
                   ("svhn", ["--unpack"], ["--unpack"]),
                   ("http://127.0.0.1/a", ["--mirror", "http://127.0.0.1"], ["--mirror"]),
                   ("http://127.0.0.1/", [], ["names no file"])]
        for name, arguments, says in refuses:
            with self.subTest(name=name):
                self.assert_refused(name, *arguments, code=2, says=says)
        self.assert_refuses("dcgan-prepare", "download", "svhn", code=2, says=["-o"])


if __name__ == "__main__":
    unittest.main()

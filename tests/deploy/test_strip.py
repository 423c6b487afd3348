"""Compiled libraries are smaller without what only debuggers read, and are loaded as before."""

import shutil
import subprocess
import sys
from pathlib import Path

import uvloop.loop

from tests.support.deployment.deployments import DEPLOY

SCRIPT = DEPLOY / "strip.py"


def stripped(directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, SCRIPT, directory], capture_output=True, text=True, check=False)


def test_a_stripped_library_is_smaller_and_works(tmp_path: Path) -> None:
    library = Path(uvloop.loop.__file__)
    copy = tmp_path / library.name
    shutil.copy(library, copy)

    assert stripped(tmp_path).returncode == 0
    assert copy.stat().st_size < library.stat().st_size / 2
    loading = (
        "import importlib.util as util, sys; spec = util.spec_from_file_location('uvloop.loop', sys.argv[1]);"
        "module = util.module_from_spec(spec); spec.loader.exec_module(module);"
        "loop = module.Loop(); print(loop.is_running()); loop.close()"
    )
    loaded = subprocess.run([sys.executable, "-c", loading, copy], capture_output=True, text=True, check=False)
    assert loaded.stdout == "False\n", loaded.stderr


def test_a_library_is_cut_once_and_what_is_none_never(tmp_path: Path) -> None:
    text = tmp_path / "notes.so.txt"
    text.write_bytes(b"\x7fELF, and no more")
    shutil.copy(Path(uvloop.loop.__file__), tmp_path / "loop.so")
    stripped(tmp_path)
    before = (tmp_path / "loop.so").read_bytes()

    assert stripped(tmp_path).stdout == "0 bytes of symbols are cut out\n"
    assert (tmp_path / "loop.so").read_bytes() == before
    assert text.read_bytes() == b"\x7fELF, and no more"


def test_what_is_no_directory_is_named_as_wrong(tmp_path: Path) -> None:
    ended = stripped(tmp_path / "nowhere")

    assert (ended.returncode, ended.stderr) == (2, "usage: strip.py DIRECTORY\n")

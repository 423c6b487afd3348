"""Cut out of compiled libraries what only debuggers and linkers read: `python strip.py DIRECTORY`. Needs Python alone.

What the loader reads stands in segments; symbols, debug sections and the table that finds them follow the last of
them in the file. https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html
"""

import struct
import sys
from pathlib import Path

ELF64_LITTLE = b"\x7fELF\x02\x01"
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT_OFFSET, SEGMENT_SIZE = 8, 32
NOTHING = 0


def cut(path: Path) -> int:
    """Cut the file and return how many bytes that saved; one that is no ELF file of this kind stays as it is."""
    content = path.read_bytes()
    if not content.startswith(ELF64_LITTLE) or len(content) < HEADER.size:
        return 0
    fields = list(HEADER.unpack_from(content))
    kept = max(HEADER.size, *_ends(content, offset=fields[5], size=fields[9], count=fields[10]))
    if kept > len(content):
        return 0
    fields[6], fields[12], fields[13] = NOTHING, NOTHING, NOTHING
    path.write_bytes(HEADER.pack(*fields) + content[HEADER.size : kept])
    return len(content) - kept


def _ends(content: bytes, *, offset: int, size: int, count: int) -> list[int]:
    """Return where each segment ends in the file, and the table of them."""
    ends = [offset + size * count]
    for number in range(count):
        at = offset + size * number
        [start], [length] = (struct.unpack_from("<Q", content, at + each) for each in (SEGMENT_OFFSET, SEGMENT_SIZE))
        ends.append(start + length)
    return ends


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.stderr.write("usage: strip.py DIRECTORY\n")
        sys.exit(2)
    saved = sum(cut(path) for path in Path(sys.argv[1]).rglob("*.so*") if path.is_file() and not path.is_symlink())
    sys.stdout.write(f"{saved:,} bytes of symbols are cut out\n")

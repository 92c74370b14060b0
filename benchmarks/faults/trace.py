"""What a process asked of its files, out of a trace by strace."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "openat,close,dup,dup2,dup3,fcntl,lseek,write,pwrite64,writev,pwritev,sendfile,"
    "copy_file_range,ftruncate,truncate,fallocate,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,unlink,unlinkat,rmdir,"
    "mkdir,mkdirat,link,linkat,symlink,symlinkat"
)
_LINE = re.compile(r"(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))", re.DOTALL)
_ENDED = re.compile(r"(.*)\) += (-?\d+)(?: .*)?$", re.DOTALL)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_UNFINISHED = " <unfinished ...>"


@dataclass(frozen=True)
class Call:
    """A call that succeeded: its plain arguments, its texts as bytes, and what it returned.

    ``begun`` and ``ended`` are its places in the trace.
    """

    name: str
    plain: tuple[str, ...]
    texts: tuple[bytes, ...]
    result: int
    begun: int
    ended: int


def traced(command: Sequence[str | Path], output: Path, cwd: Path) -> list[Call]:
    """Run a command under strace; return its calls in the order in which they ended."""
    strace = ["strace", "-f", "-xx", "-s", "100000000", "-e", f"trace={CALLS}", "-o", str(output)]
    subprocess.run([*strace, *map(str, command)], check=True, cwd=cwd)
    with output.open() as lines:
        return list(calls(lines))


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Yield the calls of a trace that succeeded, in the order in which they ended."""
    begun: dict[str, tuple[str, str, int]] = {}
    for at, line in enumerate(lines):
        found = _LINE.match(line.rstrip("\n"))
        if not found:
            continue
        process, name, rest, resumed, ending = found.groups()
        start = at
        if resumed:
            name, rest, start = begun.pop(process)
            rest += ending
            if name == "close":
                continue
        elif rest.endswith(_UNFINISHED):
            rest = rest.removesuffix(_UNFINISHED)
            begun[process] = (name, rest, at)
            if name != "close":
                continue
            rest += ") = 0"  # another thread may get the same descriptor before this one ends
        if (ended := _ENDED.match(rest)) and int(ended[2]) >= 0:
            texts = tuple(bytes.fromhex(one.replace("\\x", "")) for one in _TEXT.findall(ended[1]))
            plain = tuple(part.strip() for part in _TEXT.sub("_", ended[1]).split(","))
            yield Call(name, plain, texts, int(ended[2]), start, at)

"""The workloads: the probes of bench/guest/probes/probes.def, those of bench/guest/workloads, and starting the kernel."""

import dataclasses
import pathlib
import re

GUEST = pathlib.Path(__file__).parent.parent


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    kind: str  # compute, system, shell, program, parallel or boot
    about: str


BOOT = Workload("boot", "boot", "from starting the program to the initramfs's shell")

SCRIPTED = [
    Workload("fork", "shell", "bash: 200 x fork and exec of /usr/bin/true"),
    Workload("shell", "shell", "bash: arithmetic loop, 100k"),
    Workload("pipes", "shell", "bash: 50 x three-stage pipes"),
    Workload("gcc", "program", "gcc -O2 of a 20-line file"),
    Workload("python", "program", "python3: 300k dict updates"),
    Workload("sha256", "program", "openssl: sha256 of 50 MB"),
    Workload("aes", "program", "openssl: aes-128-ctr of 50 MB"),
    Workload("rsa", "program", "openssl: prime tests of a 2048-bit RSA key"),
    Workload("zstd", "program", "zstd -5 of 8 MB"),
    Workload("xz", "program", "xz -2 of 3 MB"),
    Workload("sqlite", "program", "sqlite3: 100k inserts, index, query"),
]
PARALLEL = [
    Workload("parallel", "parallel", "two processes of coremark and fib"),
    Workload("compiles", "parallel", "gcc -O2 of eight files, two at a time"),
]


def probes():
    text = (GUEST / "probes" / "probes.def").read_text()
    return [Workload(*row) for row in re.findall(r'^PROBE\((\w+), (\w+), "(.*)"\)$', text, re.MULTILINE)]


def everything():
    return probes() + SCRIPTED + [*PARALLEL, BOOT]


def default(harts):
    return [w for w in everything() if w.kind != "parallel" or harts > 1]


def chosen(names, harts):
    """The workloads of a comma-separated list of names and kinds; raises ValueError for one that is neither."""
    if not names:
        return default(harts)
    found = []
    for name in names.split(","):
        matches = [w for w in everything() if name in (w.name, w.kind)]
        if not matches:
            known = sorted({w.name for w in everything()} | {w.kind for w in everything()})
            raise ValueError(f"there is no workload {name}; there are: {' '.join(known)}")
        found += [w for w in matches if w not in found]
    return found

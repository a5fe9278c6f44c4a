"""Ways to run the workloads: a guest on Vireo or on QEMU, the probes alone by QEMU's user mode or on this host."""

import dataclasses
import os
import re
import selectors
import subprocess
import time

RESULT = re.compile(r"^([a-z0-9]+) ([0-9.]+) ([0-9a-f]{16})$")
FAILED = re.compile(r"^([a-z0-9]+) failed (\d+)$")
BROKEN = re.compile(r"Kernel panic|^init: cannot ")
STARTED = re.compile(r"^started ([a-z0-9]+)$")
READY = "vireo-bench-ready"


class EngineError(Exception):
    """An engine did not do what was asked; the text is for the user."""


@dataclasses.dataclass
class Sample:
    """One workload once; all in milliseconds."""

    guest: float  # by the guest's clock
    host: float  # by this host's, from the guest's word that it starts to its result
    cpu: float  # processor time that the engine's process took for it
    checksum: str


@dataclasses.dataclass
class Images:
    kernel: str
    initrd: str  # with the probes
    guest_kernel: str
    guest_initrd: str
    root: str
    tools: str  # the tar archive that is the second disk


@dataclasses.dataclass
class Machine:
    harts: int
    memory: str = "1GiB"
    # As in configs/riscv64-minimal.yaml and riscv64-debian.yaml.
    boot_cmdline: str = "console=ttyS0 quiet cryptomgr.notests=1"
    guest_cmdline: str = "root=/dev/vda rw console=ttyS0 quiet cryptomgr.notests=1"


def processor_milliseconds(pid):
    """The processor time of a process, its threads together (clock_getcpuclockid(3): CPUCLOCK_SCHED of a PID)."""
    try:
        return time.clock_gettime_ns((~pid << 3) | 2) / 1e6
    except OSError:
        return 0.0


class Console:
    """A process whose output is read line by line until it ends or says nothing for too long."""

    silence = 600  # seconds

    def __init__(self, command, env=None):
        self.command = command
        self.tail = []
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT, env=env)
        except OSError as error:
            raise EngineError(f"cannot start {command[0]}: {error.strerror}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def lines(self):
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while True:
                if not selector.select(self.silence):
                    raise EngineError(f"{self.command[0]} said nothing for {self.silence} s\n{self.last_words()}")
                chunk = os.read(self.process.stdout.fileno(), 65536)
                if not chunk:
                    return
                *done, pending = (pending + chunk).split(b"\n")
                for line in done:
                    text = line.decode(errors="replace").rstrip("\r")
                    self.tail = self.tail[-9:] + [text]
                    if BROKEN.search(text):
                        raise EngineError(f"the guest of {self.command[0]} failed\n{self.last_words()}")
                    yield text

    def last_words(self):
        return "\n".join("  | " + line for line in self.tail)


def collect(console, engine, names):
    """Yields what a console reports as (workload, Sample), until it ends; all that is named must be there by then."""
    began, missing = {}, set(names)
    for line in console.lines():
        now, cpu = time.monotonic() * 1e3, processor_milliseconds(console.process.pid)
        if match := STARTED.match(line):
            began[match[1]] = (now, cpu)
        elif match := RESULT.match(line):
            start, start_cpu = began.get(match[1], (now, cpu))
            missing.discard(match[1])
            yield match[1], Sample(float(match[2]), now - start, cpu - start_cpu, match[3])
        elif match := FAILED.match(line):
            raise EngineError(f"{match[1]} ended with status {match[2]}\n{console.last_words()}")
    if missing:
        raise EngineError(f"{engine} gave no result for {' '.join(sorted(missing))}\n{console.last_words()}")


class Guest:
    """A whole machine."""

    def __init__(self, images, machine):
        self.images = images
        self.machine = machine

    def run(self, names):
        """One start of the Debian guest runs all the named workloads."""
        # Commas: the kernel panics when its command line has more than 32 words for init (init/main.c, MAX_INIT_ARGS).
        job = f"mkdir /tmp/b && tar -xf /dev/vdb -C /tmp/b && /tmp/b/workloads run {','.join(names)}"
        with Console(self.guest_command(f"vireo.run={job}")) as console:
            yield from collect(console, self.name, names)

    def boot(self):
        start = time.monotonic()
        with Console(self.boot_command(f"vireo.run=echo {READY}")) as console:
            for line in console.lines():
                if line.endswith(READY):
                    elapsed = (time.monotonic() - start) * 1e3
                    return Sample(elapsed, elapsed, processor_milliseconds(console.process.pid), "0" * 16)
            raise EngineError(f"{self.name} did not reach the initramfs\n{console.last_words()}")


class Vireo(Guest):
    name = "vireo"

    def __init__(self, images, machine, program, accel, folder):
        super().__init__(images, machine)
        self.start = [program, "run"]
        self.options = ["--memory", machine.memory, "--cpus", str(machine.harts), *(["--accel", accel] if accel else [])]
        self.folder = folder

    def guest_command(self, append):
        return self.start + [f"{self.folder}/riscv64-bench.yaml", *self.options, "--append", append]

    def boot_command(self, append):
        return self.start + [f"{self.folder}/riscv64-probes.yaml", *self.options, "--append", append]


class OneHart(Vireo):
    """What a machine of several harts is compared with, by the workloads that can use them."""

    name = "one hart"

    def __init__(self, images, machine, program, accel, folder):
        super().__init__(images, dataclasses.replace(machine, harts=1), program, accel, folder)


class QemuSystem(Guest):
    name = "qemu"

    def __init__(self, images, machine, program):
        super().__init__(images, machine)
        self.program = program

    def command(self, kernel, initrd, append, disks=()):
        thread = "multi" if self.machine.harts > 1 else "single"
        command = [self.program, "-M", "virt", "-cpu", "rv64", "-smp", str(self.machine.harts),
                   "-m", self.machine.memory.replace("iB", ""), "-accel", f"tcg,thread={thread}",
                   "-display", "none", "-vga", "none", "-serial", "stdio", "-monitor", "none", "-net", "none",
                   "-no-reboot", "-object", "rng-random,id=rng,filename=/dev/urandom",
                   "-device", "virtio-rng-device,rng=rng,bus=virtio-mmio-bus.0",
                   "-kernel", kernel, "-initrd", initrd, "-append", append]
        # The kernel names disks in the order of the device tree, which has the last slot first.
        for slot, (path, options) in enumerate(disks):
            command += ["-drive", f"file={path},format=raw,if=none,id=disk{slot},{options}",
                        "-device", f"virtio-blk-device,drive=disk{slot},bus=virtio-mmio-bus.{7 - slot}"]
        return command

    def guest_command(self, append):
        disks = [(self.images.root, "snapshot=on"), (self.images.tools, "readonly=on")]
        return self.command(self.images.guest_kernel, self.images.guest_initrd,
                            f"{self.machine.guest_cmdline} {append}", disks)

    def boot_command(self, append):
        return self.command(self.images.kernel, self.images.initrd, f"{self.machine.boot_cmdline} {append}")


class Program:
    """The probes as a program of this host, by QEMU's user mode or as they are."""

    def __init__(self, name, command):
        self.name = name
        self.command = command

    def run(self, names):
        with Console([*self.command, *names], env={**os.environ, "PROBE_MARKS": "1"}) as console:
            yield from collect(console, self.name, names)

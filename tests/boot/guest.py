"""One `vireo run` under test: its console, its terminal, its process."""

import json
import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTOR = 512


CACHE = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')


def image(arch, name):
    """What scripts/guest made."""
    return CACHE / 'vireo/images' / arch / name


class Failure(Exception):
    """A test's expectation that did not hold."""


def require(condition, what):
    if not condition:
        raise Failure(what)


class Guest:
    """A machine that runs in `folder`. Every wait ends at `deadline` (time.monotonic) with a Failure.

    With `terminal` the console is a pseudo-terminal, otherwise a pipe. `prefix` is a command that runs the program, if
    this machine does not do so itself.
    """

    def __init__(self, vireo, folder, machine, deadline, options=(), terminal=False, prefix=()):
        self.folder = Path(folder)
        self.deadline = deadline
        self.console = ''
        self._seen = 0
        file = self.folder / 'machine.yaml'
        file.write_text(json.dumps(machine))  # JSON is YAML
        if terminal:
            self._ours, self.terminal = pty.openpty()
            ends = dict(stdin=self.terminal, stdout=self.terminal)
        else:
            self._ours, self.terminal = None, None
            ends = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # Python ignores SIGXFSZ and SIGPIPE; the program gets them as a shell would give them.
        self.process = subprocess.Popen([*prefix, vireo, 'run', file, *options], stderr=subprocess.STDOUT, start_new_session=True,
                                        restore_signals=True, **ends)
        self._output = self._ours if terminal else self.process.stdout.fileno()
        self._input = self._ours if terminal else self.process.stdin.fileno()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout):
            if file:
                file.close()
        for fd in (self._ours, self.terminal):
            if fd is not None:
                os.close(fd)

    def _read(self, seconds):
        """Adds what the guest prints within that time to the console; False at its end."""
        if not select.select([self._output], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._output, 65536)
        except OSError:  # a pseudo-terminal that nobody holds any more
            data = b''
        self.console += data.decode(errors='replace').replace('\r', '')
        return bool(data)

    def wait_for(self, text):
        """Until the console has `text` after what was waited for before."""
        while text not in self.console[self._seen:]:
            require(time.monotonic() < self.deadline, f'no "{text}" in time')
            if not self._read(0.2):
                raise Failure(f'vireo ended (status {self.process.wait()}) before "{text}"')
        self._seen = self.console.index(text, self._seen) + len(text)

    def type(self, text):
        os.write(self._input, text.encode())

    def read_for(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self._read(left):
            pass

    def end(self):
        """Until the program ends; its exit status, with -n for a signal as subprocess has it."""
        while self.process.poll() is None:
            require(time.monotonic() < self.deadline, 'vireo did not end in time')
            self._read(0.1)
        while self._output != self._ours and self._read(0):
            if not select.select([self._output], [], [], 0)[0]:
                break
        return self.process.returncode

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def processor_seconds(self):
        """What the program has used of the host's processors."""
        fields = Path(f'/proc/{self.process.pid}/stat').read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def own_memory(self):
        """Bytes of the host's memory that the program has beside the guest's RAM (proportional set size)."""
        total, is_guests = 0, False
        for line in Path(f'/proc/{self.process.pid}/smaps').read_text().splitlines():
            key = line.split(maxsplit=1)[0]
            if not key.endswith(':'):
                is_guests = 'memfd:vireo-guest-memory' in line
            elif key == 'Pss:' and not is_guests:
                total += int(line.split()[1]) * 1024
        return total


def script_disk(folder, script, name='script.img'):
    """A disk that is a script: the guest runs `bash /dev/vdb`."""
    text = (ROOT / 'tests/boot/guest' / script).read_bytes()
    path = Path(folder) / name
    path.write_bytes(text + b'\n' * (-len(text) % SECTOR))
    return {'path': str(path), 'format': 'raw', 'readonly': True}


def empty_disk(folder, name, size):
    path = Path(folder) / name
    with open(path, 'wb') as file:
        file.truncate(size)
    return {'path': str(path), 'format': 'raw'}

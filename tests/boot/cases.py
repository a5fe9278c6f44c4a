"""What is tested: a table of guests, what they run, and what must be seen."""

import difflib
import hashlib
import os
import re
import resource
import shutil
import socket
import subprocess
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import x86_checks
from guest import CACHE, ROOT, Failure, Guest, empty_disk, image, require, script_disk

MIB = 1 << 20
PROMPT = '# '
ROOT_DISK = {'path': 'cache:riscv64/root.ext4', 'format': 'raw', 'snapshot': True}


# As Linux calls them.
MACHINE_NAMES = {'x86_64': 'x86_64', 'arm64': 'aarch64', 'riscv64': 'riscv64'}


@dataclass
class Case:
    """`config` is a machine file of configs/; `cpus` replaces what it says.

    `command` or `script` (of tests/boot/guest, with arguments, and a scratch disk of 64 MiB as /dev/vdc) runs in the guest,
    must end with status 0 and print `expected`; then the guest powers off. Without either, `check` does the whole test.
    """

    name: str
    config: str
    cpus: int
    about: str
    command: str = ''
    script: str = ''
    expected: tuple = ()
    check: Callable = None
    seconds: int = 120  # limit
    sanitized: bool = False  # also run with the sanitizers, which make a guest several times slower
    on_request: bool = False
    accel: str = ''  # the engine, whatever the command line says
    kvm: str = ''  # runs on such a host, where /dev/kvm works, under scripts/with-kvm; never with another engine


class Run:
    """A case that is being run."""

    def __init__(self, case, vireo, folder, factor=1, accel='auto'):
        self.case, self.vireo, self.folder, self.accel = case, vireo, folder, case.accel or accel
        self.deadline = time.monotonic() + case.seconds * factor
        self.kvm_options, self.kvm_wrapper = [], []  # of scripts/with-kvm, and what runs the program there
        self.guest = None  # the last one, for its console when the test fails

    def machine(self, *disks):
        machine = {'base': str(ROOT / 'configs' / self.case.config), 'name': self.case.name, 'cpus': self.case.cpus}
        if disks:
            machine['disks'] = [{**ROOT_DISK, 'path': f'cache:{self.case.kvm or "riscv64"}/root.ext4'}, *disks]
        return machine

    def start(self, machine, *options, terminal=False):
        accel, prefix = self.accel, ()
        if self.case.kvm:
            accel, prefix = 'kvm', self.with_kvm()
        self.guest = Guest(self.vireo, self.folder, {**machine, 'accel': accel}, self.deadline, options, terminal, prefix)
        return self.guest

    def with_kvm(self):
        """What runs the program where KVM works; the emulated machine gets the files that it needs."""
        images = [image(self.case.kvm, name) for name in ('vmlinuz', 'initrd')]
        files = [self.vireo, self.folder, ROOT / 'configs', ROOT / 'tests/boot/guest/watch.sh', *images]
        seconds = max(1, int(self.deadline - time.monotonic()))
        return [ROOT / 'scripts/with-kvm', '--arch', MACHINE_NAMES[self.case.kvm], *(word for file in files for word in ('--file', file)), '--timeout',
                str(seconds), *self.kvm_options, '--', 'env', f'XDG_CACHE_HOME={CACHE}', *self.kvm_wrapper]

    def execute(self, machine, command, *options):
        """Runs a command in a guest of its own, which then powers off."""
        with self.start(machine, '--exit-with-guest', *options, '--append', f'vireo.run={command}') as guest:
            status = guest.end()
            require('vireo: exit status 0\n' in guest.console, 'the command did not succeed in the guest')
            require('reboot: Power down' in guest.console, 'the guest did not power off')
            require(status == 0, f'vireo ended with status {status}')
            return guest.console

    def run(self):
        case = self.case
        if case.command:
            console = self.execute(self.machine(), case.command)
        elif case.script:
            scratch = empty_disk(self.folder, 'scratch.img', 64 * MIB)
            script, *arguments = case.script.split()
            console = self.execute(self.machine(script_disk(self.folder, script), scratch),
                                   ' '.join(['bash /dev/vdb', *arguments]))
        else:
            return case.check(self)
        for text in case.expected:
            require(text in console, f'the guest did not print "{text}"')


def check_shell(run):
    """A person at a terminal: a command, its answer, the escape key, and the terminal as it was."""
    with run.start(run.machine(), terminal=True) as guest:
        before = termios.tcgetattr(guest.terminal)
        guest.wait_for(PROMPT)
        require(termios.tcgetattr(guest.terminal) != before, 'the terminal is not raw')
        guest.type('echo "answer $((6 * 7))"; tty\r')
        guest.wait_for('\nanswer 42\n/dev/ttyS0\n')
        guest.wait_for(PROMPT)
        guest.type('sleep 1000\r')
        guest.read_for(1)
        guest.type('\x03')  # Ctrl-C is the guest's
        guest.wait_for(PROMPT)
        guest.type('\x01x')
        require(guest.end() == 0, 'Ctrl-A x is not a success')
        require(termios.tcgetattr(guest.terminal) == before, 'the terminal is not as it was')


def check_power_off(run):
    with run.start(run.machine()) as guest:
        guest.wait_for(PROMPT)
        guest.type('poweroff\n')
        guest.wait_for('reboot: Power down')
        require(guest.end() == 0, 'a power-off is not a success')


def check_exit_status(run):
    """The status of a command, in the initramfs and in a root file system, is the program's."""
    for disks, status in (((), 7), ((ROOT_DISK,), 43)):
        machine = {**run.machine(), 'disks': list(disks)}
        root = 'root=/dev/vda rw ' if disks else ''
        with run.start(machine, '--exit-with-guest', '--append', f'{root}vireo.run=exit {status}') as guest:
            found = guest.end()
            require(found == status, f'the exit status is {found}, not {status}')


def check_idle(run):
    """A guest at its prompt costs under 2 % of one processor, once it has settled."""
    settling, seconds, windows, limit = 8, 6, 4, 0.02
    with run.start(run.machine()) as guest:
        guest.wait_for(PROMPT)
        guest.read_for(settling)
        for _ in range(windows):
            before = guest.processor_seconds()
            guest.read_for(seconds)
            used = (guest.processor_seconds() - before) / seconds
            if used < limit:
                return f'{used:.1%} of a processor'
        raise Failure(f'an idle guest uses {used:.1%} of a processor, the limit is {limit:.0%}')


def check_memory(run):
    """At its peak in a busy guest the program has little beside the guest's RAM; the JIT its translations too."""
    limit, peak = (20 if run.accel == 'interp' else 64) * MIB, 0
    scratch = empty_disk(run.folder, 'scratch.img', 64 * MIB)
    machine = run.machine(script_disk(run.folder, 'files.sh'), scratch)
    with run.start(machine, '--append', 'vireo.run=bash /dev/vdb') as guest:
        while 'vireo: exit status 0' not in guest.console:
            peak = max(peak, guest.own_memory())
            require(time.monotonic() < run.deadline, 'the guest did not finish in time')
            require(guest.process.poll() is None, 'vireo ended early')
            guest.read_for(0.05)
    require(peak < limit, f'{peak / MIB:.1f} MiB beside the guest\'s memory, the limit is {limit // MIB} MiB')
    return f'{peak / MIB:.1f} MiB beside the guest\'s memory'


def check_sigterm(run):
    """What the guest wrote without a flush is in the image after SIGTERM, the image is whole, the terminal restored."""
    image = run.folder / 'disk.qcow2'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '64M'], check=True)
    with run.start(run.machine({'path': str(image)}), terminal=True) as guest:
        before = termios.tcgetattr(guest.terminal)
        guest.wait_for(PROMPT)
        guest.type('yes vireo | head -c 4M | dd of=/dev/vdb bs=64k oflag=direct iflag=fullblock && echo "writ""ten"\r')
        guest.wait_for('written')
        guest.terminate()
        status = guest.end()
        require(status == 128 + 15, f'the exit status is {status}')
        require(termios.tcgetattr(guest.terminal) == before, 'the terminal is not as it was')
    check = subprocess.run(['qemu-img', 'check', image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    require(check.returncode == 0, f'qemu-img check: {check.stdout}')
    raw = run.folder / 'disk.raw'
    subprocess.run(['qemu-img', 'convert', '-O', 'raw', image, raw], check=True)
    with open(raw, 'rb') as file:
        require(file.read(4 * MIB) == (b'vireo\n' * MIB)[: 4 * MIB], 'the disk does not have what the guest wrote')


def check_disk_full(run):
    """A write for which the host has no room is an I/O error of the guest's; with room again the disk works."""
    disk = empty_disk(run.folder, 'disk.img', 16 * MIB)
    write = "dd if=/dev/zero of=/dev/vdb bs=1M seek=8 count=1 oflag=direct 2>&1 | sed 's/^/[/'; echo \"d\"one\n"
    with run.start(run.machine(disk)) as guest:
        guest.wait_for(PROMPT)
        _, hard = resource.prlimit(guest.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(guest.process.pid, resource.RLIMIT_FSIZE, (4 * MIB, hard))
        guest.type(write)
        guest.wait_for('Input/output error')
        guest.wait_for('\ndone')
        resource.prlimit(guest.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        guest.type(write)
        guest.wait_for('[1+0 records out')
        guest.type('poweroff\n')
        require(guest.end() == 0, 'the machine did not go on')


def check_network(run):
    """Files go through forwarded ports to the guest and from it, and arrive as they were."""
    data = os.urandom(8 * MIB)
    with run.start(run.machine(script_disk(run.folder, 'network.py')), '-v', '-p', '0:7001', '-p', '0:7002',
                   '--append', 'vireo.run=ping -c 2 10.0.2.2 && python3 /dev/vdb') as guest:
        guest.wait_for(' 2 received')
        guest.wait_for('listening')
        ports = dict((to, int(at)) for at, to in re.findall(r':(\d+)/tcp leads to port (\d+)', guest.console))
        with socket.create_connection(('127.0.0.1', ports['7001'])) as connection:
            connection.sendall(data)
        guest.wait_for('received ' + hashlib.sha256(data).hexdigest())
        with socket.create_connection(('127.0.0.1', ports['7002'])) as connection:
            received = hashlib.sha256()
            while block := connection.recv(65536):
                received.update(block)
        guest.wait_for('sent ' + received.hexdigest())
        require(guest.end() == 0 and 'vireo: exit status 0' in guest.console, 'the guest did not end well')


def check_small_cache(run):
    """The JIT with a cache that the guest's code does not fit into by far."""
    console = run.execute({**run.machine(), 'jit': {'cache': '1MiB'}}, 'uname -m')
    require('riscv64\n' in console, 'the guest did not run the command')


def check_hostile_driver(run):
    """A bare-metal driver that breaks every rule stops nothing: guest/hostile_driver.c."""
    program = run.folder / 'hostile_driver.elf'
    subprocess.run(['riscv64-linux-gnu-gcc', '-march=rv64imac_zicsr', '-mabi=lp64', '-mcmodel=medany', '-mno-relax',
                    '-O1', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-nostdlib', '-static', '-no-pie',
                    '-Wl,--build-id=none', '-Wl,-Ttext-segment=0x80000000', '-o', program,
                    ROOT / 'tests/boot/guest/hostile_driver.c'], check=True)
    image = run.folder / 'disk.qcow2'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '64M'], check=True)
    machine = {'name': run.case.name, 'arch': 'riscv64', 'cpus': run.case.cpus, 'memory': '16MiB',
               'boot': {'bare': str(program)}, 'networks': [{'backend': 'user'}],
               'disks': [{**empty_disk(run.folder, 'disk.img', 16 * MIB), 'queues': 4}, {'path': str(image)},
                         {**empty_disk(run.folder, 'below.img', 16 * MIB), 'snapshot': True}]}
    with run.start(machine) as guest:
        status = guest.end()
        require(status == 0, f'the program ended with status {status}')
        require('every device was disturbed, and the disks work' in guest.console, 'the program did not finish')
    check = subprocess.run(['qemu-img', 'check', image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    require(check.returncode == 0, f'qemu-img check: {check.stdout}')


def check_self_modifying(run):
    """A program that rewrites its own code in every way that Linux has: guest/self_modifying.c."""
    program = run.folder / 'self_modifying'
    subprocess.run(['riscv64-linux-gnu-gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-pthread', '-o', program,
                    ROOT / 'tests/boot/guest/self_modifying.c'], check=True)
    with open(program, 'ab') as file:
        file.truncate(-(-program.stat().st_size // 512) * 512)
    disk = {'path': str(program), 'format': 'raw', 'readonly': True}
    console = run.execute(run.machine(disk), 'cat /dev/vdb > /tmp/program && chmod +x /tmp/program && /tmp/program')
    require('every function that ran was the last one written' in console, 'the program did not finish')


def check_generated_code(run):
    """Node.js and LuaJIT, which generate code, give what they give without."""
    machine = run.machine(script_disk(run.folder, 'generated_code.js', 'js.img'),
                          script_disk(run.folder, 'generated_code.lua', 'lua.img'))
    machine['disks'][0] = {**ROOT_DISK, 'path': 'cache:riscv64-jit/root.ext4'}
    console = run.execute(machine, 'cp /dev/vdb /tmp/a.js && cp /dev/vdc /tmp/a.lua && node /tmp/a.js'
                          ' && luajit /tmp/a.lua > /tmp/compiled && luajit -joff /tmp/a.lua > /tmp/interpreted'
                          ' && cmp /tmp/compiled /tmp/interpreted && luajit -e "print(jit.status())"')
    # What Node.js 20 prints on x86-64.
    require('generated code: adfb192ed1017bb7a824ccb3ae5aab6d' in console, 'Node.js computed something else')
    require('\ntrue' in console, 'LuaJIT did not generate code')


def in_qemu(run, images, script, command, seconds):
    """What a guest of QEMU's with the same kernel, initramfs, root file system and script prints when it runs `command`."""
    qemu = shutil.which('qemu-system-riscv64')
    require(qemu, 'there is no qemu-system-riscv64 on the PATH (Debian: qemu-system-misc)')
    drives = [(f'{images}/riscv64-packages/root.ext4', 'snapshot=on'), (script['path'], 'readonly=on')]
    # The kernel names disks in the order of the device tree, which has the last slot first.
    disks = [word for slot, (path, options) in enumerate(drives)
             for word in ('-drive', f'file={path},format=raw,if=none,id=disk{slot},{options}',
                          '-device', f'virtio-blk-device,drive=disk{slot},bus=virtio-mmio-bus.{7 - slot}')]
    return subprocess.run([qemu, '-M', 'virt', '-cpu', 'rv64', '-smp', str(run.case.cpus), '-m', '1G', '-display', 'none',
                           '-serial', 'stdio', '-monitor', 'none', '-net', 'none', '-no-reboot', *disks,
                           '-kernel', f'{images}/riscv64/vmlinuz', '-initrd', f'{images}/riscv64/initrd', '-append',
                           f'root=/dev/vda rw console=ttyS0 quiet cryptomgr.notests=1 vireo.run={command}'],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace',
                          timeout=seconds, check=True).stdout.replace('\r', '')


def check_packages(run):
    """apt, dpkg and gcc print and leave the same in QEMU: guest/packages.sh."""
    images = CACHE / 'vireo/images'
    require((images / 'riscv64-packages').exists(), 'there is no image: scripts/guest --with=packages')
    script = script_disk(run.folder, 'packages.sh')
    machine = run.machine(script)
    machine['disks'][0] = {**ROOT_DISK, 'path': 'cache:riscv64-packages/root.ext4'}
    ours = between(run.execute(machine, 'bash /dev/vdb'))
    theirs = between(in_qemu(run, images, script, 'bash /dev/vdb', run.deadline - time.monotonic()))
    require(len(ours) > 50, f'the script printed {len(ours)} lines only')
    difference = '\n'.join(difflib.unified_diff(theirs, ours, 'QEMU', 'Vireo', lineterm='', n=1))
    require(not difference, f'the guests differ\n{difference}')
    return f'{len(ours)} lines are the same'


def between(console):
    """The lines of packages.sh. The kernel may say in between that the host took its time."""
    console = re.sub(r'^\[ *[0-9]+\.[0-9]+\] .*\n', '', console, flags=re.MULTILINE)
    match = re.search(r'^packages: begin\n(.*)^packages: end$', console, re.MULTILINE | re.DOTALL)
    require(match, 'the script did not finish:\n' + console[-2000:])
    return match[1].splitlines()


def check_kvm_guest(run):
    """A kernel and an initramfs with a disk, a network and a console of their own."""
    disk = empty_disk(run.folder, 'disk.img', 8 * MIB)
    command = (f'yes vireo | head -c {3 * MIB} | dd of=/dev/vda conv=fsync 2> /dev/null; echo 3 > /proc/sys/vm/drop_caches;'
               f' head -c {3 * MIB} /dev/vda | sha256sum; ping -c 2 10.0.2.2; uname -m; nproc')
    console = run.execute({**run.machine(), 'disks': [disk], 'networks': [{'backend': 'user'}]}, command)
    for text in (hashlib.sha256((b'vireo\n' * MIB)[:3 * MIB]).hexdigest(), ' 2 packets received', MACHINE_NAMES[run.case.kvm] + '\n',
                 f'\n{run.case.cpus}\n'):
        require(text in console, f'the guest did not print "{text}"')


def check_kvm_reboot(run):
    """The guest reboots itself once: the second start finds what the first left on the disk."""
    disk = empty_disk(run.folder, 'disk.img', 8 * MIB)
    command = ('if grep -q before /dev/vda; then echo "the disk is as it was"; else echo before | dd of=/dev/vda conv=fsync'
               ' 2> /dev/null; reboot -f; fi')
    console = run.execute({**run.machine(), 'disks': [disk]}, command)
    require('the disk is as it was' in console, 'the disk lost what was written before the reboot')


def kvm_cases(arch):
    """Guests of a host of another architecture, which is emulated in full: slow."""
    config = f'{arch}-minimal.yaml'
    return (Case(f'kvm-{arch}-1', config, 1, f'Linux for {arch} on KVM: disk, network, console', check=check_kvm_guest,
                 seconds=300, kvm=arch),
            Case(f'kvm-{arch}-2', config, 2, 'the same on two processors, and the guest reboots', check=check_kvm_reboot,
                 seconds=600, kvm=arch))


CASES = [
    Case('initramfs', 'riscv64-minimal.yaml', 1, 'a kernel and an initramfs only, a long command',
         command='uname -m; : ' + ' '.join(f'word{number}' for number in range(100)),
         expected=('riscv64\n',), sanitized=True),
    Case('files-1', 'riscv64-debian.yaml', 1, 'files with fsync, read back after a remount, on one hart',
         script='files.sh', expected=('3 files have their sums on 1 processors',)),
    Case('files-4', 'riscv64-smp.yaml', 4, 'the same on four harts at once', script='files.sh',
         expected=('12 files have their sums on 4 processors',), sanitized=True),
    Case('stress-1', 'riscv64-debian.yaml', 1, 'stress-ng --verify on one hart', script='stress.sh 8',
         expected=('successful run completed',)),
    Case('stress-4', 'riscv64-smp.yaml', 4, 'stress-ng --verify on four harts', script='stress.sh 12',
         expected=('successful run completed',)),
    Case('opensbi', 'riscv64-opensbi.yaml', 2, 'OpenSBI in M-mode starts Linux and its second hart',
         command='dmesg | grep OpenSBI && nproc', expected=('OpenSBI', '\n2\n')),
    Case('reboot', 'riscv64-debian.yaml', 2, 'a reboot, after which files that were synced are there', script='reboot.sh',
         expected=('reboot: Restarting system', 'the files are there after the reboot')),
    Case('network-1', 'riscv64-debian.yaml', 1, 'files both ways through forwarded ports, one hart', check=check_network),
    Case('network-4', 'riscv64-smp.yaml', 4, 'the same with four harts', check=check_network),
    Case('poweroff', 'riscv64-debian.yaml', 1, 'poweroff typed at the shell', check=check_power_off),
    Case('exit-status', 'riscv64-minimal.yaml', 1, 'the status of a command is the program\'s', check=check_exit_status),
    Case('shell', 'riscv64-debian.yaml', 1, 'an interactive shell on a terminal', check=check_shell),
    Case('sigterm', 'riscv64-debian.yaml', 1, 'SIGTERM saves disks and terminal', check=check_sigterm),
    Case('disk-full', 'riscv64-debian.yaml', 1, 'the host has no room for a write', check=check_disk_full),
    Case('idle', 'riscv64-smp.yaml', 4, 'an idle guest uses under 2 % of a processor', check=check_idle),
    Case('memory-1', 'riscv64-debian.yaml', 1, 'the program has under 20 MiB beside an interpreted guest', accel='interp',
         check=check_memory),
    Case('memory-4', 'riscv64-smp.yaml', 4, 'the same with four harts', accel='interp', check=check_memory),
    Case('memory-jit', 'riscv64-smp.yaml', 4, 'the same with the JIT, under 64 MiB', accel='jit', check=check_memory),
    Case('interpreted', 'riscv64-smp.yaml', 4, 'files on four harts in the interpreter', accel='interp', script='files.sh',
         expected=('12 files have their sums on 4 processors',)),
    Case('lockstep', 'riscv64-minimal.yaml', 1, 'the JIT and the interpreter agree in every block of a boot', accel='lockstep',
         command='seq 300 | sort -r | awk "{ s += \\$1 / 3 } END { print s }" && uname -m', expected=('15050\n', 'riscv64\n'),
         seconds=300),
    Case('hostile-driver', '', 4, 'wild queues, descriptors and registers stop nothing', check=check_hostile_driver,
         sanitized=True),
    Case('self-modifying', 'riscv64-smp.yaml', 2, 'a program that rewrites its code, on two harts in the JIT', accel='jit',
         check=check_self_modifying),
    Case('generated-code', 'riscv64-debian.yaml', 2, 'Node.js and LuaJIT (scripts/guest --with=jit) in the JIT', accel='jit',
         check=check_generated_code, seconds=240),
    Case('kvm-1', 'x86_64-debian.yaml', 1, 'Debian for x86-64 on KVM: disk, network, console, clock',
         check=x86_checks.check_debian, seconds=240, kvm='x86_64'),
    Case('kvm-2', 'x86_64-debian.yaml', 2, 'the same on two processors, and the guest reboots and powers off',
         check=x86_checks.check_debian_reboot, seconds=240, kvm='x86_64'),
    Case('kvm-pvh', 'x86_64-minimal.yaml', 2, 'an ELF kernel by its PVH note; SIGTERM presses the power button',
         check=x86_checks.check_pvh, seconds=240, kvm='x86_64'),
    Case('kvm-hostile', '', 1, 'wild registers, ports, queues and MSRs stop nothing', check=x86_checks.check_hostile,
         seconds=120, kvm='x86_64'),
    Case('kvm-hostile-long', '', 1, 'the same for a minute each', check=x86_checks.check_hostile, seconds=480, kvm='x86_64',
         on_request=True),
    *(case for arch in ('riscv64', 'arm64') for case in kvm_cases(arch)),
    Case('small-cache-1', 'riscv64-minimal.yaml', 1, 'the JIT evicts translations all the time', accel='jit',
         check=check_small_cache),
    Case('small-cache-4', 'riscv64-minimal.yaml', 4, 'the same on four harts at once', accel='jit',
         check=check_small_cache),
    Case('packages', 'riscv64-debian.yaml', 1, 'apt, dpkg and gcc (scripts/guest --with=packages) do in the JIT what they do in QEMU',
         accel='jit', check=check_packages, seconds=1200, on_request=True),
    Case('soak', 'riscv64-smp.yaml', 4, 'stress-ng --verify for ten minutes', script='stress.sh 600', seconds=1200,
         expected=('successful run completed',), on_request=True),
]

"""What x86-64 guests on KVM are tested with, besides what guests of all architectures are."""

import hashlib
import re
import struct
import subprocess
from pathlib import Path

from guest import ROOT, empty_disk, image, require

MIB = 1 << 20
MEMORY_LIMIT_KIB = 10 << 10


def use_root_disk(run):
    """The root file system is too large to be copied into the emulated machine."""
    run.kvm_options = ['--disk', image('x86_64', 'root.ext4')]


def check_debian(run):
    """A Debian userland with a disk, a network and a console; the program has little memory beside the guest's."""
    use_root_disk(run)
    run.kvm_wrapper = ['sh', ROOT / 'tests/boot/guest/watch.sh']
    scratch = empty_disk(run.folder, 'scratch.img', 8 * MIB)
    command = (f'. /etc/os-release && echo "on $NAME" && yes vireo | head -c {3 * MIB} | dd of=/dev/vdb conv=fsync 2> /dev/null;'
               f' echo 3 > /proc/sys/vm/drop_caches; head -c {3 * MIB} /dev/vdb | sha256sum; ping -c 2 10.0.2.2; date -u +%Y;'
               ' cut -d - -f 1 /sys/class/rtc/rtc0/date; nproc')
    console = run.execute({**run.machine(), 'memory': '512MiB', 'networks': [{'backend': 'user'}],
                           'disks': run.machine(scratch)['disks']}, command, '-vv')
    year = re.search(r'^(20\d\d)\n\1\n1\n', console, re.MULTILINE)
    require(year, 'the CMOS clock does not show the time')
    for text in ('on Debian GNU/Linux\n', hashlib.sha256((b'vireo\n' * MIB)[:3 * MIB]).hexdigest(), '2 received'):
        require(text in console, f'the guest did not print "{text}"')
    memory = int(re.search(r'(\d+) KiB beside', console)[1])
    require(memory < MEMORY_LIMIT_KIB, f'{memory} KiB beside the guest\'s memory, the limit is {MEMORY_LIMIT_KIB}')
    exits = re.search(r'processor (\d+ exits \(.*\))', console)
    return f'{memory / 1024:.1f} MiB beside the guest\'s memory; {exits[1]}'


def check_debian_reboot(run):
    """The guest reboots itself once: the second start finds what the first left. Its processors have the stable features."""
    use_root_disk(run)
    scratch = empty_disk(run.folder, 'scratch.img', 8 * MIB)
    command = ('grep -qw aes /proc/cpuinfo && ! grep -qwE "avx|xsave" /proc/cpuinfo && if grep -q before /dev/vdb; then echo "$(nproc) processors, the disk is as it was"; else echo before |'
               ' dd of=/dev/vdb conv=fsync 2> /dev/null; reboot -f; fi')
    console = run.execute({**run.machine(scratch), 'memory': '512MiB', 'cpu': {'model': 'stable'}}, command)
    require('2 processors, the disk is as it was' in console, 'the disk lost what was written before the reboot')


def unpacked_kernel(folder):
    """The ELF kernel in Debian's bzImage. Linux, Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length."""
    kernel = image('x86_64', 'vmlinuz').read_bytes()
    begin = (kernel[0x1f1] + 1) * 512 + struct.unpack_from('<I', kernel, 0x248)[0]
    size = struct.unpack_from('<I', kernel, 0x24c)[0] - 4  # the last four bytes say how large the unpacked kernel is
    path = Path(folder) / 'vmlinux'
    with open(path, 'wb') as file:
        subprocess.run(['zstd', '-dc'], input=kernel[begin:begin + size], stdout=file, check=True)
    return path


def check_pvh(run):
    """An ELF kernel by its PVH note, and the power button, which SIGTERM presses."""
    run.kvm_wrapper = ['sh', ROOT / 'tests/boot/guest/watch.sh']
    machine = {**run.machine(), 'boot': {'kernel': str(unpacked_kernel(run.folder))}}
    with run.start(machine, '-v', '--append', 'vireo.run=nproc; echo press "the button"; sleep 100') as guest:
        status = guest.end()
        require('press the button' in guest.console, 'the guest did not start')
        require('\n2\n' in guest.console, 'the guest has not two processors')
        require('the guest is asked to power off' in guest.console, 'the machine has no power button')
        require('reboot: Power down' in guest.console, 'the guest did not power itself off')
        require(status == 128 + 15, f'the exit status is {status}')


def check_hostile(run):
    """A bare-metal program that attacks the machine: guest/hostile_x86.c."""
    program = run.folder / 'hostile.elf'
    subprocess.run(['gcc', '-m64', '-O1', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-nostdlib', '-static', '-no-pie',
                    '-fno-stack-protector', '-mno-red-zone', '-mgeneral-regs-only', '-fcf-protection=none', '-Wl,--build-id=none',
                    '-Wl,-z,noexecstack', '-Wl,-e,start', '-Wl,-Ttext-segment=0x200000', '-o', program,
                    ROOT / 'tests/boot/guest/hostile_x86.c'], check=True)
    seconds = 2 if run.case.name == 'kvm-hostile' else 60
    machine = {'name': run.case.name, 'arch': 'x86_64', 'memory': '16MiB', 'networks': [{'backend': 'user'}],
               'boot': {'kernel': str(program), 'cmdline': f'seconds={seconds} seed={seconds}'},
               'disks': [{**empty_disk(run.folder, 'disk.img', 8 * MIB), 'queues': 4},
                         {**empty_disk(run.folder, 'below.img', 8 * MIB), 'snapshot': True}]}
    with run.start(machine) as guest:
        status = guest.end()
        require(status == 0, f'the program ended with status {status}')
        require('the machine was attacked in every way' in guest.console, 'the program did not finish')
        require('and no disk works' not in guest.console, 'the disks do not work any more')

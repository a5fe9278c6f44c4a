# The first time writes files with fsync and reboots at once; the second time finds them.
set -eu
if ! mount /dev/vdc /mnt 2> /dev/null; then
  mkfs.ext4 -q /dev/vdc
  mount /dev/vdc /mnt
  cd /mnt
  for i in 1 2 3 4; do dd if=/dev/urandom of="$i" bs=1M count=2 conv=fsync status=none; done
  sha256sum 1 2 3 4 > sums
  sync sums .
  cp /proc/sys/kernel/random/boot_id /root/first
  sync /root/first /root
  reboot -f
fi
cd /mnt
sha256sum --quiet -c sums
if cmp -s /root/first /proc/sys/kernel/random/boot_id; then exit 1; fi
echo "the files are there after the reboot"

# Every processor writes files with fsync at the same time; their sums are right, also when they come from the disk again.
set -eu
mkfs.ext4 -q /dev/vdc
mount /dev/vdc /mnt
cd /mnt
for i in $(seq "$(nproc)"); do
  (
    dd if=/dev/urandom bs=64k count=32 status=none | tee "$i.a" | sha256sum | sed "s/-/$i.a/" > "$i.sum"
    sync "$i.a"
    dd if="$i.a" of="$i.b" bs=4k conv=fsync status=none
    dd if="$i.a" of="$i.c" bs=256k oflag=direct conv=fsync status=none
    for copy in a b c; do sed "s/a$/$copy/" "$i.sum"; done > "$i.sums"
  ) &
  jobs="${jobs:-} $!"
done
for job in $jobs; do wait "$job"; done
cat ./*.sums > sums
sync
echo 3 > /proc/sys/vm/drop_caches
sha256sum --quiet -c sums
cd /
umount /mnt
e2fsck -fn /dev/vdc > /dev/null
mount /dev/vdc /mnt
cd /mnt
sha256sum --quiet -c sums
echo "$(wc -l < sums) files have their sums on $(nproc) processors"

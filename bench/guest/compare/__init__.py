"""What scripts/compare-qemu is made of."""

#pragma once

#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include "tests/unit/hv/kvm/layout.h"

namespace hv::kvm::test {

// Each architecture has its own.

std::span<const std::byte> spin();  ///< for ever
std::span<const std::byte> wait();  ///< for an interrupt, for ever; none is let through
std::span<const std::byte> ring();  ///< 4 bytes at the device's begin, for ever
/// Reads 4 bytes at 0x10 of the device, writes them to 0x14, 8 from 0x18 to 0x20, the first byte to 0x11; ends.
std::span<const std::byte> access_device();
/// Writes 0 and then 1 to the doorbell, 4 bytes each; ends.
std::span<const std::byte> ring_doorbell();
std::span<const std::byte> read_hole();  ///< 8 bytes, to kData; ends
/// Writes to the first page; ends; when it runs again, writes to the second; ends.
std::span<const std::byte> write_pages();
/// Has kKept in a register, a floating-point register and a system register; ends; when it runs again, writes them to
/// the device's begin, 8 bytes each; ends.
std::span<const std::byte> keep_values();

/// Code that does what no honest guest does, from the same numbers always the same: 512 bytes or a little more.
std::vector<std::byte> hostile_code(std::mt19937_64& random);

}  // namespace hv::kvm::test

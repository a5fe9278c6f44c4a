#pragma once

#include <cstddef>
#include <vector>

namespace vmm::x86_64 {

/// The AML that tells the guest of its serial port, its clock, its power button, its VIRTIO devices and how it is
/// turned off.
std::vector<std::byte> make_dsdt(unsigned virtio_devices);

}  // namespace vmm::x86_64

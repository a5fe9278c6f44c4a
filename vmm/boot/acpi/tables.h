#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hv/base/result.h"
#include "hv/core/guest_address.h"

/// ACPI tables (ACPI 6.5 §5.2), as bytes.
namespace vmm::acpi {

/// Little-endian fields behind each other, then the header's length and checksum.
class Table {
 public:
  static constexpr size_t kHeaderSize = 36;

  Table(std::string_view signature, uint8_t revision);
  Table& put(uint64_t value, unsigned size);
  Table& put(std::span<const std::byte> bytes);
  Table& zeros(size_t count);
  /// A generic address (§5.2.3.2) of 8 bits in port space.
  Table& port8(uint16_t port);
  std::vector<std::byte> finish();

 private:
  std::vector<std::byte> data_;
};

/// A machine without legacy hardware: §4.1, "Hardware-Reduced ACPI".
struct Power {
  uint16_t sleep_control = 0;  ///< ports
  uint16_t sleep_status = 0;
  uint16_t reset = 0;
  uint8_t reset_value = 0;
  uint8_t century = 0;  ///< index of the century in the CMOS clock
};

struct InterruptControllers {
  unsigned cpus = 1;  ///< local APIC n is processor n's
  hv::GuestAddress local_apic;
  hv::GuestAddress io_apic;
};

/// All tables of a machine: RSDP first, then the others, each where the one before it says.
/// `dsdt` is the AML in the DSDT. Error: more than `room.size` bytes.
hv::Result<std::vector<std::byte>> make_tables(hv::GuestRange room, const Power& power,
                                               const InterruptControllers& interrupts, std::span<const std::byte> dsdt);

}  // namespace vmm::acpi

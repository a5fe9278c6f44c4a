#include "vmm/boot/acpi/tables.h"

#include <algorithm>
#include <cstring>

#include "hv/base/bits.h"
#include "hv/base/endian.h"

namespace vmm::acpi {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::string_view kOem = "VIREO ";
constexpr std::string_view kOemTable = "VIREOVM ";
constexpr size_t kLengthAt = 4;
constexpr size_t kChecksumAt = 9;
constexpr uint64_t kAlignment = 16;

std::span<const std::byte> text(std::string_view value) { return std::as_bytes(std::span(value)); }

/// What makes the bytes add up to 0.
std::byte checksum(std::span<const std::byte> data) {
  unsigned sum = 0;
  for (const std::byte byte : data) sum += std::to_integer<unsigned>(byte);
  return static_cast<std::byte>(0u - sum);
}

/// §5.2.9
Bytes make_fadt(const Power& power, uint64_t dsdt) {
  constexpr uint8_t kRevision = 6;
  constexpr uint8_t kMinor = 5;
  constexpr uint16_t kNoVga = 1u << 2;  // IA-PC boot architecture flags
  constexpr uint32_t kCachesFlush = 1u << 0, kButtonIsADevice = 1u << 4, kSleepButtonIsADevice = 1u << 5;
  constexpr uint32_t kResetRegister = 1u << 10, kHardwareReduced = 1u << 20;
  Table table("FACP", kRevision);
  table.zeros(108 - Table::kHeaderSize).put(power.century, 1);
  table.put(kNoVga, 2).zeros(1);
  table.put(kCachesFlush | kButtonIsADevice | kSleepButtonIsADevice | kResetRegister | kHardwareReduced, 4);
  table.port8(power.reset).put(power.reset_value, 1).zeros(2).put(kMinor, 1);
  table.zeros(8).put(dsdt, 8);
  table.zeros(244 - 148);
  table.port8(power.sleep_control).port8(power.sleep_status);
  table.zeros(8);  // no hypervisor vendor
  return table.finish();
}

/// §5.2.12
Bytes make_madt(const InterruptControllers& interrupts) {
  constexpr uint8_t kRevision = 5;
  constexpr uint8_t kLocalApic = 0, kIoApic = 1;
  constexpr uint32_t kEnabled = 1;
  Table table("APIC", kRevision);
  table.put(interrupts.local_apic.value, 4).put(0, 4);
  for (unsigned cpu = 0; cpu < interrupts.cpus; ++cpu)
    table.put(kLocalApic, 1).put(8, 1).put(cpu, 1).put(cpu, 1).put(kEnabled, 4);
  table.put(kIoApic, 1).put(12, 1).put(0, 1).zeros(1).put(interrupts.io_apic.value, 4).put(0, 4);
  return table.finish();
}

/// §5.2.5.3
Bytes make_rsdp(uint64_t xsdt) {
  constexpr size_t kFirstPart = 20, kSize = 36;
  constexpr uint8_t kRevision = 2;
  Bytes data(kSize);
  std::memcpy(data.data(), "RSD PTR ", 8);
  std::memcpy(data.data() + 9, kOem.data(), kOem.size());
  data[15] = std::byte{kRevision};
  hv::store_le<uint32_t>(data.data() + 20, kSize);
  hv::store_le<uint64_t>(data.data() + 24, xsdt);
  data[8] = checksum(std::span(data).first(kFirstPart));
  data[32] = checksum(data);
  return data;
}

}  // namespace

Table::Table(std::string_view signature, uint8_t revision) {
  put(text(signature)).zeros(4).put(revision, 1).zeros(1).put(text(kOem)).put(text(kOemTable)).put(1, 4);
  put(text("VREO")).put(1, 4);
}

Table& Table::put(uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) data_.push_back(static_cast<std::byte>(value >> (8 * i)));
  return *this;
}

Table& Table::put(std::span<const std::byte> bytes) {
  data_.insert(data_.end(), bytes.begin(), bytes.end());
  return *this;
}

Table& Table::zeros(size_t count) {
  data_.resize(data_.size() + count);
  return *this;
}

Table& Table::port8(uint16_t port) {
  constexpr uint8_t kPortSpace = 1, kByteAccess = 1;
  return put(kPortSpace, 1).put(8, 1).put(0, 1).put(kByteAccess, 1).put(port, 8);
}

std::vector<std::byte> Table::finish() {
  hv::store_le(data_.data() + kLengthAt, static_cast<uint32_t>(data_.size()));
  data_[kChecksumAt] = checksum(data_);
  return std::move(data_);
}

hv::Result<std::vector<std::byte>> make_tables(hv::GuestRange room, const Power& power,
                                               const InterruptControllers& interrupts,
                                               std::span<const std::byte> dsdt) {
  Bytes out = make_rsdp(0);
  const auto add = [&](const Bytes& table) {
    out.resize(hv::align_up(out.size(), size_t{kAlignment}));
    const uint64_t address = room.base.value + out.size();
    out.insert(out.end(), table.begin(), table.end());
    return address;
  };
  constexpr uint8_t kDsdtRevision = 2;  // integers have 64 bits
  const uint64_t dsdt_at = add(Table("DSDT", kDsdtRevision).put(dsdt).finish());
  const uint64_t fadt_at = add(make_fadt(power, dsdt_at));
  const uint64_t madt_at = add(make_madt(interrupts));
  const uint64_t xsdt_at = add(Table("XSDT", 1).put(fadt_at, 8).put(madt_at, 8).finish());
  const Bytes rsdp = make_rsdp(xsdt_at);
  std::ranges::copy(rsdp, out.begin());
  if (out.size() > room.size) return hv::error("no room for the machine's description (ACPI tables)");
  return out;
}

}  // namespace vmm::acpi

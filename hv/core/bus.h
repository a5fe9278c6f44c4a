#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hv/base/log.h"
#include "hv/base/result.h"
#include "hv/core/guest_address.h"

namespace hv {

/// A device's registers as a vCPU sees them. Called on vCPU threads, several at once: a device guards its own state and
/// does not wait. `size` is 1, 2, 4 or 8 bytes, `offset` lies within the range it was added with; the value is in the
/// low `size` bytes.
class BusDevice {
 public:
  virtual ~BusDevice() = default;
  virtual uint64_t bus_read(uint64_t offset, unsigned size) noexcept = 0;
  virtual void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept = 0;
};

/// An address space of devices: sorted, disjoint ranges. Built before the vCPUs start, constant afterwards.
class Bus {
 public:
  /// What reading an address that nothing claims gives; the platform says which.
  enum class Unclaimed { zeros, ones };

  explicit Bus(Unclaimed unclaimed) : unclaimed_(unclaimed) {}

  /// `device` must outlive the bus. Error: the range is empty, wraps or overlaps another, both named.
  Result<void> add(GuestRange range, BusDevice& device, std::string name);

  uint64_t read(GuestAddress address, unsigned size) noexcept;
  void write(GuestAddress address, unsigned size, uint64_t value) noexcept;
  /// Whether one device claims all `size` bytes.
  bool claims(GuestAddress address, unsigned size) const noexcept;

  /// Accesses that nothing claimed so far.
  uint64_t unclaimed_count() const noexcept { return unclaimed_error_.count(); }

 private:
  struct Entry {
    GuestRange range;
    BusDevice* device;
    std::string name;
  };
  const Entry* find(GuestAddress address, unsigned size) const noexcept;

  std::vector<Entry> entries_;  ///< sorted by address
  Unclaimed unclaimed_;
  log::GuestError unclaimed_error_;
};

}  // namespace hv

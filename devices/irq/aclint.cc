#include "devices/irq/aclint.h"

#include <optional>
#include <utility>

#include "hv/base/bits.h"
#include "hv/base/check.h"

namespace devices {
namespace {

enum class Register { msip, mtimecmp, mtime };

/// Which register an access means: its hart, and the bits of the register it touches.
struct Target {
  Register reg;
  unsigned hart;
  unsigned shift;  ///< of the accessed bits in a 64-bit register
  uint64_t mask;   ///< the accessed bits
};

// RISC-V ACLINT 1.0 §1.3, offsets of a SiFive CLINT.
constexpr uint64_t kMtimecmpBase = 0x4000;
constexpr uint64_t kMtimeOffset = 0xbff8;

/// MSWI registers are 4 bytes; MTIMER's are 8 and may be accessed by halves. ACLINT 1.0 §2.2, §3.2
std::optional<Target> find(uint64_t offset, unsigned size, size_t harts) {
  if ((size != 4 && size != 8) || offset % size != 0) return std::nullopt;
  if (offset < kMtimecmpBase) {
    if (size != 4 || offset / 4 >= harts) return std::nullopt;
    return Target{Register::msip, static_cast<unsigned>(offset / 4), 0, 1};
  }
  const unsigned shift = offset % 8 == 4 ? 32 : 0;
  const uint64_t mask = size == 8 ? ~uint64_t{0} : uint64_t{0xffff'ffff} << shift;
  if (offset >= kMtimeOffset) return Target{Register::mtime, 0, shift, mask};
  const uint64_t hart = (offset - kMtimecmpBase) / 8;
  if (hart >= harts) return std::nullopt;
  return Target{Register::mtimecmp, static_cast<unsigned>(hart), shift, mask};
}

}  // namespace

AclintMachine::AclintMachine(unsigned harts, hv::GuestClock& clock, hv::AlarmService& alarms, Outputs outputs)
    : clock_(clock), outputs_(std::move(outputs)) {
  CHECK(harts >= 1 && harts <= kMaxHarts);
  for (unsigned i = 0; i < harts; ++i) {
    Hart& hart = *harts_.emplace_back(std::make_unique<Hart>());
    hart.alarm = std::make_unique<hv::Alarm>(alarms, [this, &hart, i] { update_timer(hart, i); });
  }
}

uint64_t AclintMachine::bus_read(uint64_t offset, unsigned size) noexcept {
  const auto target = find(offset, size, harts_.size());
  if (!target) {
    bad_access_.report("aclint: the guest read {} bytes at {:#x}, where no register is", size, offset);
    return 0;
  }
  if (target->reg == Register::mtime) return (clock_.ticks() & target->mask) >> target->shift;
  Hart& hart = *harts_[target->hart];
  const std::lock_guard lock(hart.mutex);
  if (target->reg == Register::msip) return hart.software ? 1 : 0;
  return (hart.compare & target->mask) >> target->shift;
}

void AclintMachine::bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept {
  const auto target = find(offset, size, harts_.size());
  if (!target) {
    bad_access_.report("aclint: the guest wrote {} bytes at {:#x}, where no register is", size, offset);
    return;
  }
  if (target->reg == Register::mtime) return write_mtime(value << target->shift, target->mask);
  Hart& hart = *harts_[target->hart];
  const std::lock_guard lock(hart.mutex);
  if (target->reg == Register::msip) {
    const bool level = hv::bit(value, 0);
    if (std::exchange(hart.software, level) != level) outputs_.software(target->hart, level);
  } else {
    hart.compare = hv::with_bits(hart.compare, target->mask, value << target->shift);
    update_timer_locked(hart, target->hart);
  }
}

void AclintMachine::write_mtime(uint64_t value, uint64_t mask) noexcept {
  clock_.set_ticks(hv::with_bits(clock_.ticks(), mask, value));
  for (unsigned i = 0; i < harts_.size(); ++i) update_timer(*harts_[i], i);
  if (outputs_.clock_changed) outputs_.clock_changed();
}

void AclintMachine::update_timer(Hart& hart, unsigned index) noexcept {
  const std::lock_guard lock(hart.mutex);
  update_timer_locked(hart, index);
}

/// MTIP is high while mtime >= mtimecmp, unsigned. ACLINT 1.0 §2
void AclintMachine::update_timer_locked(Hart& hart, unsigned index) noexcept {
  const bool level = clock_.ticks() >= hart.compare;
  if (std::exchange(hart.timer, level) != level) outputs_.timer(index, level);
  // All ones is how software says that no timer is wanted.
  if (level || hart.compare == ~uint64_t{0}) {
    hart.alarm->cancel();
  } else {
    hart.alarm->set(clock_.time_of(hart.compare));
  }
}

void AclintMachine::save(hv::StateWriter& writer) const {
  writer.section("aclint", 1, [&] {
    writer.value(static_cast<uint32_t>(harts_.size()));
    for (const auto& hart : harts_) {
      const std::lock_guard lock(hart->mutex);
      writer.value(hart->compare);
      writer.value(hart->software);
    }
  });
}

hv::Result<void> AclintMachine::load(hv::StateReader& reader) {
  reader.section("aclint", 1, [&](uint32_t) {
    if (reader.value<uint32_t>() != harts_.size()) return reader.fail("made for another number of harts");
    for (unsigned i = 0; i < harts_.size(); ++i) {
      Hart& hart = *harts_[i];
      const std::lock_guard lock(hart.mutex);
      reader.value(hart.compare);
      const auto software = reader.value<bool>();
      if (!reader.ok()) return;
      if (std::exchange(hart.software, software) != software) outputs_.software(i, software);
      update_timer_locked(hart, i);
    }
  });
  return reader.status();
}

AclintSupervisorSoftware::AclintSupervisorSoftware(unsigned harts, std::function<void(unsigned hart)> set_ssip)
    : harts_(harts), set_ssip_(std::move(set_ssip)) {}

/// setssip reads as 0. ACLINT 1.0 §3.2
uint64_t AclintSupervisorSoftware::bus_read(uint64_t, unsigned) noexcept { return 0; }

void AclintSupervisorSoftware::bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept {
  if (size != 4 || offset % 4 != 0 || offset / 4 >= harts_ || !hv::bit(value, 0)) return;
  set_ssip_(static_cast<unsigned>(offset / 4));
}

void AclintSupervisorSoftware::save(hv::StateWriter& writer) const {
  writer.section("aclint-sswi", 1, [] {});
}

hv::Result<void> AclintSupervisorSoftware::load(hv::StateReader& reader) {
  reader.section("aclint-sswi", 1, [](uint32_t) {});
  return reader.status();
}

}  // namespace devices

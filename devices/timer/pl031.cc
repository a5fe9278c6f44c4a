#include "devices/timer/pl031.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace devices {
namespace {

// Arm DDI 0224C, table 3-1.
enum class Register : uint64_t {
  data = 0x000,
  match = 0x004,
  load = 0x008,
  control = 0x00c,
  interrupt_mask = 0x010,
  raw_interrupt = 0x014,
  masked_interrupt = 0x018,
  interrupt_clear = 0x01c,
};

constexpr uint64_t kIdentification = 0xfe0;  // RTCPeriphID0 to 3, RTCPCellID0 to 3
constexpr std::array<uint8_t, 8> kIdentity = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
constexpr uint64_t kSecond = 1'000'000'000;

/// Nothing waits longer than this at once, so that an alarm follows a host clock that is set anew. Seconds.
constexpr uint32_t kLongestWait = 60;

}  // namespace

Pl031::Pl031(hv::AlarmService& alarms, hv::InterruptLine interrupt, WallClock wall_clock)
    : interrupt_(interrupt), wall_clock_(std::move(wall_clock)), alarm_(alarms, [this] {
        const std::lock_guard lock(mutex_);
        check_match();
      }) {}

uint64_t Pl031::bus_read(uint64_t offset, unsigned size) noexcept {
  if (size != 4) return 0;
  if (offset >= kIdentification && offset < kIdentification + 4 * kIdentity.size())
    return (offset & 3) == 0 ? kIdentity[(offset - kIdentification) / 4] : 0;
  const std::lock_guard lock(mutex_);
  switch (Register{offset}) {
    case Register::data:
      return now();
    case Register::match:
      return match_;
    case Register::load:
      return load_;
    case Register::control:
      return 1;  // it counts, and cannot be stopped
    case Register::interrupt_mask:
      return mask_ ? 1 : 0;
    case Register::raw_interrupt:
      return raw_ ? 1 : 0;
    case Register::masked_interrupt:
      return raw_ && mask_ ? 1 : 0;
    default:
      return 0;
  }
}

void Pl031::bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept {
  if (size != 4) return;
  const std::lock_guard lock(mutex_);
  write_register(offset, static_cast<uint32_t>(value));
}

void Pl031::write_register(uint64_t offset, uint32_t value) noexcept {
  switch (Register{offset}) {
    case Register::match:
      match_ = value;
      armed_ = true;
      return check_match();
    case Register::load:
      load_ = value;
      offset_ = value - static_cast<uint32_t>(wall_clock_() / kSecond);
      return check_match();
    case Register::interrupt_mask:
      mask_ = (value & 1) != 0;
      return update_interrupt();
    case Register::interrupt_clear:
      if ((value & 1) != 0) raw_ = false;
      return update_interrupt();
    default:
      return;
  }
}

uint32_t Pl031::now() const noexcept { return static_cast<uint32_t>(wall_clock_() / kSecond) + offset_; }

/// Interrupts when the counter equals the match, else waits for it.
void Pl031::check_match() noexcept {
  if (!armed_) return;
  const uint32_t left = match_ - now();
  // What lies in the past, less than half of all times ago, does not come.
  if (left != 0 && left < uint32_t{1} << 31) {
    // A second is over when the host's is: look a little later.
    constexpr std::chrono::milliseconds kLate{5};
    alarm_.set(std::chrono::steady_clock::now() + std::chrono::seconds(std::min(left, kLongestWait) - 1) +
               std::chrono::nanoseconds(kSecond - wall_clock_() % kSecond) + kLate);
    return;
  }
  armed_ = false;
  alarm_.cancel();
  if (left == 0) raw_ = true;
  update_interrupt();
}

void Pl031::update_interrupt() noexcept { interrupt_.set(raw_ && mask_); }

void Pl031::save(hv::StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("pl031", 1, [&] {
    for (const uint32_t value : {offset_, match_, load_}) writer.value(value);
    for (const bool value : {mask_, raw_, armed_}) writer.value(value);
  });
}

hv::Result<void> Pl031::load(hv::StateReader& reader) {
  const std::lock_guard lock(mutex_);
  reader.section("pl031", 1, [&](uint32_t) {
    for (uint32_t* const value : {&offset_, &match_, &load_}) reader.value(*value);
    for (bool* const value : {&mask_, &raw_, &armed_}) reader.value(*value);
  });
  alarm_.cancel();
  check_match();
  update_interrupt();
  return reader.status();
}

}  // namespace devices

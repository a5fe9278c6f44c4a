#include "devices/timer/goldfish_rtc.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "hv/base/bits.h"

namespace devices {
namespace {

// Android, "Goldfish virtual hardware", §Goldfish RTC.
enum class Register : uint64_t {
  time_low = 0x00,  ///< reading it latches time_high
  time_high = 0x04,
  alarm_low = 0x08,  ///< writing it arms the alarm
  alarm_high = 0x0c,
  irq_enabled = 0x10,
  clear_alarm = 0x14,
  alarm_status = 0x18,
  clear_interrupt = 0x1c,
};

constexpr uint64_t kLowHalf = 0xffff'ffff;
constexpr uint64_t kHighHalf = ~kLowHalf;

/// Nothing waits longer than this at once, so that an alarm follows a host clock that is set anew.
constexpr uint64_t kLongestWait = uint64_t{60} * 1'000'000'000;

}  // namespace

uint64_t GoldfishRtc::host_time() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count());
}

GoldfishRtc::GoldfishRtc(hv::AlarmService& alarms, hv::InterruptLine interrupt, WallClock wall_clock)
    : interrupt_(interrupt), wall_clock_(std::move(wall_clock)), alarm_(alarms, [this] {
        const std::lock_guard lock(mutex_);
        check_alarm();
      }) {}

uint64_t GoldfishRtc::bus_read(uint64_t offset, unsigned size) noexcept {
  if (size != 4) return 0;
  const std::lock_guard lock(mutex_);
  switch (Register{offset}) {
    case Register::time_low: {
      const uint64_t time = now();
      latched_high_ = static_cast<uint32_t>(time >> 32);
      return time & kLowHalf;
    }
    case Register::time_high:
      return latched_high_;
    case Register::alarm_low:
      return alarm_time_ & kLowHalf;
    case Register::alarm_high:
      return alarm_time_ >> 32;
    case Register::irq_enabled:
      return interrupt_enabled_ ? 1 : 0;
    case Register::alarm_status:
      return alarm_armed_ ? 1 : 0;
    case Register::clear_alarm:
    case Register::clear_interrupt:
      return 0;
  }
  return 0;
}

void GoldfishRtc::bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept {
  if (size != 4) return;
  const std::lock_guard lock(mutex_);
  write_register(offset, static_cast<uint32_t>(value));
}

void GoldfishRtc::write_register(uint64_t offset, uint32_t value) noexcept {
  switch (Register{offset}) {
    case Register::time_high:
      written_high_ = value;
      break;
    case Register::time_low:
      offset_ = ((uint64_t{written_high_} << 32) | value) - wall_clock_();
      check_alarm();
      break;
    case Register::alarm_high:
      alarm_time_ = hv::with_bits(alarm_time_, kHighHalf, uint64_t{value} << 32);
      break;
    case Register::alarm_low:
      alarm_time_ = hv::with_bits(alarm_time_, kLowHalf, value);
      alarm_armed_ = true;
      check_alarm();
      break;
    case Register::irq_enabled:
      interrupt_enabled_ = hv::bit(value, 0);
      update_interrupt();
      break;
    case Register::clear_alarm:
      alarm_armed_ = false;
      alarm_.cancel();
      break;
    case Register::clear_interrupt:
      interrupt_pending_ = false;
      update_interrupt();
      break;
    case Register::alarm_status:
      break;
  }
}

uint64_t GoldfishRtc::now() const noexcept { return wall_clock_() + offset_; }

/// Rings the armed alarm if it is due, else waits for it.
void GoldfishRtc::check_alarm() noexcept {
  if (!alarm_armed_) return;
  const uint64_t time = now();
  if (alarm_time_ > time) {
    const std::chrono::nanoseconds wait(static_cast<int64_t>(std::min(alarm_time_ - time, kLongestWait)));
    alarm_.set(std::chrono::steady_clock::now() + wait);
    return;
  }
  alarm_armed_ = false;
  alarm_.cancel();
  interrupt_pending_ = true;
  update_interrupt();
}

void GoldfishRtc::update_interrupt() noexcept { interrupt_.set(interrupt_pending_ && interrupt_enabled_); }

void GoldfishRtc::save(hv::StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("goldfish-rtc", 1, [&] {
    writer.value(offset_);
    writer.value(alarm_time_);
    writer.value(latched_high_);
    writer.value(written_high_);
    writer.value(alarm_armed_);
    writer.value(interrupt_enabled_);
    writer.value(interrupt_pending_);
  });
}

hv::Result<void> GoldfishRtc::load(hv::StateReader& reader) {
  const std::lock_guard lock(mutex_);
  reader.section("goldfish-rtc", 1, [&](uint32_t) {
    reader.value(offset_);
    reader.value(alarm_time_);
    reader.value(latched_high_);
    reader.value(written_high_);
    reader.value(alarm_armed_);
    reader.value(interrupt_enabled_);
    reader.value(interrupt_pending_);
  });
  TRY(reader.status());
  alarm_.cancel();
  update_interrupt();
  check_alarm();
  return {};
}

}  // namespace devices

#include "hv/core/guest_clock.h"

#include <algorithm>

#include "hv/base/check.h"

namespace hv {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr uint64_t kNanoseconds = 1'000'000'000;
constexpr uint64_t kCentury = uint64_t{100} * 366 * 24 * 60 * 60 * kNanoseconds;
constexpr unsigned kMultiplierShift = 63;

// Rounded up, so that the counter has reached `tick` at `time_of(tick)`.
constexpr uint64_t multiplier_for(uint64_t frequency) {
  return static_cast<uint64_t>(((Wide{frequency} << kMultiplierShift) + kNanoseconds - 1) / kNanoseconds);
}

}  // namespace

GuestClock::GuestClock(uint64_t frequency) noexcept
    : frequency_(frequency), multiplier_(multiplier_for(frequency)), origin_(std::chrono::steady_clock::now()) {
  CHECK(frequency >= 1 && frequency <= kNanoseconds);
}

uint64_t GuestClock::host_ticks() const noexcept {
  const std::chrono::nanoseconds elapsed = std::chrono::steady_clock::now() - origin_;
  return static_cast<uint64_t>((Wide{static_cast<uint64_t>(elapsed.count())} * multiplier_) >> kMultiplierShift);
}

uint64_t GuestClock::ticks() const noexcept { return host_ticks() + offset_.load(std::memory_order_relaxed); }

std::chrono::steady_clock::time_point GuestClock::time_of(uint64_t tick) const noexcept {
  const uint64_t host_now = host_ticks();
  const uint64_t now = host_now + offset_.load(std::memory_order_relaxed);
  if (tick <= now) return origin_;
  const Wide host_tick = Wide{host_now} + (tick - now);
  const Wide elapsed = std::min((host_tick * kNanoseconds + frequency_ - 1) / frequency_, Wide{kCentury});
  return origin_ + std::chrono::nanoseconds(static_cast<int64_t>(elapsed));
}

void GuestClock::set_ticks(uint64_t ticks) noexcept { offset_.store(ticks - host_ticks(), std::memory_order_relaxed); }

void GuestClock::save(StateWriter& writer) const {
  writer.section("clock", 1, [&] {
    writer.value(frequency_);
    writer.value(ticks());
  });
}

Result<void> GuestClock::load(StateReader& reader) {
  reader.section("clock", 1, [&](uint32_t) {
    const auto frequency = reader.value<uint64_t>();
    const auto ticks = reader.value<uint64_t>();
    if (frequency != frequency_)
      reader.fail(fmt::format("counts at {} Hz, this machine at {} Hz", frequency, frequency_));
    if (reader.ok()) set_ticks(ticks);
  });
  return reader.status();
}

}  // namespace hv

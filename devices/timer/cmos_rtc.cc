#include "devices/timer/cmos_rtc.h"

#include <chrono>
#include <ctime>

namespace devices {
namespace {

// Data sheet, figures 11, 15 to 18.
enum class Register : uint8_t {
  seconds = 0x00,
  minutes = 0x02,
  hours = 0x04,
  day_of_week = 0x06,
  day_of_month = 0x07,
  month = 0x08,
  year = 0x09,
  a = 0x0a,
  b = 0x0b,
  d = 0x0d,
  century = CmosRtc::kCentury,
};

constexpr uint8_t kIndexMask = 0x7f;  // bit 7 of a PC's port is the NMI's
constexpr uint8_t kUpdateInProgress = 0x80;
constexpr uint8_t kDividerAndRate = 0x26;  // 32,768 Hz, 1024 Hz
constexpr uint8_t k24Hours = 0x02;
constexpr uint8_t kValid = 0x80;

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kUpdateNotice = 244'000;  // nanoseconds

constexpr uint8_t to_decimal(int value) {
  return static_cast<uint8_t>(static_cast<unsigned>(value / 10 % 10) << 4 | static_cast<unsigned>(value % 10));
}

}  // namespace

uint64_t CmosRtc::host_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::nanoseconds(now).count());
}

uint8_t CmosRtc::read_register(uint8_t index) const noexcept {
  const uint64_t now = wall_clock_();
  const auto seconds = static_cast<std::time_t>(now / kSecond);
  std::tm time{};
  ::gmtime_r(&seconds, &time);
  switch (Register{index}) {
    case Register::seconds:
      return to_decimal(time.tm_sec);
    case Register::minutes:
      return to_decimal(time.tm_min);
    case Register::hours:
      return to_decimal(time.tm_hour);
    case Register::day_of_week:
      return to_decimal(time.tm_wday + 1);
    case Register::day_of_month:
      return to_decimal(time.tm_mday);
    case Register::month:
      return to_decimal(time.tm_mon + 1);
    case Register::year:
      return to_decimal(time.tm_year % 100);
    case Register::century:
      return to_decimal(time.tm_year / 100 + 19);
    case Register::a:
      return now % kSecond >= kSecond - kUpdateNotice ? kUpdateInProgress | kDividerAndRate : kDividerAndRate;
    case Register::b:
      return k24Hours;
    case Register::d:
      return kValid;
    default:
      return 0;
  }
}

uint64_t CmosRtc::bus_read(uint64_t offset, unsigned size) noexcept {
  if (size != 1) return 0;
  const std::lock_guard lock(mutex_);
  return offset == 0 ? index_ : read_register(index_);
}

void CmosRtc::bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept {
  if (size != 1 || offset != 0) return;
  const std::lock_guard lock(mutex_);
  index_ = static_cast<uint8_t>(value) & kIndexMask;
}

void CmosRtc::save(hv::StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("cmos-rtc", 1, [&] { writer.value(index_); });
}

hv::Result<void> CmosRtc::load(hv::StateReader& reader) {
  const std::lock_guard lock(mutex_);
  reader.section("cmos-rtc", 1, [&](uint32_t) { index_ = reader.value<uint8_t>() & kIndexMask; });
  return reader.status();
}

}  // namespace devices

#include "devices/uart/pl011.h"

#include <algorithm>
#include <array>
#include <utility>

#include "hv/base/bits.h"

namespace devices {
namespace {

// Arm DDI 0183G, table 3-1.
enum class Register : uint64_t {
  data = 0x000,
  receive_status = 0x004,
  flag = 0x018,
  integer_baud = 0x024,
  fractional_baud = 0x028,
  line_control = 0x02c,
  control = 0x030,
  fifo_levels = 0x034,
  interrupt_mask = 0x038,
  raw_interrupts = 0x03c,
  masked_interrupts = 0x040,
  interrupt_clear = 0x044,
};

constexpr uint64_t kIdentification = 0xfe0;  // UARTPeriphID0 to 3, UARTPCellID0 to 3
constexpr std::array<uint8_t, 8> kIdentity = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

namespace flag {
constexpr uint32_t kModemReady = 0x07;  // CTS, DSR, DCD
constexpr uint32_t kReceiveEmpty = 0x10;
constexpr uint32_t kTransmitFull = 0x20;
constexpr uint32_t kReceiveFull = 0x40;
constexpr uint32_t kTransmitEmpty = 0x80;
}  // namespace flag

constexpr uint32_t kLineFifos = 0x10;
constexpr uint32_t kLineAll = 0xff;
constexpr uint32_t kControlAll = 0xff87;
constexpr uint32_t kControlReset = 0x0300;  // receiver and transmitter on
constexpr uint32_t kControlLoopback = 0x80;
constexpr uint32_t kLevelsAll = 0x3f;
constexpr uint32_t kLevelsReset = 0x12;  // half full

constexpr uint32_t kReceive = 0x010;
constexpr uint32_t kTransmit = 0x020;
constexpr uint32_t kTimeOut = 0x040;
constexpr uint32_t kBreak = 0x200;
constexpr uint32_t kOverrun = 0x400;
constexpr uint32_t kInterrupts = 0x7ff;

constexpr uint8_t kBreakError = 0x4;  // in bits 11..8 of the data
constexpr uint8_t kOverrunError = 0x8;
constexpr size_t kDepth = 16;

}  // namespace

Pl011::Pl011(CharBackend& backend, hv::InterruptLine interrupt)
    : backend_(backend), interrupt_(interrupt), control_(kControlReset), fifo_levels_(kLevelsReset) {
  backend_.attach(this);
}

Pl011::~Pl011() { backend_.attach(nullptr); }

uint64_t Pl011::bus_read(uint64_t offset, unsigned size) noexcept {
  bool wants_input = false;
  uint32_t value = 0;
  {
    const std::lock_guard lock(mutex_);
    value = read_register(offset);
    // Ask for more before the FIFO runs dry, and once for many bytes.
    if (refused_input_ && received_.size() <= depth() / 2) wants_input = std::exchange(refused_input_, false);
  }
  if (wants_input) backend_.input_ready();
  return hv::bits(value, 0, std::min(8 * size, 32u));
}

void Pl011::bus_write(uint64_t offset, unsigned, uint64_t value) noexcept {
  bool wants_input = false;
  {
    const std::lock_guard lock(mutex_);
    write_register(offset, static_cast<uint32_t>(value));
    if (refused_input_ && room() != 0) wants_input = std::exchange(refused_input_, false);
  }
  if (wants_input) backend_.input_ready();
}

uint32_t Pl011::read_register(uint64_t offset) noexcept {
  if (offset >= kIdentification && offset < kIdentification + 4 * kIdentity.size())
    return (offset & 3) == 0 ? kIdentity[(offset - kIdentification) / 4] : 0;
  switch (Register{offset}) {
    case Register::data:
      return read_data();
    case Register::receive_status:
      return errors_;
    case Register::flag:
      return flags();
    case Register::integer_baud:
      return integer_divisor_;
    case Register::fractional_baud:
      return fraction_divisor_;
    case Register::line_control:
      return line_control_;
    case Register::control:
      return control_;
    case Register::fifo_levels:
      return fifo_levels_;
    case Register::interrupt_mask:
      return mask_;
    case Register::raw_interrupts:
      return raw_;
    case Register::masked_interrupts:
      return raw_ & mask_;
    default:
      return 0;
  }
}

void Pl011::write_register(uint64_t offset, uint32_t value) noexcept {
  switch (Register{offset}) {
    case Register::data:
      return write_data(static_cast<uint8_t>(value));
    case Register::receive_status:
      errors_ = 0;
      return;
    case Register::integer_baud:
      integer_divisor_ = value & 0xffff;
      return;
    case Register::fractional_baud:
      fraction_divisor_ = value & 0x3f;
      return;
    case Register::line_control:
      return write_line_control(value);
    case Register::control:
      control_ = value & kControlAll;
      return;
    case Register::fifo_levels:
      fifo_levels_ = value & kLevelsAll;
      return update_received();
    case Register::interrupt_mask:
      mask_ = value & kInterrupts;
      return update_interrupt();
    case Register::interrupt_clear:
      raw_ &= ~value;
      return update_interrupt();
    default:
      return;
  }
}

uint32_t Pl011::read_data() noexcept {
  if (received_.empty()) return 0;
  const UartFifo::Entry entry = received_.pop();
  errors_ = entry.errors;
  // §2.8.2: the interrupts end when the FIFO is below its level, or empty.
  if (received_.size() < trigger()) raw_ &= ~kReceive;
  if (received_.empty()) raw_ &= ~kTimeOut;
  update_interrupt();
  return static_cast<uint32_t>(entry.byte) | (static_cast<uint32_t>(entry.errors) << 8);
}

void Pl011::write_data(uint8_t value) noexcept {
  if (loopback()) {
    put_received(value, 0);
  } else {
    const auto byte = static_cast<std::byte>(value);
    if ((!transmit_.empty() || backend_.write({&byte, 1}) == 0) && transmit_.size() < depth())
      transmit_.push({value, 0});
  }
  // The interrupt tells that the FIFO's level fell; here it does as soon as something is sent.
  if (transmit_.empty()) {
    raw_ |= kTransmit;
  } else {
    raw_ &= ~kTransmit;
  }
  update_interrupt();
}

void Pl011::write_line_control(uint32_t value) noexcept {
  // Turning the FIFOs on or off empties them, §3.3.7.
  if (((line_control_ ^ value) & kLineFifos) != 0) {
    received_.clear();
    transmit_.clear();
  }
  line_control_ = value & kLineAll;
  update_received();
}

void Pl011::put_received(uint8_t byte, uint8_t errors) noexcept {
  if (received_.size() < depth()) {
    received_.push({byte, errors});
  } else {
    received_.replace_last({byte, kOverrunError});
    raw_ |= kOverrun;
  }
  if ((errors & kBreakError) != 0) raw_ |= kBreak;
  update_received();
}

void Pl011::update_received() noexcept {
  raw_ &= ~(kReceive | kTimeOut);
  if (received_.size() >= trigger()) raw_ |= kReceive;
  if (!received_.empty()) raw_ |= kTimeOut;
  update_interrupt();
}

void Pl011::send_queued() noexcept {
  if (transmit_.empty()) return;
  while (!transmit_.empty()) {
    const auto byte = static_cast<std::byte>(transmit_.front().byte);
    if (backend_.write({&byte, 1}) == 0) return;
    transmit_.pop();
  }
  raw_ |= kTransmit;
  update_interrupt();
}

void Pl011::update_interrupt() noexcept {
  const bool level = (raw_ & mask_) != 0;
  if (std::exchange(interrupt_level_, level) != level) interrupt_.set(level);
}

uint32_t Pl011::flags() const noexcept {
  uint32_t value = flag::kModemReady;
  if (received_.empty()) value |= flag::kReceiveEmpty;
  if (received_.size() >= depth()) value |= flag::kReceiveFull;
  if (transmit_.empty()) value |= flag::kTransmitEmpty;
  if (transmit_.size() >= depth()) value |= flag::kTransmitFull;
  return value;
}

size_t Pl011::depth() const noexcept { return (line_control_ & kLineFifos) != 0 ? kDepth : 1; }

size_t Pl011::trigger() const noexcept {
  constexpr std::array<uint8_t, 8> kLevels = {2, 4, 8, 12, 14, 14, 14, 14};
  return (line_control_ & kLineFifos) != 0 ? kLevels[fifo_levels_ >> 3 & 7] : 1;
}

size_t Pl011::room() const noexcept {
  return loopback() || received_.size() >= depth() ? 0 : depth() - received_.size();
}

bool Pl011::loopback() const noexcept { return (control_ & kControlLoopback) != 0; }

size_t Pl011::can_accept() const noexcept {
  const std::lock_guard lock(mutex_);
  const size_t count = room();
  if (count == 0) refused_input_ = true;
  return count;
}

void Pl011::receive(std::span<const std::byte> data) noexcept {
  const std::lock_guard lock(mutex_);
  for (const std::byte byte : data) put_received(static_cast<uint8_t>(byte), 0);
}

void Pl011::output_ready() noexcept {
  const std::lock_guard lock(mutex_);
  send_queued();
}

void Pl011::break_received() noexcept {
  const std::lock_guard lock(mutex_);
  put_received(0, kBreakError);
}

void Pl011::save(hv::StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("pl011", 1, [&] {
    for (const uint32_t value :
         {control_, line_control_, integer_divisor_, fraction_divisor_, fifo_levels_, mask_, raw_})
      writer.value(value);
    writer.value(errors_);
    received_.save(writer);
    transmit_.save(writer);
  });
}

hv::Result<void> Pl011::load(hv::StateReader& reader) {
  const std::lock_guard lock(mutex_);
  reader.section("pl011", 1, [&](uint32_t) {
    for (uint32_t* const value :
         {&control_, &line_control_, &integer_divisor_, &fraction_divisor_, &fifo_levels_, &mask_, &raw_})
      reader.value(*value);
    control_ &= kControlAll;
    line_control_ &= kLineAll;
    fifo_levels_ &= kLevelsAll;
    mask_ &= kInterrupts;
    raw_ &= kInterrupts;
    reader.value(errors_);
    received_.load(reader);
    transmit_.load(reader);
  });
  update_interrupt();
  return reader.status();
}

}  // namespace devices

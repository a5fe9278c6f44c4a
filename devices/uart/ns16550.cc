#include "devices/uart/ns16550.h"

#include <algorithm>
#include <utility>

namespace devices {
namespace {

// PC16550D data sheet (National Semiconductor, 1995), table II; FIFO bit 5 as in the TL16C750 data sheet.
enum class Register : unsigned {
  data = 0,                      ///< RBR, THR; DLL with DLAB
  interrupt_enable = 1,          ///< DLM with DLAB
  interrupt_identification = 2,  ///< FCR when written
  line_control = 3,
  modem_control = 4,
  line_status = 5,
  modem_status = 6,
  scratch = 7,
};

namespace ier {
constexpr uint8_t kReceivedData = 0x01;
constexpr uint8_t kTransmitEmpty = 0x02;
constexpr uint8_t kLineStatus = 0x04;
constexpr uint8_t kModemStatus = 0x08;
constexpr uint8_t kAll = 0x0f;
}  // namespace ier

namespace iir {
constexpr uint8_t kModemStatus = 0x00;
constexpr uint8_t kNone = 0x01;
constexpr uint8_t kTransmitEmpty = 0x02;
constexpr uint8_t kReceivedData = 0x04;
constexpr uint8_t kLineStatus = 0x06;
constexpr uint8_t kTimeOut = 0x0c;
constexpr uint8_t k64ByteFifo = 0x20;
constexpr uint8_t kFifosEnabled = 0xc0;
}  // namespace iir

namespace fcr {
constexpr uint8_t kEnable = 0x01;
constexpr uint8_t kClearReceived = 0x02;
constexpr uint8_t kClearTransmit = 0x04;
constexpr uint8_t kDmaMode = 0x08;
constexpr uint8_t k64Bytes = 0x20;  ///< writable with DLAB only
constexpr uint8_t kTrigger = 0xc0;
}  // namespace fcr

namespace lcr {
constexpr uint8_t kSetBreak = 0x40;
constexpr uint8_t kDivisorAccess = 0x80;
}  // namespace lcr

namespace mcr {
constexpr uint8_t kDtr = 0x01;
constexpr uint8_t kRts = 0x02;
constexpr uint8_t kOut1 = 0x04;
constexpr uint8_t kOut2 = 0x08;
constexpr uint8_t kLoopback = 0x10;
constexpr uint8_t kAll = 0x3f;
}  // namespace mcr

namespace lsr {
constexpr uint8_t kDataReady = 0x01;
constexpr uint8_t kOverrun = 0x02;
constexpr uint8_t kBreak = 0x10;
constexpr uint8_t kTransmitEmpty = 0x20;
constexpr uint8_t kTransmitterIdle = 0x40;
constexpr uint8_t kFifoError = 0x80;
constexpr uint8_t kErrors = 0x1e;
}  // namespace lsr

namespace msr {
constexpr uint8_t kRingTrailing = 0x04;
constexpr uint8_t kDeltas = 0x0f;
constexpr uint8_t kCts = 0x10;
constexpr uint8_t kDsr = 0x20;
constexpr uint8_t kRing = 0x40;
constexpr uint8_t kCarrier = 0x80;
}  // namespace msr

constexpr std::array<uint8_t, 4> kTriggers16 = {1, 4, 8, 14};
constexpr std::array<uint8_t, 4> kTriggers64 = {1, 16, 32, 56};

}  // namespace

Ns16550::Ns16550(CharBackend& backend, hv::InterruptLine interrupt, unsigned register_shift)
    : backend_(backend), interrupt_(interrupt), register_shift_(register_shift), connected_(backend.connected()) {
  update_modem_status();
  modem_status_ &= static_cast<uint8_t>(~msr::kDeltas);
  backend_.attach(this);
  connection_changed(backend_.connected());  // in case it changed before anybody listened
}

Ns16550::~Ns16550() { backend_.attach(nullptr); }

uint64_t Ns16550::bus_read(uint64_t offset, unsigned) noexcept {
  const uint64_t index = offset >> register_shift_;
  if (index > 7) return 0;
  bool wants_input = false;
  uint8_t value = 0;
  {
    const std::lock_guard lock(mutex_);
    value = read_register(static_cast<unsigned>(index));
    // Ask for more before the FIFO runs dry, and once for many bytes.
    if (refused_input_ && received_.size() <= fifo_depth() / 2) wants_input = std::exchange(refused_input_, false);
  }
  if (wants_input) backend_.input_ready();
  return value;
}

void Ns16550::bus_write(uint64_t offset, unsigned, uint64_t value) noexcept {
  const uint64_t index = offset >> register_shift_;
  if (index > 7) return;
  bool wants_input = false;
  {
    const std::lock_guard lock(mutex_);
    write_register(static_cast<unsigned>(index), static_cast<uint8_t>(value));
    if (refused_input_ && room() != 0) wants_input = std::exchange(refused_input_, false);
  }
  if (wants_input) backend_.input_ready();
}

uint8_t Ns16550::read_register(unsigned index) noexcept {
  switch (Register{index}) {
    case Register::data:
      return divisor_access() ? static_cast<uint8_t>(divisor_) : read_received();
    case Register::interrupt_enable:
      return divisor_access() ? static_cast<uint8_t>(divisor_ >> 8) : interrupt_enable_;
    case Register::interrupt_identification:
      return read_interrupt_identification();
    case Register::line_control:
      return line_control_;
    case Register::modem_control:
      return modem_control_;
    case Register::line_status:
      return read_line_status();
    case Register::modem_status:
      return read_modem_status();
    case Register::scratch:
      return scratch_;
  }
  return 0;
}

void Ns16550::write_register(unsigned index, uint8_t value) noexcept {
  switch (Register{index}) {
    case Register::data:
      if (!divisor_access()) return write_transmit(value);
      divisor_ = static_cast<uint16_t>((divisor_ & 0xff00) | value);
      return;
    case Register::interrupt_enable:
      if (!divisor_access()) return write_interrupt_enable(value);
      divisor_ = static_cast<uint16_t>((divisor_ & 0x00ff) | (value << 8));
      return;
    case Register::interrupt_identification:
      return write_fifo_control(value);
    case Register::line_control:
      return write_line_control(value);
    case Register::modem_control:
      return write_modem_control(value);
    case Register::line_status:
    case Register::modem_status:
      return;  // for factory tests only
    case Register::scratch:
      scratch_ = value;
      return;
  }
}

uint8_t Ns16550::read_received() noexcept {
  if (received_.empty()) return 0;
  const uint8_t byte = received_.pop().byte;
  update_interrupt();
  return byte;
}

/// Reading IIR withdraws the transmitter's interrupt if that is what it shows. PC16550D table IV
uint8_t Ns16550::read_interrupt_identification() noexcept {
  const uint8_t pending = pending_interrupt();
  if (pending == iir::kTransmitEmpty) {
    transmit_empty_interrupt_ = false;
    update_interrupt();
  }
  const bool enabled = (fifo_control_ & fcr::kEnable) != 0;
  const bool large = (fifo_control_ & fcr::k64Bytes) != 0;
  return static_cast<uint8_t>(pending | (enabled ? iir::kFifosEnabled : 0) | (enabled && large ? iir::k64ByteFifo : 0));
}

/// Reading LSR clears the errors that it shows; the received byte stays. PC16550D §8.4
uint8_t Ns16550::read_line_status() noexcept {
  const uint8_t status = line_status();
  overrun_ = false;
  if (!received_.empty()) received_.front().errors = 0;
  if ((status & lsr::kErrors) != 0) update_interrupt();
  return status;
}

uint8_t Ns16550::read_modem_status() noexcept {
  const uint8_t status = modem_status_;
  modem_status_ &= static_cast<uint8_t>(~msr::kDeltas);
  if ((status & msr::kDeltas) != 0) update_interrupt();
  return status;
}

void Ns16550::write_transmit(uint8_t value) noexcept {
  if (loopback()) {
    put_received(value, 0);
  } else {
    const auto byte = static_cast<std::byte>(value);
    if (!transmit_.empty() || backend_.write({&byte, 1}) == 0) {
      // A byte written to a full transmitter takes the place of the last one.
      if (transmit_.size() < fifo_depth()) {
        transmit_.push({value, 0});
      } else {
        transmit_.replace_last({value, 0});
      }
    }
  }
  transmit_empty_interrupt_ = transmit_.empty();
  update_interrupt();
}

void Ns16550::write_interrupt_enable(uint8_t value) noexcept {
  const uint8_t before = std::exchange(interrupt_enable_, static_cast<uint8_t>(value & ier::kAll));
  // Enabling the transmitter's interrupt while it is empty interrupts at once.
  if ((interrupt_enable_ & ~before & ier::kTransmitEmpty) != 0 && transmit_.empty()) transmit_empty_interrupt_ = true;
  update_interrupt();
}

void Ns16550::write_fifo_control(uint8_t value) noexcept {
  uint8_t kept = fcr::kEnable | fcr::kDmaMode | fcr::kTrigger;
  if (divisor_access()) kept |= fcr::k64Bytes;
  const bool was_enabled = (fifo_control_ & fcr::kEnable) != 0;
  const bool is_enabled = (value & fcr::kEnable) != 0;
  const auto large = static_cast<uint8_t>(divisor_access() ? 0 : fifo_control_ & fcr::k64Bytes);
  // Without the enable bit the others are not programmed; turning the FIFOs on or off empties them. PC16550D §8.5
  fifo_control_ = is_enabled ? static_cast<uint8_t>((value & kept) | large) : large;
  if (was_enabled != is_enabled || (is_enabled && (value & fcr::kClearReceived) != 0)) {
    received_.clear();
    overrun_ = false;
  }
  if (was_enabled != is_enabled || (is_enabled && (value & fcr::kClearTransmit) != 0)) {
    if (!transmit_.empty()) transmit_empty_interrupt_ = true;
    transmit_.clear();
  }
  update_interrupt();
}

void Ns16550::write_line_control(uint8_t value) noexcept {
  const bool starts_break = (value & ~line_control_ & lcr::kSetBreak) != 0;
  line_control_ = value;
  if (starts_break && loopback()) {
    put_received(0, lsr::kBreak);
    update_interrupt();
  }
}

void Ns16550::write_modem_control(uint8_t value) noexcept {
  modem_control_ = value & mcr::kAll;
  update_modem_status();
  update_interrupt();
}

void Ns16550::put_received(uint8_t byte, uint8_t errors) noexcept {
  if (received_.size() < fifo_depth()) return received_.push({byte, errors});
  overrun_ = true;
  // Without FIFOs the new byte takes the place of the old one; with them it is lost. PC16550D §8.4, bit 1
  if ((fifo_control_ & fcr::kEnable) == 0) received_.replace_last({byte, errors});
}

void Ns16550::send_queued() noexcept {
  if (transmit_.empty()) return;
  while (!transmit_.empty()) {
    const auto byte = static_cast<std::byte>(transmit_.front().byte);
    if (backend_.write({&byte, 1}) == 0) return;
    transmit_.pop();
  }
  transmit_empty_interrupt_ = true;
  update_interrupt();
}

/// The inputs from the line, or in loopback the port's own outputs. PC16550D §8.6, §8.8
void Ns16550::update_modem_status() noexcept {
  uint8_t lines = 0;
  if (loopback()) {
    if ((modem_control_ & mcr::kRts) != 0) lines |= msr::kCts;
    if ((modem_control_ & mcr::kDtr) != 0) lines |= msr::kDsr;
    if ((modem_control_ & mcr::kOut1) != 0) lines |= msr::kRing;
    if ((modem_control_ & mcr::kOut2) != 0) lines |= msr::kCarrier;
  } else {
    lines = static_cast<uint8_t>(msr::kCts | (connected_ ? msr::kDsr | msr::kCarrier : 0));
  }
  const auto changed = static_cast<uint8_t>((modem_status_ ^ lines) & ~msr::kDeltas);
  auto deltas = static_cast<uint8_t>(changed >> 4);
  // The ring indicator counts only when it ends.
  if ((changed & msr::kRing) != 0 && (lines & msr::kRing) != 0) deltas &= static_cast<uint8_t>(~msr::kRingTrailing);
  modem_status_ = static_cast<uint8_t>(lines | (modem_status_ & msr::kDeltas) | deltas);
}

uint8_t Ns16550::line_status() const noexcept {
  uint8_t status = overrun_ ? lsr::kOverrun : uint8_t{0};
  if (!received_.empty()) {
    status |= static_cast<uint8_t>(lsr::kDataReady | received_.front().errors);
    if ((fifo_control_ & fcr::kEnable) != 0 && received_.any_error()) status |= lsr::kFifoError;
  }
  if (transmit_.empty()) status |= lsr::kTransmitEmpty | lsr::kTransmitterIdle;
  return status;
}

/// The source of the highest priority, as IIR shows it. PC16550D table IV
uint8_t Ns16550::pending_interrupt() const noexcept {
  if ((interrupt_enable_ & ier::kLineStatus) != 0 && (line_status() & lsr::kErrors) != 0) return iir::kLineStatus;
  if ((interrupt_enable_ & ier::kReceivedData) != 0 && !received_.empty()) {
    return received_.size() >= trigger_level() ? iir::kReceivedData : iir::kTimeOut;
  }
  if ((interrupt_enable_ & ier::kTransmitEmpty) != 0 && transmit_empty_interrupt_) return iir::kTransmitEmpty;
  if ((interrupt_enable_ & ier::kModemStatus) != 0 && (modem_status_ & msr::kDeltas) != 0) return iir::kModemStatus;
  return iir::kNone;
}

void Ns16550::update_interrupt() noexcept {
  const bool level = pending_interrupt() != iir::kNone;
  if (std::exchange(interrupt_level_, level) != level) interrupt_.set(level);
}

unsigned Ns16550::fifo_depth() const noexcept {
  if ((fifo_control_ & fcr::kEnable) == 0) return 1;
  return (fifo_control_ & fcr::k64Bytes) != 0 ? 64 : 16;
}

unsigned Ns16550::trigger_level() const noexcept {
  if ((fifo_control_ & fcr::kEnable) == 0) return 1;
  const size_t selection = (fifo_control_ & fcr::kTrigger) >> 6;
  return (fifo_control_ & fcr::k64Bytes) != 0 ? kTriggers64[selection] : kTriggers16[selection];
}

bool Ns16550::divisor_access() const noexcept { return (line_control_ & lcr::kDivisorAccess) != 0; }

bool Ns16550::loopback() const noexcept { return (modem_control_ & mcr::kLoopback) != 0; }

/// In loopback the port hears only itself, so input from outside waits.
size_t Ns16550::room() const noexcept {
  const size_t depth = fifo_depth();
  return loopback() || received_.size() >= depth ? 0 : depth - received_.size();
}

size_t Ns16550::can_accept() const noexcept {
  const std::lock_guard lock(mutex_);
  const size_t count = room();
  refused_input_ = count == 0;
  return count;
}

void Ns16550::receive(std::span<const std::byte> data) noexcept {
  const std::lock_guard lock(mutex_);
  // Nothing is lost when the guest made the FIFO smaller since `can_accept`: the whole of it is always there.
  for (const std::byte byte : data) received_.push({static_cast<uint8_t>(byte), 0});
  update_interrupt();
}

void Ns16550::output_ready() noexcept {
  const std::lock_guard lock(mutex_);
  send_queued();
}

void Ns16550::connection_changed(bool connected) noexcept {
  const std::lock_guard lock(mutex_);
  connected_ = connected;
  update_modem_status();
  update_interrupt();
}

/// A break is received as one zero byte. PC16550D §8.4, bit 4
void Ns16550::break_received() noexcept {
  const std::lock_guard lock(mutex_);
  if (loopback()) return;
  put_received(0, lsr::kBreak);
  update_interrupt();
}

void Ns16550::save(hv::StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("ns16550", 1, [&] {
    writer.value(interrupt_enable_);
    writer.value(fifo_control_);
    writer.value(line_control_);
    writer.value(modem_control_);
    writer.value(modem_status_);
    writer.value(scratch_);
    writer.value(divisor_);
    writer.value(overrun_);
    writer.value(transmit_empty_interrupt_);
    received_.save(writer);
    transmit_.save(writer);
  });
}

hv::Result<void> Ns16550::load(hv::StateReader& reader) {
  {
    const std::lock_guard lock(mutex_);
    reader.section("ns16550", 1, [&](uint32_t) {
      interrupt_enable_ = static_cast<uint8_t>(reader.value<uint8_t>() & ier::kAll);
      fifo_control_ = reader.value<uint8_t>();
      line_control_ = reader.value<uint8_t>();
      modem_control_ = static_cast<uint8_t>(reader.value<uint8_t>() & mcr::kAll);
      reader.value(modem_status_);
      reader.value(scratch_);
      reader.value(divisor_);
      reader.value(overrun_);
      reader.value(transmit_empty_interrupt_);
      received_.load(reader);
      transmit_.load(reader);
    });
    TRY(reader.status());
    interrupt_level_ = pending_interrupt() != iir::kNone;
    interrupt_.set(interrupt_level_);
    // The peer of this machine need not be the saved one's.
    update_modem_status();
    send_queued();
    update_interrupt();
    refused_input_ = false;
  }
  backend_.input_ready();
  return {};
}

}  // namespace devices

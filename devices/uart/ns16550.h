#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "devices/backend/char_backend.h"
#include "devices/uart/uart_fifo.h"
#include "hv/base/log.h"
#include "hv/core/bus.h"
#include "hv/core/interrupt.h"
#include "hv/core/snapshottable.h"

namespace devices {

/// A National Semiconductor PC16550D serial port ("ns16550a") with the 64-byte FIFOs of a TI TL16C750. The line is as
/// fast as the backend: what the guest sends is gone at once unless the backend is full; a received byte that does not
/// reach the trigger level makes its time-out interrupt at once.
///
/// Any thread (vCPUs, the backend's event loop): one mutex guards all of it, and is held while the interrupt line is
/// driven and while bytes are handed to the backend, which never waits.
class Ns16550 final : public hv::BusDevice, public CharDevice, public hv::Snapshottable {
 public:
  static constexpr uint64_t register_range(unsigned register_shift) { return uint64_t{8} << register_shift; }

  /// Registers are `1 << register_shift` bytes apart (reg-shift in a device tree). Attaches itself to `backend`, which
  /// outlives it.
  Ns16550(CharBackend& backend, hv::InterruptLine interrupt, unsigned register_shift = 0);
  ~Ns16550() override;

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

  size_t can_accept() const noexcept override;
  void receive(std::span<const std::byte> data) noexcept override;
  void output_ready() noexcept override;
  void connection_changed(bool connected) noexcept override;
  void break_received() noexcept override;

  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

 private:
  // All of these with mutex_ held.
  uint8_t read_register(unsigned index) noexcept;
  void write_register(unsigned index, uint8_t value) noexcept;
  uint8_t read_received() noexcept;
  uint8_t read_interrupt_identification() noexcept;
  uint8_t read_line_status() noexcept;
  uint8_t read_modem_status() noexcept;
  void write_transmit(uint8_t value) noexcept;
  void write_fifo_control(uint8_t value) noexcept;
  void write_line_control(uint8_t value) noexcept;
  void write_modem_control(uint8_t value) noexcept;
  void write_interrupt_enable(uint8_t value) noexcept;

  void put_received(uint8_t byte, uint8_t errors) noexcept;
  void send_queued() noexcept;
  void update_modem_status() noexcept;
  void update_interrupt() noexcept;

  uint8_t line_status() const noexcept;
  uint8_t pending_interrupt() const noexcept;
  unsigned fifo_depth() const noexcept;
  unsigned trigger_level() const noexcept;
  bool divisor_access() const noexcept;
  bool loopback() const noexcept;
  size_t room() const noexcept;

  CharBackend& backend_;
  const hv::InterruptLine interrupt_;
  const unsigned register_shift_;

  mutable std::mutex mutex_;
  uint8_t interrupt_enable_ = 0;
  uint8_t fifo_control_ = 0;
  uint8_t line_control_ = 0;
  uint8_t modem_control_ = 0;
  uint8_t modem_status_ = 0;
  uint8_t scratch_ = 0;
  uint16_t divisor_ = 0;
  bool overrun_ = false;  ///< LSR.OE
  bool transmit_empty_interrupt_ = false;
  bool connected_ = false;
  mutable bool refused_input_ = false;  ///< `can_accept` gave 0: the backend waits for `input_ready`
  bool interrupt_level_ = false;
  UartFifo received_;
  UartFifo transmit_;  ///< what the backend had no room for
};

}  // namespace devices

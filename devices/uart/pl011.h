#pragma once

#include <cstdint>
#include <mutex>

#include "devices/backend/char_backend.h"
#include "devices/uart/uart_fifo.h"
#include "hv/core/bus.h"
#include "hv/core/interrupt.h"
#include "hv/core/snapshottable.h"

namespace devices {

/// An Arm PrimeCell PL011 serial port (Arm DDI 0183, r1p4): FIFOs of 16 bytes, no DMA. The line is as fast as the
/// backend: what the guest sends is gone at once unless the backend is full; a received byte that does not reach the
/// trigger level makes its time-out interrupt at once. The modem's inputs say that it is ready and stay so.
///
/// Any thread (vCPUs, the backend's event loop): one mutex guards all of it, and is held while the interrupt line is
/// driven and while bytes are handed to the backend, which never waits.
class Pl011 final : public hv::BusDevice, public CharDevice, public hv::Snapshottable {
 public:
  static constexpr uint64_t kSize = 0x1000;

  /// Attaches itself to `backend`, which outlives it.
  Pl011(CharBackend& backend, hv::InterruptLine interrupt);
  ~Pl011() override;

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

  size_t can_accept() const noexcept override;
  void receive(std::span<const std::byte> data) noexcept override;
  void output_ready() noexcept override;
  void break_received() noexcept override;

  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

 private:
  // All of these with mutex_ held.
  uint32_t read_register(uint64_t offset) noexcept;
  void write_register(uint64_t offset, uint32_t value) noexcept;
  uint32_t read_data() noexcept;
  void write_data(uint8_t value) noexcept;
  void write_line_control(uint32_t value) noexcept;
  void put_received(uint8_t byte, uint8_t errors) noexcept;
  void send_queued() noexcept;
  void update_received() noexcept;
  void update_interrupt() noexcept;
  uint32_t flags() const noexcept;
  size_t depth() const noexcept;
  size_t trigger() const noexcept;
  size_t room() const noexcept;
  bool loopback() const noexcept;

  CharBackend& backend_;
  const hv::InterruptLine interrupt_;

  mutable std::mutex mutex_;
  uint32_t control_;
  uint32_t line_control_ = 0;
  uint32_t integer_divisor_ = 0;
  uint32_t fraction_divisor_ = 0;
  uint32_t fifo_levels_;
  uint32_t mask_ = 0;                   ///< of interrupts, a set bit lets one through
  uint32_t raw_ = 0;                    ///< interrupts
  uint8_t errors_ = 0;                  ///< of the byte read last
  mutable bool refused_input_ = false;  ///< `can_accept` gave 0: the backend waits for `input_ready`
  bool interrupt_level_ = false;
  UartFifo received_;
  UartFifo transmit_;  ///< what the backend had no room for
};

}  // namespace devices

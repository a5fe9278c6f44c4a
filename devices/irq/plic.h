#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "hv/base/log.h"
#include "hv/core/bus.h"
#include "hv/core/interrupt.h"
#include "hv/core/snapshottable.h"

namespace devices {

/// The RISC-V platform-level interrupt controller (RISC-V PLIC specification 1.0.0), laid out as SiFive's
/// ("sifive,plic-1.0.0"): level-triggered sources 1 to `sources`, seven priorities, and for each hart a machine context
/// (2 * hart) and a supervisor context (2 * hart + 1).
///
/// Any thread: one mutex guards all of it. Outputs are driven with the mutex held, so that they change in order; they
/// must not call back.
class Plic final : public hv::BusDevice, public hv::InterruptSink, public hv::Snapshottable {
 public:
  static constexpr unsigned kMaxSources = 127;
  static constexpr unsigned kMaxHarts = 16;
  static constexpr uint32_t kMaxPriority = 7;

  /// Drives a hart's external interrupt pin: MEIP when `machine`, else SEIP. Called only on a change.
  using Output = std::function<void(unsigned hart, bool machine, bool level)>;

  Plic(unsigned sources, unsigned harts, Output output);

  /// The size of the register range, for the bus and the device tree.
  uint64_t size() const noexcept;
  unsigned sources() const noexcept { return sources_; }

  void set_line(uint32_t line, bool level) noexcept override;
  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

 private:
  static constexpr unsigned kWords = (kMaxSources + 1) / 32;
  using Bitmap = std::array<uint32_t, kWords>;  ///< bit n stands for source n; bit 0 is always clear

  struct Context {
    Bitmap enabled{};
    uint32_t threshold = 0;
    bool output = false;
  };

  // All of these with mutex_ held.
  uint32_t read_register(uint64_t offset) noexcept;
  void write_register(uint64_t offset, uint32_t value) noexcept;
  uint32_t best_source(const Context& context) const noexcept;
  uint32_t claim(Context& context) noexcept;
  void complete(Context& context, uint32_t source) noexcept;
  void update_outputs() noexcept;

  uint32_t valid_mask(unsigned word) const noexcept;

  const unsigned sources_;
  const Output output_;

  mutable std::mutex mutex_;
  std::array<uint8_t, kMaxSources + 1> priorities_{};
  Bitmap levels_{};   ///< the input wires
  Bitmap pending_{};  ///< requests that the gateways let through and nobody claimed
  Bitmap claimed_{};  ///< claimed and not completed: their gateways are shut
  std::vector<Context> contexts_;

  hv::log::GuestError bad_access_;
};

}  // namespace devices

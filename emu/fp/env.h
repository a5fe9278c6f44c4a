#pragma once

#include <cstdint>

namespace emu::fp {

/// IEEE 754-2019 §4.3 rounding directions, numbered as RISC-V's `frm` (Unprivileged ISA §20.2).
enum class Rounding : uint8_t { nearest_even = 0, to_zero = 1, down = 2, up = 3, nearest_away = 4 };

/// IEEE 754-2019 §7 exception flags, numbered as RISC-V's `fflags`.
namespace flag {
inline constexpr uint8_t kInexact = 1u << 0;
inline constexpr uint8_t kUnderflow = 1u << 1;
inline constexpr uint8_t kOverflow = 1u << 2;
inline constexpr uint8_t kDivideByZero = 1u << 3;
inline constexpr uint8_t kInvalid = 1u << 4;
}  // namespace flag

/// A guest hart's floating-point control and accrued exceptions. While a HostFp lives on the hart's thread, the host's
/// MXCSR holds the same rounding direction and collects exceptions too, so `flags` alone is not the whole truth: use
/// read_flags and write_flags. Owned by the hart's thread.
struct Env {
  uint8_t frm = 0;    ///< as the guest wrote it: 5 to 7 are invalid and make dynamically rounded instructions illegal
  uint8_t flags = 0;  ///< accrued by the soft path, and by the host before it was last collected

  Rounding rounding() const noexcept { return static_cast<Rounding>(frm); }
};

/// Accrued exceptions, those that the host's FPU holds included.
uint8_t read_flags(Env& env) noexcept;
/// Replaces the accrued exceptions by the low five bits of `flags`.
void write_flags(Env& env, uint8_t flags) noexcept;
/// Only while a HostFp lives. Sets the dynamic rounding direction from the low three bits of `frm`.
void write_frm(Env& env, uint8_t frm) noexcept;

/// Puts the host's FPU into the guest's rounding direction for as long as it lives; at the end it collects the
/// exceptions into `env` and restores the host's own mode. Made by the run loop around guest code.
class HostFp {
 public:
  explicit HostFp(Env& env) noexcept;
  ~HostFp();
  HostFp(const HostFp&) = delete;
  HostFp& operator=(const HostFp&) = delete;

 private:
  Env& env_;
  uint32_t saved_mxcsr_ = 0;
};

}  // namespace emu::fp

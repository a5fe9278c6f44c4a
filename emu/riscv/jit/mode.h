#pragma once

#include <cstdint>

#include "emu/riscv/state.h"

namespace emu::riscv::jit {

/// What of a hart's state translated code is made for: a block is entered only in the mode that it was made in.
class Mode {
 public:
  static constexpr unsigned kCount = 18;

  constexpr explicit Mode(unsigned number) : number_(static_cast<uint8_t>(number)) {}
  static Mode of(const HartState& state) noexcept {
    return Mode((state.fp_enabled ? 2u + 2u * state.fp.frm : 0u) + (state.privilege == Privilege::user ? 1u : 0u));
  }

  constexpr bool is_user() const noexcept { return (number_ & 1) != 0; }
  constexpr bool fp_enabled() const noexcept { return number_ > 1; }
  /// Only if fp_enabled().
  constexpr unsigned frm() const noexcept { return number_ / 2u - 1u; }
  constexpr unsigned number() const noexcept { return number_; }

 private:
  uint8_t number_;
};

}  // namespace emu::riscv::jit

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <type_traits>

#include "emu/riscv/state.h"

namespace emu::riscv::jit {

/// What a block can change of a hart's state, copied.
struct RegisterImage {
  std::array<uint64_t, 32> x{};
  std::array<uint64_t, 32> f{};
  uint64_t pc = 0;
  uint64_t retired = 0;
  uint64_t reservation_host = 0;
  uint64_t reservation_value = 0;
  uint8_t frm = 0;
  uint8_t flags = 0;
  Privilege privilege = Privilege::machine;
  bool fp_enabled = false;
  bool fp_dirty = false;
  CsrState csr;

  static RegisterImage of(HartState& state) noexcept;
  /// Not the CSRs' effects on address translation.
  void put_into(HartState& state) const noexcept;

  bool operator==(const RegisterImage&) const = default;
};

/// What a RegisterImage has, from state to state. Floating-point exceptions that the host holds become those of `from`.
void copy_registers(HartState& from, HartState& to) noexcept;
/// Whether two states agree in what a RegisterImage has. The host holds no floating-point exceptions.
bool same_registers(const HartState& a, const HartState& b) noexcept;

/// The registers that differ, one line each with both values; empty if none does.
std::string differences(const RegisterImage& interpreted, const RegisterImage& translated);

}  // namespace emu::riscv::jit

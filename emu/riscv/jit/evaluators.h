#pragma once

#include <cstdint>
#include <type_traits>

#include "emu/fp/ops.h"
#include "emu/riscv/state.h"

/// What generated code calls (emu::jit::Layout::Evaluate) for floating-point values that the host has no instruction
/// for. `direction` is a rounding direction, or 7 for frm's.
namespace emu::riscv::jit {

inline constexpr uint64_t kDynamicDirection = 7;

inline fp::Env& env_of(void* state) noexcept { return static_cast<HartState*>(state)->fp; }
inline fp::Rounding rounding_of(void* state, uint64_t direction) noexcept {
  return direction == kDynamicDirection ? env_of(state).rounding() : static_cast<fp::Rounding>(direction);
}

template <class Int, class F>
uint64_t evaluate_to_int(void* state, uint64_t a, uint64_t direction) noexcept {
  const Int value = fp::to_int<Int, F>(env_of(state), rounding_of(state, direction), static_cast<typename F::Bits>(a));
  return static_cast<uint64_t>(static_cast<int64_t>(static_cast<std::make_signed_t<Int>>(value)));
}
inline uint64_t evaluate_to_int_modular(void* state, uint64_t a, uint64_t) noexcept {
  return static_cast<uint64_t>(int64_t{fp::to_int32_modular(env_of(state), a)});
}
template <class F, class Int>
uint64_t evaluate_from_int(void* state, uint64_t a, uint64_t direction) noexcept {
  return fp::from_int<F, Int>(env_of(state), rounding_of(state, direction), static_cast<Int>(a));
}
template <class To, class From>
uint64_t evaluate_convert(void* state, uint64_t a, uint64_t direction) noexcept {
  return fp::convert<To, From>(env_of(state), rounding_of(state, direction), static_cast<typename From::Bits>(a));
}
template <class F, bool signals_inexact>
uint64_t evaluate_round(void* state, uint64_t a, uint64_t direction) noexcept {
  return fp::round_to_integral<F>(env_of(state), rounding_of(state, direction), static_cast<typename F::Bits>(a),
                                  signals_inexact);
}

}  // namespace emu::riscv::jit

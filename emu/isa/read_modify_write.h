#pragma once

#include <cstdint>
#include <type_traits>

namespace emu {

/// The operation of an atomic read-modify-write on memory.
enum class Rmw : uint8_t {
  swap,
  add,
  bit_and,
  bit_or,
  bit_xor,
  minimum,
  maximum,
  minimum_unsigned,
  maximum_unsigned,
};

/// Whether minimum and maximum operations leave `found` where it is.
template <class T>
bool stays(Rmw operation, T found, T operand) noexcept {
  using Unsigned = std::make_unsigned_t<T>;
  switch (operation) {
    case Rmw::minimum:
      return found <= operand;
    case Rmw::maximum:
      return found >= operand;
    case Rmw::minimum_unsigned:
      return static_cast<Unsigned>(found) <= static_cast<Unsigned>(operand);
    default:
      return static_cast<Unsigned>(found) >= static_cast<Unsigned>(operand);
  }
}

/// Carries `operation` out on a signed integer, sequentially consistent. What was there. Where the operation is a
/// constant no more than its own instructions are left.
template <class T>
[[gnu::always_inline]] inline T exchange(Rmw operation, T* place, T operand) noexcept {
  switch (operation) {
    case Rmw::swap:
      return __atomic_exchange_n(place, operand, __ATOMIC_SEQ_CST);
    case Rmw::add:
      return __atomic_fetch_add(place, operand, __ATOMIC_SEQ_CST);
    case Rmw::bit_and:
      return __atomic_fetch_and(place, operand, __ATOMIC_SEQ_CST);
    case Rmw::bit_or:
      return __atomic_fetch_or(place, operand, __ATOMIC_SEQ_CST);
    case Rmw::bit_xor:
      return __atomic_fetch_xor(place, operand, __ATOMIC_SEQ_CST);
    default:
      break;
  }
  T found = __atomic_load_n(place, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(place, &found, stays(operation, found, operand) ? found : operand, true,
                                      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
  }
  return found;
}

}  // namespace emu

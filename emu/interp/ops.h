#pragma once

#include <bit>
#include <cstdint>

namespace emu::interp {

/// The integer operations of a builder whose values are integers: what emu/ir offers as IR operations. All values are
/// 64 bits wide; shift and rotate amounts are taken modulo the width.
class Ops {
 public:
  using Value = uint64_t;

  static Value imm(int32_t value) { return static_cast<Value>(static_cast<int64_t>(value)); }
  static Value constant(uint64_t value) { return value; }

  static Value add(Value x, Value y) { return x + y; }
  static Value sub(Value x, Value y) { return x - y; }
  static Value bit_and(Value x, Value y) { return x & y; }
  static Value bit_or(Value x, Value y) { return x | y; }
  static Value bit_xor(Value x, Value y) { return x ^ y; }
  static Value bit_not(Value x) { return ~x; }
  static Value shift_left(Value x, Value amount) { return x << (amount & 63); }
  static Value shift_right(Value x, Value amount) { return x >> (amount & 63); }
  static Value shift_right_signed(Value x, Value amount) { return from_signed(as_signed(x) >> (amount & 63)); }
  // Of the low word, by the amount modulo 32; the result is zero-extended.
  static Value shift_left32(Value x, Value amount) { return zext32(x << (amount & 31)); }
  static Value shift_right32(Value x, Value amount) { return zext32(x) >> (amount & 31); }
  static Value shift_right_signed32(Value x, Value amount) {
    return zext32(from_signed(static_cast<int32_t>(x) >> (amount & 31)));
  }
  static Value rotate_left(Value x, Value amount) { return std::rotl(x, static_cast<int>(amount & 63)); }
  static Value rotate_right(Value x, Value amount) { return std::rotr(x, static_cast<int>(amount & 63)); }
  static Value rotate_left32(Value x, Value amount) {
    return std::rotl(static_cast<uint32_t>(x), static_cast<int>(amount & 31));
  }
  static Value rotate_right32(Value x, Value amount) {
    return std::rotr(static_cast<uint32_t>(x), static_cast<int>(amount & 31));
  }

  static Value sext8(Value x) { return from_signed(static_cast<int8_t>(x)); }
  static Value sext16(Value x) { return from_signed(static_cast<int16_t>(x)); }
  static Value sext32(Value x) { return from_signed(static_cast<int32_t>(x)); }
  static Value zext16(Value x) { return static_cast<uint16_t>(x); }
  static Value zext32(Value x) { return static_cast<uint32_t>(x); }

  static Value equal(Value x, Value y) { return x == y; }
  static Value not_equal(Value x, Value y) { return x != y; }
  static Value less(Value x, Value y) { return as_signed(x) < as_signed(y); }
  static Value less_unsigned(Value x, Value y) { return x < y; }
  static Value greater_equal(Value x, Value y) { return as_signed(x) >= as_signed(y); }
  static Value greater_equal_unsigned(Value x, Value y) { return x >= y; }
  static Value select(Value condition, Value x, Value y) { return condition != 0 ? x : y; }

  static Value mul(Value x, Value y) { return x * y; }
  static Value mul_high(Value x, Value y) {
    return static_cast<Value>(static_cast<Wide>(as_signed(x)) * as_signed(y) >> 64);
  }
  static Value mul_high_unsigned(Value x, Value y) {
    return static_cast<Value>(static_cast<UnsignedWide>(x) * y >> 64);
  }
  static Value mul_high_signed_unsigned(Value x, Value y) {
    return mul_high_unsigned(x, y) - (as_signed(x) < 0 ? y : 0);
  }
  // Division by zero gives all ones, or the dividend as remainder; the one quotient that does not fit wraps.
  static Value divide(Value x, Value y) {
    if (y + 1 <= 1) [[unlikely]]
      return y == 0 ? ~Value{0} : 0 - x;
    return from_signed(as_signed(x) / as_signed(y));
  }
  static Value remainder(Value x, Value y) {
    if (y + 1 <= 1) [[unlikely]]
      return y == 0 ? x : 0;
    return from_signed(as_signed(x) % as_signed(y));
  }
  static Value divide_unsigned(Value x, Value y) { return y == 0 ? ~Value{0} : x / y; }
  static Value remainder_unsigned(Value x, Value y) { return y == 0 ? x : x % y; }
  // Of the low words; the result is zero-extended.
  static Value divide32(Value x, Value y) { return zext32(divide(sext32(x), sext32(y))); }
  static Value remainder32(Value x, Value y) { return zext32(remainder(sext32(x), sext32(y))); }
  static Value divide_unsigned32(Value x, Value y) { return zext32(divide_unsigned(zext32(x), zext32(y))); }
  static Value remainder_unsigned32(Value x, Value y) { return zext32(remainder_unsigned(zext32(x), zext32(y))); }

  static Value leading_zeros(Value x) { return static_cast<Value>(std::countl_zero(x)); }
  static Value trailing_zeros(Value x) { return static_cast<Value>(std::countr_zero(x)); }
  static Value popcount(Value x) { return static_cast<Value>(std::popcount(x)); }
  static Value byte_swap(Value x) { return __builtin_bswap64(x); }
  /// Each byte that is not 0 becomes 0xff.
  static Value fill_bytes(Value x) {
    x |= (x >> 4) & 0x0f0f0f0f0f0f0f0f;
    x |= (x >> 2) & 0x3333333333333333;
    x |= (x >> 1) & 0x5555555555555555;
    return (x & 0x0101010101010101) * 0xff;
  }
  static Value carryless_mul(Value x, Value y) {
    Value product = 0;
    for (; y != 0; y &= y - 1) product ^= x << std::countr_zero(y);
    return product;
  }
  /// The upper half of the 128-bit product.
  static Value carryless_mul_high(Value x, Value y) {
    Value product = 0;
    for (y &= ~Value{1}; y != 0; y &= y - 1) product ^= x >> (64 - std::countr_zero(y));
    return product;
  }

 private:
  __extension__ using Wide = __int128;
  __extension__ using UnsignedWide = unsigned __int128;
  static int64_t as_signed(Value x) { return static_cast<int64_t>(x); }
  static Value from_signed(int64_t x) { return static_cast<Value>(x); }
};

}  // namespace emu::interp

#pragma once

#include <cstdint>

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

}  // namespace emu

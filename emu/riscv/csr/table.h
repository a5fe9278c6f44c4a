#pragma once

#include <string_view>

#include "emu/riscv/csr/accessors.h"

namespace emu::riscv::csr {

/// One register as csr.def describes it.
struct Register {
  unsigned number;
  std::string_view name;
  Guard guard;
  Read read;
  Write write;
};

/// nullptr: there is no such register.
const Register* find(unsigned number) noexcept;

}  // namespace emu::riscv::csr

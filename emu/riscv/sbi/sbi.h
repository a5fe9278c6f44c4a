#pragma once

#include <cstdint>

namespace emu::riscv {
class Hart;
}

/// The built-in supervisor execution environment: RISC-V SBI Specification 2.0.
namespace emu::riscv::sbi {

/// Answers the call that `hart` makes from S-mode: a7 the extension, a6 the function, a0 to a5 arguments; a0 becomes
/// the error, a1 the value (§3). The hart's pc is past its ecall already.
void call(Hart& hart) noexcept;

/// §3.1.
enum class Error : int64_t {
  success = 0,
  failed = -1,
  not_supported = -2,
  invalid_parameter = -3,
  denied = -4,
  invalid_address = -5,
  already_available = -6,
};

struct Reply {
  Error error = Error::success;
  uint64_t value = 0;
  bool keeps_registers = false;  ///< the call does not return: a0 and a1 stay as they are
};

/// A call's function number and arguments.
struct Call {
  uint64_t extension = 0;
  uint64_t function = 0;
  uint64_t argument[6]{};
};

// The extensions, each in the file of its name.
Reply legacy(Hart& hart, const Call& call) noexcept;
Reply base(Hart& hart, const Call& call) noexcept;
Reply timer(Hart& hart, const Call& call) noexcept;
Reply ipi(Hart& hart, const Call& call) noexcept;
Reply remote_fence(Hart& hart, const Call& call) noexcept;
Reply hart_state(Hart& hart, const Call& call) noexcept;
Reply system_reset(Hart& hart, const Call& call) noexcept;
Reply performance(Hart& hart, const Call& call) noexcept;
Reply debug_console(Hart& hart, const Call& call) noexcept;

/// Whether there is an extension of this ID.
bool has_extension(uint64_t id) noexcept;

}  // namespace emu::riscv::sbi

#include "emu/riscv/hart.h"
#include "emu/riscv/sbi/sbi.h"

namespace emu::riscv::sbi {

// §6: sets the next timer event, and so clears one that is pending.
Reply timer(Hart& hart, const Call& call) noexcept {
  if (call.function != 0) return {.error = Error::not_supported};
  hart.set_stimecmp(call.argument[0]);
  return {};
}

}  // namespace emu::riscv::sbi

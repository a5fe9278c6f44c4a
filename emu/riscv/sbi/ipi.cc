#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/sbi/hart_mask.h"
#include "emu/riscv/sbi/sbi.h"

namespace emu::riscv::sbi {

// §7: a supervisor software interrupt for each hart of the mask.
Reply ipi(Hart& hart, const Call& call) noexcept {
  if (call.function != 0) return {.error = Error::not_supported};
  HartGroup& group = hart.group();
  const HartMask targets(call.argument[0], call.argument[1], group.size());
  if (!targets.is_valid()) return {.error = Error::invalid_parameter};
  for (size_t id = 0; id < group.size(); ++id) {
    if (targets.contains(id)) group.hart(id).raise_interrupt(csr::interrupt::kSupervisorSoftware);
  }
  return {};
}

}  // namespace emu::riscv::sbi

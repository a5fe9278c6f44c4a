#include "emu/riscv/hart.h"
#include "emu/riscv/sbi/sbi.h"

namespace emu::riscv::sbi {
namespace {

enum class Function : uint64_t { start = 0, stop = 1, get_status = 2, suspend = 3 };

constexpr uint64_t kRetentiveSuspend = 0;
constexpr uint64_t kNonRetentiveSuspend = 0x80000000;

Reply start(HartGroup& group, const Call& call) noexcept {
  const uint64_t id = call.argument[0];
  if (id >= group.size()) return {.error = Error::invalid_parameter};
  // Code is in RAM, and the first instruction is aligned.
  const bool can_hold_code = group.environment().memory.host_pointer({call.argument[1]}, 2) != nullptr;
  if (!can_hold_code || (call.argument[1] & 1) != 0) return {.error = Error::invalid_address};
  const bool started = group.hart(id).start({.pc = call.argument[1], .argument = call.argument[2]});
  return {.error = started ? Error::success : Error::already_available};
}

/// The hart goes on after the call, as from wfi. Losing the registers on the way is not worth while here.
Reply suspend(Hart& hart, uint64_t type) noexcept {
  if (type == kNonRetentiveSuspend) return {.error = Error::not_supported};
  if (type != kRetentiveSuspend) return {.error = Error::invalid_parameter};
  hart.set_status(HartStatus::suspended);
  hart.wait_for_interrupt();
  hart.set_status(HartStatus::started);
  return {};
}

}  // namespace

// §9
Reply hart_state(Hart& hart, const Call& call) noexcept {
  HartGroup& group = hart.group();
  switch (static_cast<Function>(call.function)) {
    case Function::start:
      return start(group, call);
    case Function::stop:
      hart.stop();
      return {.keeps_registers = true};
    case Function::get_status:
      if (call.argument[0] >= group.size()) return {.error = Error::invalid_parameter};
      return {.value = static_cast<uint64_t>(group.hart(call.argument[0]).status())};
    case Function::suspend:
      return suspend(hart, call.argument[0]);
  }
  return {.error = Error::not_supported};
}

}  // namespace emu::riscv::sbi

#include "emu/riscv/hart.h"
#include "emu/riscv/sbi/sbi.h"

namespace emu::riscv::sbi {
namespace {

// §10.1
enum class Type : uint32_t { shutdown = 0, cold_reboot = 1, warm_reboot = 2 };
constexpr uint32_t kSystemFailure = 1;

}  // namespace

Reply system_reset(Hart& hart, const Call& call) noexcept {
  if (call.function != 0) return {.error = Error::not_supported};
  hv::MachineControl& control = hart.environment().control;
  switch (static_cast<Type>(call.argument[0])) {
    case Type::shutdown:
      control.power_off(static_cast<uint32_t>(call.argument[1]) == kSystemFailure ? 1 : 0);
      break;
    case Type::cold_reboot:
    case Type::warm_reboot:
      control.reboot();
      break;
    default:
      return {.error = Error::invalid_parameter};
  }
  hart.stop();
  return {.keeps_registers = true};
}

}  // namespace emu::riscv::sbi

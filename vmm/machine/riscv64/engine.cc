#include "vmm/machine/riscv64/engine.h"

#include "vmm/machine/riscv64/emulated_engine.h"
#if defined(__riscv)
#include "vmm/machine/riscv64/kvm/engine.h"
#endif

namespace vmm::riscv64 {

hv::Result<std::unique_ptr<Engine>> Engine::create(const MachineConfig& config, const Environment& environment) {
#if defined(__riscv)
  if (config.accel == Accel::kvm) return create_kvm_engine(config, environment);
#endif
  return create_emulated_engine(config, environment);
}

}  // namespace vmm::riscv64

#include "vmm/machine/arm64/engine.h"

#if defined(__aarch64__)
#include "vmm/machine/arm64/kvm/engine.h"
#endif

namespace vmm::arm64 {

hv::Result<std::unique_ptr<Engine>> Engine::create([[maybe_unused]] const MachineConfig& config,
                                                   [[maybe_unused]] const Environment& environment) {
#if defined(__aarch64__)
  return create_kvm_engine(config, environment);
#else
  return hv::error("this version of vireo runs arm64 guests on KVM only, on arm64 hosts");
#endif
}

}  // namespace vmm::arm64

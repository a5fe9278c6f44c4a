#pragma once

#include <memory>

#include "emu/riscv/hart_group.h"
#include "hv/base/result.h"
#include "vmm/config/machine_config.h"

namespace vmm::riscv64 {

struct DeleteObserver {
  void operator()(emu::jit::Observer* observer) const noexcept;
};
using ObserverPointer = std::unique_ptr<emu::jit::Observer, DeleteObserver>;

/// Whoever is to be told of translations; nullptr for nobody. Error: a file that cannot be written.
hv::Result<ObserverPointer> make_jit_observers(const JitConfig& config);

}  // namespace vmm::riscv64

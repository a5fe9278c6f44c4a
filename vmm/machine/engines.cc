#include "vmm/machine/engines.h"

#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "emu/jit/engine.h"
#include "hv/kvm/system.h"

namespace vmm {
namespace {

#if defined(__x86_64__)
constexpr Arch kHostArch = Arch::x86_64;
#elif defined(__aarch64__)
constexpr Arch kHostArch = Arch::arm64;
#else
constexpr Arch kHostArch = Arch::riscv64;
#endif

/// Whether KVM on an x86-64 host has the processor's virtualization behind it: elsewhere it interprets what it cannot
/// run, slowly and not all of it.
bool has_hardware_virtualization() {
  if (kHostArch != Arch::x86_64) return true;
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (word == "svm" || word == "vmx") return true;
    }
    return false;
  }
  return false;
}

}  // namespace

std::string engines() {
  std::string names = "interp";
  if (jit_obstacle().empty()) names += ", jit";
  if (kvm_obstacle(kHostArch).empty()) names += ", kvm";
  return names;
}

std::string kvm_obstacle(Arch guest) {
  if (guest != kHostArch) {
    return fmt::format("KVM cannot be used: it runs guests of the host's own architecture, and this one is {}",
                       arch_name(guest));
  }
  return hv::kvm::obstacle();
}

std::string describe_kvm() {
  std::string obstacle = kvm_obstacle(kHostArch);
  if (!obstacle.empty()) return "no: " + obstacle.substr(obstacle.find(": ") + 2);
  if (!has_hardware_virtualization()) {
    return "yes, but without hardware (the processor shows neither svm nor vmx): slow, and not every kernel boots";
  }
  return fmt::format("yes, for {} guests", arch_name(kHostArch));
}

std::string jit_obstacle() {
  const std::string obstacle = emu::jit::Engine::obstacle();
  return obstacle.empty() ? obstacle : "the JIT cannot be used: " + obstacle;
}

Accel automatic_engine(const MachineConfig& config) {
  const Arch guest = config.arch;
  const bool needs_machine_mode = !config.boot.firmware.empty() || !config.boot.bare.empty();
  if (guest != Arch::riscv64 || (!needs_machine_mode && kvm_obstacle(guest).empty())) return Accel::kvm;
  return jit_obstacle().empty() ? Accel::jit : Accel::interp;
}

hv::Result<void> check_engine(const MachineConfig& config) {
  const Arch guest = config.arch;
  const Accel accel = config.accel == Accel::automatic ? automatic_engine(config) : config.accel;
  if (accel == Accel::kvm) {
    if (const std::string obstacle = kvm_obstacle(guest); !obstacle.empty()) return hv::error("{}", obstacle);
  } else if (accel == Accel::jit || accel == Accel::lockstep) {
    if (const std::string obstacle = jit_obstacle(); !obstacle.empty()) return hv::error("{}", obstacle);
  }
  return {};
}

}  // namespace vmm

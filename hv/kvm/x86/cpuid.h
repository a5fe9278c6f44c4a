#pragma once

#include <cstdint>
#include <vector>

#include "hv/base/result.h"
#include "hv/kvm/system.h"

namespace hv::kvm::x86 {

/// Which of the host processor's features guests see.
enum class CpuModel {
  host,    ///< all that KVM can give
  stable,  ///< what hosts of the last ten years share (about x86-64-v2 and AES), so that a saved guest runs on another
           ///< one
};

/// One CPUID leaf; `flags` are KVM's.
struct CpuidLeaf {
  uint32_t function = 0;
  uint32_t index = 0;
  uint32_t flags = 0;
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
};

/// What the host's KVM can give a guest.
Result<std::vector<CpuidLeaf>> supported_cpuid(const System& system);

/// What processor `id` (also its APIC's number) of `count` in one package sees.
std::vector<CpuidLeaf> guest_cpuid(std::vector<CpuidLeaf> supported, unsigned id, unsigned count, CpuModel model);

/// Gives a vCPU its leaves.
Result<void> set_cpuid(int vcpu_fd, const std::vector<CpuidLeaf>& leaves);

}  // namespace hv::kvm::x86

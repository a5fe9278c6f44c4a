#pragma once

#include <cstdint>

#include <linux/kvm.h>
#include <sys/ioctl.h>

/// Structures of the kernel's that end in a flexible array, and the requests that are numbered by their size: in C++
/// the kernel's headers give such an array a size, and so other numbers.
namespace hv::kvm::x86::abi {

/// struct kvm_cpuid2, before its entries
struct Cpuid {
  uint32_t count = 0;
  uint32_t padding = 0;
};

/// struct kvm_cpuid_entry2
struct CpuidEntry {
  uint32_t function, index, flags, eax, ebx, ecx, edx, padding[3];
};

/// struct kvm_msr_list, before its indices
struct MsrList {
  uint32_t count = 0;
};

/// struct kvm_msrs with one entry
struct OneMsr {
  uint32_t count = 1;
  uint32_t padding = 0;
  uint32_t index = 0;
  uint32_t reserved = 0;
  uint64_t data = 0;
};

struct MsrsHeader {
  uint32_t count, padding;
};

/// struct kvm_xsave, without state that the program would have to ask the kernel for (AMX)
struct Xsave {
  uint32_t region[1024];
};

inline constexpr unsigned long kGetMsrIndexList = _IOWR(KVMIO, 0x02, MsrList);
inline constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, Cpuid);
inline constexpr unsigned long kGetMsrs = _IOWR(KVMIO, 0x88, MsrsHeader);
inline constexpr unsigned long kSetMsrs = _IOW(KVMIO, 0x89, MsrsHeader);
inline constexpr unsigned long kSetCpuid = _IOW(KVMIO, 0x90, Cpuid);
inline constexpr unsigned long kGetXsave = _IOR(KVMIO, 0xa4, Xsave);
inline constexpr unsigned long kSetXsave = _IOW(KVMIO, 0xa5, Xsave);

}  // namespace hv::kvm::x86::abi

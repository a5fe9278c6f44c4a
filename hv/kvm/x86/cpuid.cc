#include "hv/kvm/x86/cpuid.h"

#include <bit>
#include <span>

#include "hv/kvm/ioctl.h"
#include "hv/kvm/x86/abi.h"

namespace hv::kvm::x86 {
namespace {

constexpr size_t kMostLeaves = 256;

struct Table {
  abi::Cpuid header;
  abi::CpuidEntry entries[kMostLeaves]{};
};
static_assert(sizeof(Table) == sizeof(abi::Cpuid) + kMostLeaves * sizeof(abi::CpuidEntry));

// Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E.
namespace leaf {
constexpr uint32_t kFeatures = 1;
constexpr uint32_t kCaches = 4;
constexpr uint32_t kPower = 6;
constexpr uint32_t kMoreFeatures = 7;
constexpr uint32_t kPerformance = 0xa;
constexpr uint32_t kTopology = 0xb;
constexpr uint32_t kState = 0xd;
constexpr uint32_t kTopology2 = 0x1f;
constexpr uint32_t kExtendedFeatures = 0x8000'0001;
constexpr uint32_t kSizes = 0x8000'0008;
constexpr uint32_t kAmdTopology = 0x8000'001e;
}  // namespace leaf

constexpr uint32_t kHyperthreading = 1u << 28;  // leaf 1 EDX: there are several logical processors
constexpr uint32_t kTscDeadline = 1u << 24;     // leaf 1 ECX: KVM's APIC has it always
constexpr uint32_t kX2Apic = 1u << 21;
constexpr uint32_t kHypervisor = 1u << 31;

/// What CpuModel::stable leaves of a register.
struct Mask {
  uint32_t function;
  uint32_t index;
  uint32_t CpuidLeaf::*reg;
  uint32_t kept;
};

constexpr Mask kStable[] = {
    // SSE3, PCLMULQDQ, SSSE3, CX16, SSE4.1, SSE4.2, x2APIC, MOVBE, POPCNT, TSC deadline, AES, hypervisor
    {leaf::kFeatures, 0, &CpuidLeaf::ecx, 0x83f8'2203},
    {leaf::kFeatures, 0, &CpuidLeaf::edx, 0x1789'fbff},
    // FSGSBASE, SMEP; what says that the processor lacks a flaw stays
    {leaf::kMoreFeatures, 0, &CpuidLeaf::ebx, 0x0000'0081},
    {leaf::kMoreFeatures, 0, &CpuidLeaf::ecx, 0},
    {leaf::kMoreFeatures, 0, &CpuidLeaf::edx, 0xac00'0400},
    {leaf::kMoreFeatures, 1, &CpuidLeaf::eax, 0},
    {leaf::kState, 0, &CpuidLeaf::eax, 0},
    {leaf::kState, 1, &CpuidLeaf::eax, 0},
    // LAHF; SYSCALL, NX, RDTSCP, long mode
    {leaf::kExtendedFeatures, 0, &CpuidLeaf::ecx, 0x0000'0101},
    {leaf::kExtendedFeatures, 0, &CpuidLeaf::edx, 0x2810'0800},
    // IBPB, IBRS, STIBP, SSBD
    {leaf::kSizes, 0, &CpuidLeaf::ebx, 0x0100'd000},
};

unsigned bits_for(unsigned count) { return static_cast<unsigned>(std::bit_width(count - 1)); }

/// Extended topology: one thread a core, all cores in one package.
void set_topology(CpuidLeaf& entry, unsigned id, unsigned count) {
  constexpr uint32_t kThreads = 1;
  constexpr uint32_t kCores = 2;
  entry.edx = id;
  if (entry.index == 0) {
    entry.eax = 0;
    entry.ebx = 1;
    entry.ecx = kThreads << 8;
  } else if (entry.index == 1) {
    entry.eax = bits_for(count);
    entry.ebx = count;
    entry.ecx = 1 | kCores << 8;
  } else {
    entry.eax = entry.ebx = 0;
    entry.ecx = entry.index;
  }
}

void adapt(CpuidLeaf& entry, unsigned id, unsigned count) {
  switch (entry.function) {
    case leaf::kFeatures:
      entry.ebx = (entry.ebx & 0xffff) | (count << 16) | (id << 24);
      entry.ecx |= kHypervisor | kTscDeadline | kX2Apic;
      entry.edx = count > 1 ? entry.edx | kHyperthreading : entry.edx & ~kHyperthreading;
      return;
    case leaf::kCaches:
      if ((entry.eax & 0x1f) == 0) return;
      // Bits 25:14 and 31:26: how many processors may share it, and cores in the package, each less one.
      entry.eax = (entry.eax & 0x3fff) | ((count - 1) << 26);
      return;
    case leaf::kPower:
      entry.ecx &= ~(1u << 3);  // the energy preference is the host's
      return;
    case leaf::kPerformance:
      entry.eax = entry.ebx = entry.ecx = entry.edx = 0;  // counters cannot be saved and moved
      return;
    case leaf::kTopology:
    case leaf::kTopology2:
      return set_topology(entry, id, count);
    case leaf::kSizes:
      entry.ecx = (bits_for(count) << 12) | (count - 1);
      return;
    case leaf::kAmdTopology:
      entry.eax = id;
      entry.ebx = id;
      entry.ecx = 0;
      return;
    default:
      return;
  }
}

}  // namespace

Result<std::vector<CpuidLeaf>> supported_cpuid(const System& system) {
  Table table;
  table.header.count = kMostLeaves;
  if (ioctl(system.fd(), abi::kGetSupportedCpuid, &table) != 0)
    return os_error("KVM does not say what the processor can do");
  std::vector<CpuidLeaf> leaves;
  for (const abi::CpuidEntry& entry : std::span(table.entries).first(table.header.count))
    leaves.push_back({entry.function, entry.index, entry.flags, entry.eax, entry.ebx, entry.ecx, entry.edx});
  return leaves;
}

std::vector<CpuidLeaf> guest_cpuid(std::vector<CpuidLeaf> supported, unsigned id, unsigned count, CpuModel model) {
  for (CpuidLeaf& entry : supported) adapt(entry, id, count);
  if (model == CpuModel::host) return supported;
  for (const Mask& mask : kStable) {
    for (CpuidLeaf& entry : supported) {
      if (entry.function == mask.function && entry.index == mask.index) entry.*mask.reg &= mask.kept;
    }
  }
  return supported;
}

Result<void> set_cpuid(int vcpu_fd, const std::vector<CpuidLeaf>& leaves) {
  Table table;
  if (leaves.size() > kMostLeaves) return error("more than {} CPUID leaves", kMostLeaves);
  table.header.count = static_cast<uint32_t>(leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    const CpuidLeaf& leaf = leaves[i];
    table.entries[i] = {leaf.function, leaf.index, leaf.flags, leaf.eax, leaf.ebx, leaf.ecx, leaf.edx, {}};
  }
  if (ioctl(vcpu_fd, abi::kSetCpuid, &table) != 0) return os_error("KVM does not take the processor's features");
  return {};
}

}  // namespace hv::kvm::x86

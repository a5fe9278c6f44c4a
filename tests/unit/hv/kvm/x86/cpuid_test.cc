#include "hv/kvm/x86/cpuid.h"

#include <algorithm>

#include <gmock/gmock.h>

namespace hv::kvm::x86 {
namespace {

CpuidLeaf find(const std::vector<CpuidLeaf>& leaves, uint32_t function, uint32_t index = 0) {
  for (const CpuidLeaf& leaf : leaves) {
    if (leaf.function == function && leaf.index == index) return leaf;
  }
  return {};
}

std::vector<CpuidLeaf> everything() {
  std::vector<CpuidLeaf> leaves;
  for (const uint32_t function : {1u, 7u, 0xau, 0x8000'0001u, 0x8000'0008u})
    leaves.push_back({function, 0, 0, ~0u, ~0u, ~0u, ~0u});
  leaves.push_back({0xb, 0, 1, 0, 0, 0, 0});
  leaves.push_back({0xb, 1, 1, 0, 0, 0, 0});
  return leaves;
}

TEST(Cpuid, ProcessorsAreCoresOfOnePackage) {
  const auto leaves = guest_cpuid(everything(), 2, 6, CpuModel::host);
  EXPECT_EQ(find(leaves, 1).ebx >> 16, 2u << 8 | 6);
  EXPECT_EQ(find(leaves, 0xb, 1).eax, 3u);  // 6 need 3 bits of the APIC's number
  EXPECT_EQ(find(leaves, 0xb, 1).ebx, 6u);
  EXPECT_EQ(find(leaves, 0xb, 1).edx, 2u);
}

TEST(Cpuid, PerformanceCountersAreHidden) {
  EXPECT_EQ(find(guest_cpuid(everything(), 0, 1, CpuModel::host), 0xa).eax, 0u);
}

TEST(Cpuid, TheStableModelHasNoAvxAndKeepsLongMode) {
  const auto leaves = guest_cpuid(everything(), 0, 1, CpuModel::stable);
  EXPECT_EQ(find(leaves, 1).ecx & (1u << 28), 0u);
  EXPECT_EQ(find(leaves, 7).ebx & (1u << 5 | 1u << 16), 0u);
  EXPECT_EQ(find(leaves, 0x8000'0008).ebx & 1, 0u);  // CLZERO
  EXPECT_NE(find(leaves, 0x8000'0001).edx & (1u << 29), 0u);
}

}  // namespace
}  // namespace hv::kvm::x86

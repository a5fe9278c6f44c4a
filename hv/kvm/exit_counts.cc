#include "hv/kvm/exit_counts.h"

#include <fmt/format.h>
#include <linux/kvm.h>

namespace hv::kvm {
namespace {

struct Name {
  uint32_t reason;
  const char* name;
};

constexpr Name kNames[] = {
    {KVM_EXIT_UNKNOWN, "unknown"},
    {KVM_EXIT_IO, "io"},
    {KVM_EXIT_HYPERCALL, "hypercall"},
    {KVM_EXIT_DEBUG, "debug"},
    {KVM_EXIT_HLT, "hlt"},
    {KVM_EXIT_MMIO, "mmio"},
    {KVM_EXIT_IRQ_WINDOW_OPEN, "irq_window"},
    {KVM_EXIT_SHUTDOWN, "shutdown"},
    {KVM_EXIT_FAIL_ENTRY, "fail_entry"},
    {KVM_EXIT_INTR, "intr"},
    {KVM_EXIT_INTERNAL_ERROR, "internal_error"},
    {KVM_EXIT_SYSTEM_EVENT, "system_event"},
    {KVM_EXIT_ARM_NISV, "nisv"},
    {KVM_EXIT_RISCV_SBI, "sbi"},
    {KVM_EXIT_RISCV_CSR, "csr"},
    {ExitCounts::kInterrupted, "interrupted"},
};

}  // namespace

std::string exit_name(uint32_t reason) {
  for (const Name& row : kNames) {
    if (row.reason == reason) return row.name;
  }
  return fmt::format("{}", reason);
}

uint64_t ExitCounts::total() const noexcept {
  uint64_t sum = 0;
  for (const auto& count : counts_) sum += count.load(std::memory_order_relaxed);
  return sum;
}

std::string ExitCounts::describe() const {
  std::string parts;
  for (uint32_t reason = 0; reason < kReasons; ++reason) {
    const uint64_t count = counts_[reason].load(std::memory_order_relaxed);
    if (count != 0) parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", exit_name(reason), count);
  }
  return fmt::format("{} exits ({})", total(), parts);
}

}  // namespace hv::kvm

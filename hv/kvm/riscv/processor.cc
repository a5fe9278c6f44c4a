#include "hv/kvm/riscv/processor.h"

#include <algorithm>
#include <string_view>

#include "hv/kvm/one_reg.h"
#include "hv/kvm/riscv/register_ids.h"

namespace hv::kvm::riscv {
namespace {

/// By the kernel's numbers (enum KVM_RISCV_ISA_EXT_ID), which stay as they are; new ones are added at the end. Those
/// that a guest cannot use here have no name.
constexpr std::string_view kExtensions[] = {
    "a",           "c",        "d",       "f",         "",         "i",     "m",       "svpbmt", "sstc",      "svinval",
    "zihintpause", "zicbom",   "zicboz",  "zbb",       "ssaia",    "v",     "svnapot", "zba",    "zbs",       "zicntr",
    "zicsr",       "zifencei", "zihpm",   "smstateen", "zicond",   "zbc",   "zbkb",    "zbkc",   "zbkx",      "zknd",
    "zkne",        "zknh",     "",        "zksed",     "zksh",     "zkt",   "zvbb",    "zvbc",   "zvkb",      "zvkg",
    "zvkned",      "zvknha",   "zvknhb",  "zvksed",    "zvksh",    "zvkt",  "zfh",     "zfhmin", "zihintntl", "zvfh",
    "zvfhmin",     "zfa",      "ztso",    "zacas",     "sscofpmf", "zimop", "zca",     "zcb",    "zcd",       "",
    "zcmop",       "zawrs",    "smnpm",   "ssnpm",     "svade",    "svadu", "svvptc",  "zabha",  "ziccrse",   "zaamo",
    "zalrsc",      "zicbop",   "zfbfmin", "zvfbfmin",  "zvfbfwma",
};

constexpr uint64_t kAdvancedInterrupts = 14;  // of the table above
static_assert(kExtensions[kAdvancedInterrupts] == "ssaia");

// Places in struct kvm_riscv_config.
constexpr uint64_t kCbomBlock = 1;
constexpr uint64_t kCbozBlock = 5;
constexpr uint64_t kTranslation = 6;
constexpr uint64_t kCbopBlock = 7;
constexpr uint64_t kTimerFrequency = 0;  // in struct kvm_riscv_timer

/// Single letters in their own order, then Z, then S. RISC-V Unprivileged, "ISA Extension Naming Conventions"
bool comes_before(const std::string& a, const std::string& b) {
  constexpr std::string_view kLetters = "imafdqcbvh";
  if (a.size() == 1 && b.size() == 1) return kLetters.find(a) < kLetters.find(b);
  if ((a.size() == 1) != (b.size() == 1)) return a.size() == 1;
  return a[0] != b[0] ? a[0] > b[0] : a < b;
}

uint32_t block_size(int fd, uint64_t index) {
  return static_cast<uint32_t>(get_register(fd, config_register(index)).value_or(0));
}

/// satp's MODE for the largest address space.
unsigned address_bits(uint64_t mode) {
  constexpr uint64_t kSv48 = 9, kSv57 = 10;
  if (mode == kSv57) return 57;
  return mode == kSv48 ? 48 : 39;
}

}  // namespace

Processor describe_processor(int vcpu_fd) {
  Processor processor;
  for (uint64_t number = 0; number < std::size(kExtensions); ++number) {
    const std::string_view name = kExtensions[number];
    if (!name.empty() && get_register(vcpu_fd, isa_extension(number)).value_or(0) != 0)
      processor.extensions.emplace_back(name);
  }
  std::sort(processor.extensions.begin(), processor.extensions.end(), comes_before);
  processor.address_bits = address_bits(get_register(vcpu_fd, config_register(kTranslation)).value_or(0));
  processor.cbom_block = block_size(vcpu_fd, kCbomBlock);
  processor.cboz_block = block_size(vcpu_fd, kCbozBlock);
  processor.cbop_block = block_size(vcpu_fd, kCbopBlock);
  processor.timebase = get_register(vcpu_fd, register_id(KVM_REG_RISCV_TIMER, kTimerFrequency)).value_or(0);
  return processor;
}

void hide_advanced_interrupts(int vcpu_fd) noexcept { set_register(vcpu_fd, isa_extension(kAdvancedInterrupts), 0); }

}  // namespace hv::kvm::riscv

#pragma once

#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "tests/unit/hv/kvm/guest_program.h"
#include "tests/unit/hv/kvm/x86/x86_guest.h"

namespace hv::kvm::test {

inline constexpr GuestAddress kProgram{0x1800};
inline constexpr GuestAddress kGates{0x3000};
inline constexpr GuestAddress kSegments{0x3800};
inline constexpr GuestAddress kTables{0x3900};  ///< what lgdt and, 16 bytes on, lidt load
inline constexpr uint64_t kVectors = 64;
inline constexpr uint64_t kNotPresentSelector = 0x20;

// Entry n of 16 bytes is the handler of vector n: it writes n to port 0x500, ends interrupts, and goes on where r15
// says with an empty stack. Behind the last the guest begins.
GUEST_PROGRAM(guest_handlers, R"(
  .set vector, 0
  .rept 64
  .balign 16
  pushq $vector
  jmp 1f
  .set vector, vector + 1
  .endr
  .balign 16
  lgdt 0x3900
  lidt 0x3910
  movl $0x1800, %eax
  jmp *%rax
1:
  popq %rax
  movl $0x500, %edx
  outb %al, %dx
  cmpb $32, %al
  jb 2f
  movl $0xfee000b0, %eax
  movl $0, (%rax)
2:
  movl $0x7000, %esp
  jmp *%r15
)")

/// Elsewhere KVM interprets its guests, and not all of them.
inline bool has_virtualization() {
  std::ifstream file("/proc/cpuinfo");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.find(" svm") != std::string::npos || text.find(" vmx") != std::string::npos;
}

/// A guest in long mode whose exceptions and interrupts are told on port 0x500.
class LongGuest : public X86Guest {
 protected:
  void SetUp() override {
    if (!has_virtualization()) GTEST_SKIP() << "the processor shows neither svm nor vmx";
    X86Guest::SetUp();
  }

  void start(std::span<const std::byte> program) {
    ASSERT_TRUE(memory_->write(kCode, guest_handlers()));
    ASSERT_TRUE(memory_->write(kProgram, program));
    for (uint64_t vector = 0; vector < kVectors; ++vector) set_gate(vector, true);
    constexpr uint64_t kCode64 = 0x00af'9b00'0000'ffff, kData = 0x00cf'9300'0000'ffff, kPresent = uint64_t{1} << 47;
    ASSERT_TRUE(memory_->store(kSegments + 0x10, kCode64));
    ASSERT_TRUE(memory_->store(kSegments + 0x18, kData));
    ASSERT_TRUE(memory_->store(kSegments + kNotPresentSelector, kData & ~kPresent));
    set_table(kTables, kSegments, 0x28);
    set_table(kTables + 16, kGates, kVectors * 16);
    must(machine_->start_at(kCode + kVectors * 16));
  }

  /// An interrupt gate. Intel SDM volume 3A §6.14.1
  void set_gate(uint64_t vector, bool present) {
    const uint64_t handler = kCode.value + 16 * vector;
    const uint64_t flags = present ? 0x8e00 : 0x0e00;
    ASSERT_TRUE(memory_->store(kGates + 16 * vector, handler | uint64_t{0x10} << 16 | flags << 32));
    ASSERT_TRUE(memory_->store(kGates + 16 * vector + 8, uint64_t{0}));
  }

  std::vector<uint64_t> vectors() const {
    std::vector<uint64_t> out;
    for (const Access& access : port_.writes) {
      if (access.offset == 0) out.push_back(access.value);
    }
    return out;
  }

 private:
  void set_table(GuestAddress at, GuestAddress table, uint64_t size) {
    ASSERT_TRUE(memory_->store(at, static_cast<uint16_t>(size - 1)));
    ASSERT_TRUE(memory_->store(at + 2, table.value));
  }
};

}  // namespace hv::kvm::test

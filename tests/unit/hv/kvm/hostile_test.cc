#include <chrono>
#include <random>

#include "tests/unit/hv/kvm/kvm_guest.h"

namespace hv::kvm::test {
namespace {

using namespace std::chrono_literals;

/// Instructions that reach for ports, memory outside RAM, system registers and the interrupt controllers, between
/// random bytes that fault. Whatever a run ends with, it ends, and the next machine works.
class HostileGuest : public KvmGuest {
 protected:
  std::vector<std::byte> random_code(std::mt19937_64& random) const {
    static constexpr std::initializer_list<uint8_t> kSnippets[] = {
        {0xec},                          // in al, dx
        {0xef},                          // out dx, eax
        {0x6e},                          // outsb
        {0x6c},                          // insb
        {0x0f, 0x30},                    // wrmsr
        {0x0f, 0x32},                    // rdmsr
        {0x0f, 0xa2},                    // cpuid
        {0x0f, 0x22, 0xc0},              // mov cr0, eax
        {0x0f, 0x22, 0xe0},              // mov cr4, eax
        {0x89, 0x03},                    // mov [rbx], eax
        {0x8b, 0x0b},                    // mov ecx, [rbx]
        {0xbb, 0x00, 0x00, 0xe0, 0xfe},  // mov ebx, 0xfee00000: the local APIC
        {0xbb, 0x00, 0x00, 0xc0, 0xfe},  // the IOAPIC
        {0xbb, 0x00, 0x00, 0x00, 0xd0},  // the device
        {0x0f, 0x01, 0x1b},              // lidt [rbx]
        {0xf4},                          // hlt
        {0xfb},                          // sti
        {0x0f, 0x0b},                    // ud2
        {0xf0, 0x0f, 0xc1, 0x03},        // lock xadd [rbx], eax
        {0x0f, 0x01, 0xc1},              // vmcall
    };
    std::vector<std::byte> code;
    while (code.size() < 512) {
      const auto snippet = kSnippets[random() % std::size(kSnippets)];
      for (const uint8_t byte : snippet) code.push_back(static_cast<std::byte>(byte));
      for (uint64_t i = random() % 3; i != 0; --i) code.push_back(static_cast<std::byte>(random()));
    }
    return code;
  }
};

TEST_F(HostileGuest, RandomProgramsEndNoMoreThanTheirMachine) {
  std::mt19937_64 random(2026);
  const auto end = std::chrono::steady_clock::now() + 2s;
  int runs = 0;
  constexpr int kLeast = 4;
  for (; runs < kLeast || std::chrono::steady_clock::now() < end; ++runs) {
    device_.writes.clear();
    port_.writes.clear();
    ASSERT_TRUE(memory_->write(kCode, random_code(random)));
    if (random() % 2 == 0) {
      start_real();
    } else {
      start_long();
    }
    std::thread other([this] {
      std::this_thread::sleep_for(3ms);
      vcpu_->request_exit();
    });
    const auto exit = vcpu_->run();
    other.join();
    EXPECT_TRUE(exit || !exit.error().message.empty());
    vcpu_.reset();
    irqchip_.reset();
    vm_.reset();
    make();
  }
  load({0xba, 0x0f, 0x05, 0xee});  // mov dx, 0x50f; out dx, al
  start_real();
  const auto exit = vcpu_->run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
}

}  // namespace
}  // namespace hv::kvm::test

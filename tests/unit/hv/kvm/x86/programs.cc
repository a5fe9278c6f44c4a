#include "tests/unit/hv/kvm/programs.h"

#include <initializer_list>

#include "tests/unit/hv/kvm/guest_program.h"

namespace hv::kvm::test {

// The device is at ebx.
#define PROGRAM(name, text)                                                   \
  GUEST_PROGRAM(name##_code, ".intel_syntax noprefix\n" text "\n.att_syntax") \
  std::span<const std::byte> name() { return name##_code(); }
#define DEVICE "mov ebx, 0xd0000000\n"
#define END "mov dword ptr [rbx + 0x7f0], eax\n"

PROGRAM(spin, "1: jmp 1b")
PROGRAM(wait, "cli\n1: hlt\n jmp 1b")
PROGRAM(ring, DEVICE "1: mov [rbx], eax\n jmp 1b")
PROGRAM(access_device, DEVICE
        "mov eax, [rbx + 0x10]\n mov [rbx + 0x14], eax\n mov rcx, [rbx + 0x18]\n mov [rbx + 0x20], rcx\n"
        "mov [rbx + 0x11], al\n" END)
PROGRAM(ring_doorbell, DEVICE "mov dword ptr [rbx + 0x50], 0\n mov dword ptr [rbx + 0x50], 1\n" END)
PROGRAM(read_hole, DEVICE "mov ecx, 0xc0000000\n mov rax, [rcx]\n mov ecx, 0x2000\n mov [rcx], rax\n" END)
PROGRAM(write_pages, DEVICE "mov ecx, 0x5000\n mov [rcx], eax\n" END "mov ecx, 0x6000\n mov [rcx], eax\n" END)
// SSE is to be switched on (CR4.OSFXSR).
PROGRAM(keep_values, DEVICE
        "mov rax, cr4\n or eax, 0x200\n mov cr4, rax\n"
        "mov r9, 0x1122334455667788\n push r9\n push r9\n movdqu xmm9, [rsp]\n mov cr2, r9\n" END
        "mov [rbx], r9\n movdqu [rsp], xmm9\n pop rax\n mov [rbx + 8], rax\n mov rax, cr2\n mov [rbx + 16], rax\n" END)

/// Instructions that reach for ports, memory outside RAM, system registers and the interrupt controllers, between
/// random bytes that fault.
std::vector<std::byte> hostile_code(std::mt19937_64& random) {
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

}  // namespace hv::kvm::test

#include "tests/unit/hv/kvm/x86/long_guest.h"

namespace hv::kvm::test {
namespace {

using testing::ElementsAre;

GUEST_PROGRAM(saved_in_the_middle, R"(
  movq %cr4, %rax
  orl $0x200, %eax                  # SSE
  movq %rax, %cr4
  movabsq $0x1122334455667788, %rax
  movq %rax, %xmm3
  movl $0x80000000, %eax
  movq %rax, %dr3
  movl $0xc0000102, %ecx            # the kernel's base of gs
  movl $0x12345678, %eax
  movl $0x0000777f, %edx
  wrmsr
  fninit
  fldpi
  movb $0xff, %al                   # the 8259A is masked
  outb %al, $0x21
  movl $0xfee00000, %ebx
  movl $0x1ff, 0xf0(%rbx)           # the local APIC is on
  movl $0x40031, 0x320(%rbx)        # its timer: vector 0x31 at the deadline
  movl $0xfec00000, %esi
  movl $0x1a, (%rsi)                # IOAPIC input 5: vector 0x35, an edge, to processor 0
  movl $0x35, 0x10(%rsi)
  movl $0x1b, (%rsi)
  movl $0, 0x10(%rsi)
  rdtsc
  shlq $32, %rdx
  orq %rdx, %rax
  addq $20000000, %rax
  movq %rax, %rdx
  shrq $32, %rdx
  movl $0x6e0, %ecx
  wrmsr
  movl $0x50f, %edx
  outb %al, %dx                     # here it is saved
  movl $0xd0000000, %ebx
  movq %xmm3, %rax
  movq %rax, (%rbx)
  movq %dr3, %rax
  movq %rax, 8(%rbx)
  movl $0xc0000102, %ecx
  rdmsr
  movl %eax, 16(%rbx)
  fldpi
  fcomip
  setz %al
  movzbl %al, %eax
  movl %eax, 20(%rbx)
  xorl %r8d, %r8d
1:
  leaq 2f(%rip), %r15
3:
  sti
  hlt
  jmp 3b
2:
  incl %r8d                         # interrupts so far
  cmpl $2, %r8d
  jne 1b
  movl $0x50f, %edx
  outb %al, %dx
)")

/// Registers of every kind, a pending interrupt, a timer that has yet to ring and the controllers' tables.
TEST_F(LongGuest, GoesOnInAnotherMachineWithItsInterruptsAndItsTimer) {
  start(saved_in_the_middle());
  ASSERT_TRUE(run_for(vcpu(), std::chrono::seconds(5)));
  ASSERT_EQ(port_.writes.size(), 1u);
  machine_->irqchip().set_line(Machine::kInterrupt, true);
  StateWriter writer;
  machine_->save(writer);

  make();
  StateReader reader(writer.data());
  const auto loaded = machine_->load(reader);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto exit = run_for(vcpu(), std::chrono::seconds(5));
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  EXPECT_THAT(device_.writes, ElementsAre(Access{0, 8, 0x1122334455667788}, Access{8, 8, 0x80000000},
                                          Access{16, 4, 0x12345678}, Access{20, 4, 1}));
  EXPECT_THAT(vectors(), testing::UnorderedElementsAre(0x31, 0x35));
}

TEST_F(X86Guest, AProcessorThatWasNotStartedStaysSo) {
  const auto cpuid = x86::guest_cpuid(must(x86::supported_cpuid(*system_)), 1, 2, x86::CpuModel::host);
  auto second = must(x86::X86Vcpu::create(vm(), 1, {bus_, ports_}, cpuid));
  StateWriter writer;
  second->save(writer);
  second.reset();

  make();
  second = must(x86::X86Vcpu::create(vm(), 1, {bus_, ports_}, cpuid));
  StateReader reader(writer.data());
  ASSERT_TRUE(second->load(reader));
  const auto exit = run_for(*second, std::chrono::milliseconds(50));
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  EXPECT_EQ(second->registers().pc, 0xfff0u);  // where a processor is after power-on
}

}  // namespace
}  // namespace hv::kvm::test

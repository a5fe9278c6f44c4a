#include "tests/unit/hv/kvm/long_guest.h"

namespace hv::kvm::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(KvmGuest, ASavedProcessorGoesOnInAnotherMachine) {
  // mov r9, 0x1122334455667788; out 0x50f; then mov rax, r9; mov [0xd0000000], rax; out 0x50f
  load({0x49, 0xb9, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xba, 0x0f, 0x05, 0x00, 0x00, 0xee, 0x4c,
        0x89, 0xc8, 0xbb, 0x00, 0x00, 0x00, 0xd0, 0x48, 0x89, 0x03, 0xba, 0x0f, 0x05, 0x00, 0x00, 0xee});
  start_long();
  ASSERT_TRUE(vcpu_->run());
  StateWriter writer;
  vcpu_->save(writer);
  irqchip_->save(writer);
  vcpu_.reset();
  irqchip_.reset();
  vm_.reset();

  make();
  StateReader reader(writer.data());
  const auto vcpu = vcpu_->load(reader);
  ASSERT_TRUE(vcpu) << vcpu.error().message;
  const auto irqchip = irqchip_->load(reader);
  ASSERT_TRUE(irqchip) << irqchip.error().message;
  const auto exit = vcpu_->run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  EXPECT_THAT(device_.writes, ElementsAre(Access{0, 8, 0x1122334455667788}));
  EXPECT_EQ(port_.writes.size(), 2u);
}

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
  ASSERT_TRUE(run_for(std::chrono::seconds(5)));
  ASSERT_EQ(port_.writes.size(), 1u);
  irqchip_->set_line(kInterrupt, true);
  StateWriter writer;
  irqchip_->save(writer);
  vcpu_->save(writer);
  vcpu_.reset();
  irqchip_.reset();
  vm_.reset();

  make();
  StateReader reader(writer.data());
  const auto irqchip = irqchip_->load(reader);
  ASSERT_TRUE(irqchip) << irqchip.error().message;
  const auto vcpu = vcpu_->load(reader);
  ASSERT_TRUE(vcpu) << vcpu.error().message;
  const auto exit = run_for(std::chrono::seconds(5));
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  EXPECT_THAT(device_.writes, ElementsAre(Access{0, 8, 0x1122334455667788}, Access{8, 8, 0x80000000},
                                          Access{16, 4, 0x12345678}, Access{20, 4, 1}));
  EXPECT_THAT(vectors(), testing::UnorderedElementsAre(0x31, 0x35));
}

TEST_F(KvmGuest, AProcessorThatWasNotStartedStaysSo) {
  const auto cpuid = x86::guest_cpuid(must(x86::supported_cpuid(*system_)), 1, 2, x86::CpuModel::host);
  auto second = must(x86::X86Vcpu::create(*vm_, 1, {bus_, ports_}, cpuid));
  StateWriter writer;
  second->save(writer);
  second.reset();
  vcpu_.reset();
  irqchip_.reset();
  vm_.reset();

  make();
  second = must(x86::X86Vcpu::create(*vm_, 1, {bus_, ports_}, cpuid));
  StateReader reader(writer.data());
  ASSERT_TRUE(second->load(reader));
  vcpu_.swap(second);
  const auto exit = run_for(std::chrono::milliseconds(50));
  vcpu_.swap(second);
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  EXPECT_EQ(second->registers().pc, 0xfff0u);  // where a processor is after power-on
  second.reset();
}

TEST_F(KvmGuest, AStateThatIsCutOffIsAnError) {
  StateWriter writer;
  writer.section("kvm-x86-vcpu", 1, [&] { writer.value(uint32_t{7}); });
  StateReader reader(writer.data());
  EXPECT_FALSE(vcpu_->load(reader));
}

TEST_F(KvmGuest, TheFirstDirtyLogHasEveryPageAndTheNextWhatWasWritten) {
  // Real mode: mov byte [0x5000], 1; out 0x50f; mov byte [0x6000], 1; out 0x50f
  load({0xc6, 0x06, 0x00, 0x50, 0x01, 0xba, 0x0f, 0x05, 0xee, 0xc6, 0x06, 0x00, 0x60, 0x01, 0xee});
  start_real();
  const auto& region = memory_->regions()[0];
  ASSERT_TRUE(vcpu_->run());
  const auto all = memory_->take_dirty(region);
  EXPECT_EQ(all[0], ~uint64_t{0});
  EXPECT_EQ(all.back(), ~uint64_t{0});
  EXPECT_EQ(memory_->take_dirty(region)[0] & (1u << 5), 0u);

  ASSERT_TRUE(vcpu_->run());
  const auto written = memory_->take_dirty(region);
  EXPECT_NE(written[0] & (1u << 6), 0u);
  EXPECT_EQ(written[0] & (1u << 5), 0u);
  EXPECT_EQ(memory_->take_dirty(region)[0], 0u);
}

TEST_F(KvmGuest, RegistersHaveTheirNames) {
  start_long();
  const Registers registers = vcpu_->registers();
  EXPECT_EQ(registers.pc, kCode.value);
  EXPECT_THAT(registers.values, testing::Contains(testing::Pair("cr3", kPageTable.value)));
}

TEST(KvmSystem, SaysWhyItCannotBeUsed) {
  EXPECT_THAT(System::open("/dev/no-such-kvm").error().message, HasSubstr("there is no /dev/no-such-kvm"));
  EXPECT_THAT(System::open("/dev/null").error().message, HasSubstr("/dev/null is not KVM's device"));
}

}  // namespace
}  // namespace hv::kvm::test

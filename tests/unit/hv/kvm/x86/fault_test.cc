#include <sys/mman.h>

#include "tests/unit/hv/kvm/x86/long_guest.h"

namespace hv::kvm::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Goes on behind an instruction that faults.
#define FAULTS(instruction) "leaq 1f(%rip), %r15\n" instruction "\n1:\n"
#define END_PROGRAM "movl $0x50f, %edx\noutb %al, %dx\n"

GUEST_PROGRAM(faults_of_all_kinds,
              FAULTS("xorl %ecx, %ecx; divl %ecx")                                 //
              FAULTS("int3")                                                       //
              FAULTS("ud2")                                                        //
              "movq %cr0, %rax; orl $0x28, %eax; movq %rax, %cr0\n"                // TS, NE
              FAULTS("fninit")                                                     //
              "clts\n"                                                             //
              FAULTS("movl $0x20, %eax; movl %eax, %ds")                           // not present
              FAULTS("movl $0x20, %eax; movl %eax, %ss")                           //
              FAULTS("movabsq $0x8000000000000000, %rbx; movl (%rbx), %eax")       // not canonical
              FAULTS("movabsq $0x8000000000, %rbx; movl (%rbx), %eax")             // not mapped
              FAULTS("fninit; pushq $0; fldcw (%rsp); fld1; fldz; fdivrp; fwait")  //
              FAULTS("movl $0x12345678, %ecx; rdmsr")                              // no such register
              END_PROGRAM)

TEST_F(LongGuest, AGuestThatFaultsOnEverythingGoesOn) {
  start(faults_of_all_kinds());
  const auto exit = vcpu().run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  EXPECT_THAT(vectors(), ElementsAre(0, 3, 6, 7, 11, 12, 13, 14, 16, 13));
}

GUEST_PROGRAM(faults_forever, R"(
1: leaq 1b(%rip), %r15
   movabsq $0x8000000000, %rbx
   movl (%rbx), %eax
)")

TEST_F(LongGuest, AGuestThatFaultsForeverIsStopped) {
  start(faults_forever());
  port_.on_write = [this](const Access&) {
    if (port_.writes.size() == 1000) vcpu().request_exit();
  };
  const auto exit = vcpu().run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::requested) << exit->detail;
  EXPECT_THAT(vectors(), testing::Each(14u));
}

GUEST_PROGRAM(fault_then_end, FAULTS("movl $0x12345678, %ecx; rdmsr") END_PROGRAM)

TEST_F(LongGuest, AFaultWithoutAnyHandlerIsACrashInWords) {
  start(fault_then_end());
  for (const uint64_t vector : {8u, 11u, 13u}) set_gate(vector, false);
  const auto exit = vcpu().run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::crashed);
  EXPECT_THAT(exit->detail, HasSubstr("triple fault"));
}

GUEST_PROGRAM(exchanges_16_bytes_with_a_device, "movl $0xd0000000, %ebx; lock cmpxchg16b (%rbx)")

TEST_F(LongGuest, AnInstructionThatKvmCannotEmulateIsNamedByItsBytes) {
  start(exchanges_16_bytes_with_a_device());
  const auto exit = vcpu().run();
  ASSERT_TRUE(exit) << exit.error().message;
  EXPECT_EQ(exit->reason, Exit::Reason::crashed);
  EXPECT_THAT(exit->detail, HasSubstr("cannot emulate an instruction"));
  EXPECT_THAT(exit->detail, HasSubstr("bytes f0 48 0f c7 0b"));
}

GUEST_PROGRAM(reads_the_last_page, "movl $0x3ff000, %ebx; movl (%rbx), %eax\n" END_PROGRAM)

TEST_F(LongGuest, MemoryThatTheHostDoesNotHaveIsAnErrorInWords) {
  start(reads_the_last_page());
  constexpr uint64_t kPage = 0x3f'f000;
  std::byte* const host = memory_->host_pointer({kPage}, kGuestPageSize);
  ASSERT_EQ(::mprotect(host, kGuestPageSize, PROT_NONE), 0);
  const auto exit = vcpu().run();
  ASSERT_EQ(::mprotect(host, kGuestPageSize, PROT_READ | PROT_WRITE), 0);
  ASSERT_FALSE(exit);
  EXPECT_THAT(exit.error().message, HasSubstr("the host has no memory behind an address of the guest's"));
  EXPECT_THAT(exit.error().message, HasSubstr("rbx 00000000003ff000"));
}

}  // namespace
}  // namespace hv::kvm::test

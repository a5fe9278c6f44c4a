#include "hv/kvm/x86/registers.h"

#include <linux/kvm.h>

#include "hv/kvm/ioctl.h"

namespace hv::kvm::x86 {
namespace {

constexpr uint64_t kReservedFlag = 1u << 1;  // of RFLAGS, always set

// Intel SDM volume 3A §2.5, §2.2.1
constexpr uint64_t kProtectedMode = 1u << 0;
constexpr uint64_t kExtensionType = 1u << 4;
constexpr uint64_t kPaging = uint64_t{1} << 31;
constexpr uint64_t kPhysicalAddressExtension = 1u << 5;
constexpr uint64_t kLongModeEnable = 1u << 8;
constexpr uint64_t kLongModeActive = 1u << 10;

// Segment types, §3.4.5.1.
constexpr uint8_t kCode = 11;  // executable, readable, accessed
constexpr uint8_t kData = 3;   // writable, accessed
constexpr uint8_t kBusyTaskState = 11;

kvm_segment flat_segment(uint16_t selector, uint8_t type, bool is_64_bit) {
  kvm_segment segment{};
  segment.limit = 0xffff'ffff;
  segment.selector = selector;
  segment.type = type;
  segment.present = 1;
  segment.db = is_64_bit ? 0 : 1;
  segment.s = 1;
  segment.l = is_64_bit ? 1 : 0;
  segment.g = 1;
  return segment;
}

void set_flat_segments(kvm_sregs& system, bool is_64_bit) {
  system.cs = flat_segment(kCodeSelector, kCode, is_64_bit);
  const kvm_segment data = flat_segment(kDataSelector, kData, false);
  for (kvm_segment* const segment : {&system.ds, &system.es, &system.fs, &system.gs, &system.ss}) *segment = data;
  system.tr = {};
  system.tr.limit = 0xffff;
  system.tr.type = kBusyTaskState;
  system.tr.present = 1;
}

void set_real_segments(kvm_sregs& system) {
  for (kvm_segment* const segment : {&system.cs, &system.ds, &system.es, &system.fs, &system.gs, &system.ss}) {
    segment->base = 0;
    segment->selector = 0;
    segment->limit = 0xffff;
  }
}

void set_mode(kvm_sregs& system, const StartState& state) {
  if (state.mode == StartState::Mode::real) return set_real_segments(system);
  const bool is_64_bit = state.mode == StartState::Mode::long64;
  set_flat_segments(system, is_64_bit);
  system.gdt.base = state.gdt;
  system.gdt.limit = state.gdt_limit;
  system.idt = {};
  system.cr0 = kProtectedMode | kExtensionType;
  if (!is_64_bit) return;
  system.cr0 |= kPaging;
  system.cr3 = state.page_table;
  system.cr4 |= kPhysicalAddressExtension;
  system.efer |= kLongModeEnable | kLongModeActive;
}

}  // namespace

Registers read_registers(int vcpu_fd) {
  kvm_regs regs{};
  kvm_sregs system{};
  ioctl(vcpu_fd, KVM_GET_REGS, &regs);
  ioctl(vcpu_fd, KVM_GET_SREGS, &system);
  Registers out;
  out.pc = regs.rip;
  out.values = {{"rax", regs.rax},
                {"rbx", regs.rbx},
                {"rcx", regs.rcx},
                {"rdx", regs.rdx},
                {"rsi", regs.rsi},
                {"rdi", regs.rdi},
                {"rsp", regs.rsp},
                {"rbp", regs.rbp},
                {"r8", regs.r8},
                {"r9", regs.r9},
                {"r10", regs.r10},
                {"r11", regs.r11},
                {"r12", regs.r12},
                {"r13", regs.r13},
                {"r14", regs.r14},
                {"r15", regs.r15},
                {"flags", regs.rflags},
                {"cs", system.cs.selector},
                {"ss", system.ss.selector},
                {"cr0", system.cr0},
                {"cr2", system.cr2},
                {"cr3", system.cr3},
                {"cr4", system.cr4},
                {"efer", system.efer}};
  return out;
}

Result<void> set_start_state(int vcpu_fd, const StartState& state) {
  kvm_sregs system{};
  if (ioctl(vcpu_fd, KVM_GET_SREGS, &system) != 0) return os_error("KVM does not give a processor's registers");
  set_mode(system, state);
  if (ioctl(vcpu_fd, KVM_SET_SREGS, &system) != 0)
    return os_error("KVM does not take the registers that a processor starts with");
  kvm_regs regs{};
  regs.rip = state.entry;
  regs.rsp = state.stack;
  regs.rbx = state.rbx;
  regs.rsi = state.rsi;
  regs.rflags = kReservedFlag;
  if (ioctl(vcpu_fd, KVM_SET_REGS, &regs) != 0)
    return os_error("KVM does not take the registers that a processor starts with");
  return {};
}

}  // namespace hv::kvm::x86

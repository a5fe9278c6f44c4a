#include "hv/kvm/x86/x86_vcpu.h"

#include <linux/kvm.h>

#include "hv/kvm/ioctl.h"
#include "hv/kvm/x86/registers.h"

namespace hv::kvm::x86 {

Result<std::unique_ptr<X86Vcpu>> X86Vcpu::create(Vm& vm, unsigned id, Buses buses,
                                                 const std::vector<CpuidLeaf>& cpuid) {
  Opened opened = TRY(open(vm, id));
  std::unique_ptr<X86Vcpu> vcpu(new X86Vcpu(vm, id, std::move(opened), buses));
  TRY(set_cpuid(vcpu->fd(), cpuid));
  return vcpu;
}

Result<void> X86Vcpu::start(const StartState& state) { return set_start_state(fd(), state); }

Registers X86Vcpu::registers() const { return read_registers(fd()); }

std::string X86Vcpu::describe_registers() const {
  const Registers all = registers();
  std::string text = fmt::format("rip {:016x}", all.pc);
  size_t column = 1;
  for (const auto& [name, value] : all.values)
    text += fmt::format("{}{} {:016x}", column++ % 4 == 0 ? "\n" : "  ", name, value);
  return text;
}

Result<std::optional<Exit>> X86Vcpu::handle_exit() {
  if (shared().exit_reason == KVM_EXIT_IO) {
    access_ports();
    return std::nullopt;
  }
  return crashed(fmt::format("the guest did what this version of vireo has no answer to (KVM exit {})",
                             exit_name(shared().exit_reason)));
}

/// A string instruction has a count; KVM made all its accesses one exit.
void X86Vcpu::access_ports() noexcept {
  const auto& access = shared().io;
  const uint64_t bytes = uint64_t{access.size} * access.count;
  if (access.data_offset > memory().size() || bytes > memory().size() - access.data_offset) return;
  std::byte* data = memory().bytes() + access.data_offset;
  for (uint32_t i = 0; i < access.count; ++i, data += access.size) {
    if (access.direction == KVM_EXIT_IO_OUT) {
      write_bus(ports_, {access.port}, data, access.size);
    } else {
      read_bus(ports_, {access.port}, data, access.size);
    }
  }
}

}  // namespace hv::kvm::x86

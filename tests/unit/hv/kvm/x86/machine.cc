#include "tests/unit/hv/kvm/x86/machine.h"

#include "tests/unit/hv/kvm/layout.h"

namespace hv::kvm::test {
Machine::Machine(const Environment& environment) : memory_(environment.memory) {
  vm_ = Vm::create(environment.system, memory_).value();
  irqchip_ = x86::Irqchip::create(*vm_, {kInterrupt}).value();
  const auto cpuid = x86::guest_cpuid(x86::supported_cpuid(*environment.system).value(), 0, 1, x86::CpuModel::host);
  vcpu_ = x86::X86Vcpu::create(*vm_, 0, {environment.bus, environment.ports}, cpuid).value();
}

Result<void> Machine::start_at(GuestAddress entry) {
  constexpr uint64_t kPresentWritable = 3;
  constexpr uint64_t kLarge = 0x80;
  const uint64_t pdpt = kPageTable.value + 0x1000;
  TRY(memory_.store(kPageTable, pdpt | kPresentWritable));
  for (uint64_t gib = 0; gib < 4; ++gib) {
    const uint64_t directory = pdpt + 0x1000 * (gib + 1);
    TRY(memory_.store({pdpt + 8 * gib}, directory | kPresentWritable));
    for (uint64_t i = 0; i < 512; ++i)
      TRY(memory_.store({directory + 8 * i}, (gib << 30) | (i << 21) | kPresentWritable | kLarge));
  }
  return vcpu_->start({.mode = x86::StartState::Mode::long64,
                       .entry = entry.value,
                       .stack = kStack.value,
                       .page_table = kPageTable.value});
}

Result<void> Machine::start_real() {
  return vcpu_->start({.mode = x86::StartState::Mode::real, .entry = kCode.value, .stack = kStack.value});
}

void Machine::save(StateWriter& writer) const {
  irqchip_->save(writer);
  vcpu_->save(writer);
}

Result<void> Machine::load(StateReader& reader) {
  TRY(irqchip_->load(reader));
  return vcpu_->load(reader);
}

}  // namespace hv::kvm::test

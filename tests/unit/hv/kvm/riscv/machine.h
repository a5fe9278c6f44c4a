#pragma once

#include <memory>
#include <random>
#include <string>

#include "hv/core/bus.h"
#include "hv/core/guest_memory.h"
#include "hv/kvm/riscv/riscv_vcpu.h"
#include "hv/kvm/vm.h"
#include "tests/unit/hv/kvm/layout.h"

namespace hv::kvm::test {

/// One hart, and what it prints.
class Machine {
 public:
  struct Environment {
    std::shared_ptr<const System> system;
    GuestMemory& memory;
    Bus& bus;
    Bus& ports;
  };
  static constexpr const char* kSomeRegister = "stvec";

  explicit Machine(const Environment& environment) {
    vm_ = Vm::create(environment.system, environment.memory).value();
    const auto print = [this](std::span<const std::byte> text) {
      for (const std::byte byte : text) printed_.push_back(static_cast<char>(byte));
      return text.size();
    };
    vcpu_ = riscv::RiscvVcpu::create(*vm_, 0, environment.bus, environment.memory, print, false).value();
  }

  Vm& vm() noexcept { return *vm_; }
  riscv::RiscvVcpu& vcpu() noexcept { return *vcpu_; }
  const std::string& printed() const noexcept { return printed_; }

  /// In S-mode without translation, at kCode.
  Result<void> start() { return vcpu_->start(kCode.value, 0); }
  Result<void> start_somehow(std::mt19937_64&) { return start(); }

  void save(StateWriter& writer) const { vcpu_->save(writer); }
  Result<void> load(StateReader& reader) { return vcpu_->load(reader); }

 private:
  std::unique_ptr<Vm> vm_;
  std::unique_ptr<riscv::RiscvVcpu> vcpu_;
  std::string printed_;
};

}  // namespace hv::kvm::test

#pragma once

#include <memory>
#include <random>

#include "hv/core/bus.h"
#include "hv/core/guest_memory.h"
#include "hv/kvm/vm.h"
#include "hv/kvm/x86/irqchip.h"
#include "hv/kvm/x86/x86_vcpu.h"
#include "tests/unit/hv/kvm/layout.h"

namespace hv::kvm::test {

inline constexpr GuestAddress kStack{0x7000};
inline constexpr GuestAddress kPageTable{0x8000};

/// One processor and the interrupt controllers, of which kInterrupt can be driven.
class Machine {
 public:
  struct Environment {
    std::shared_ptr<const System> system;
    GuestMemory& memory;
    Bus& bus;
    Bus& ports;
  };
  static constexpr uint32_t kInterrupt = 5;
  static constexpr const char* kSomeRegister = "cr3";

  explicit Machine(const Environment& environment);

  Vm& vm() noexcept { return *vm_; }
  x86::X86Vcpu& vcpu() noexcept { return *vcpu_; }
  x86::Irqchip& irqchip() noexcept { return *irqchip_; }

  /// In long mode. The first 4 GiB are mapped as they are, with pages of 2 MiB.
  Result<void> start_at(GuestAddress entry);
  Result<void> start() { return start_at(kCode); }
  Result<void> start_real();
  Result<void> start_somehow(std::mt19937_64& random) { return random() % 2 == 0 ? start_real() : start(); }

  void save(StateWriter& writer) const;
  Result<void> load(StateReader& reader);

 private:
  GuestMemory& memory_;
  std::unique_ptr<Vm> vm_;
  std::unique_ptr<x86::Irqchip> irqchip_;
  std::unique_ptr<x86::X86Vcpu> vcpu_;
};

}  // namespace hv::kvm::test

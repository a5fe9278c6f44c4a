#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"
#include "hv/core/bus.h"
#include "hv/core/vcpu.h"
#include "hv/kvm/exit_counts.h"
#include "hv/kvm/kick.h"
#include "hv/kvm/run_memory.h"
#include "hv/kvm/vm.h"

namespace hv::kvm {

/// A virtual processor of the kernel's: what all architectures share. Each derives its own, which knows its registers
/// and the exits that only it has.
class KvmVcpu : public Vcpu {
 public:
  ~KvmVcpu() override = default;

  Result<Exit> run() final;
  void request_exit() noexcept final { kick_.request(); }
  /// Interrupts come from the kernel's own controllers.
  void set_interrupt(IrqPin, bool) noexcept override {}

  const ExitCounts& exit_counts() const noexcept { return counts_; }

 protected:
  struct Opened {
    UniqueFd fd;
    RunMemory memory;
  };
  static Result<Opened> open(const Vm& vm, unsigned id);
  /// `vm` and `bus` outlive this.
  KvmVcpu(Vm& vm, unsigned id, Opened opened, Bus& bus)
      : vm_(vm),
        id_(id),
        fd_(std::move(opened.fd)),
        memory_(std::move(opened.memory)),
        kick_(memory_.get()),
        bus_(bus) {}

  /// An exit that is not the same everywhere. Nothing: it is handled, the guest goes on.
  virtual Result<std::optional<Exit>> handle_exit() = 0;
  /// The registers, for a person who asks what the guest was doing; never fails.
  virtual std::string describe_registers() const;

  int fd() const noexcept { return fd_.get(); }
  unsigned id() const noexcept { return id_; }
  Vm& vm() const noexcept { return vm_; }
  kvm_run& shared() const noexcept { return memory_.get(); }
  const RunMemory& memory() const noexcept { return memory_; }
  Exit crashed(const std::string& what) const;

 private:
  Result<std::optional<Exit>> run_once();
  Result<std::optional<Exit>> dispatch();
  Result<void> finish_access();
  void access_memory() noexcept;
  std::optional<Exit> system_event() const;
  Exit internal_error() const;

  Vm& vm_;
  const unsigned id_;
  const UniqueFd fd_;
  const RunMemory memory_;
  Kick kick_;
  Bus& bus_;
  ExitCounts counts_;
  bool access_unfinished_ = false;  ///< the instruction of the last exit ends with the next KVM_RUN
};

/// `bus`'s registers, read or written `size` bytes at a time: any number up to 8, in pieces that a bus takes.
void read_bus(Bus& bus, GuestAddress address, std::byte* data, unsigned size) noexcept;
void write_bus(Bus& bus, GuestAddress address, const std::byte* data, unsigned size) noexcept;

}  // namespace hv::kvm

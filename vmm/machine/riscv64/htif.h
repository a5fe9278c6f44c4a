#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "devices/backend/char_backend.h"
#include "devices/event_loop.h"
#include "hv/core/guest_memory.h"
#include "hv/core/machine_control.h"

namespace vmm::riscv64 {

/// The host's end of the Berkeley host-target interface, which bare-metal RISC-V programs exit and print through: a
/// program writes a command to its variable `tohost` and reads answers from `fromhost`. Commands as in riscv-isa-sim
/// (fesvr): device 0 is a proxy for system calls, device 1 a console.
///
/// Memory is watched from the event loop, so that a program's ordinary stores cost nothing.
class Htif {
 public:
  struct Addresses {
    hv::GuestAddress tohost;
    std::optional<hv::GuestAddress> fromhost;
  };

  /// All of what is referred to outlives this. Made and destroyed while the loop stands still.
  Htif(devices::EventLoop& loop, hv::GuestMemory& memory, const Addresses& addresses, devices::CharBackend& console,
       hv::MachineControl& control);
  ~Htif();

 private:
  struct Poll;

  std::shared_ptr<Poll> poll_;
};

}  // namespace vmm::riscv64

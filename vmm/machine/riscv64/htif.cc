#include "vmm/machine/riscv64/htif.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "hv/base/bits.h"
#include "hv/base/log.h"

namespace vmm::riscv64 {
namespace {

constexpr std::chrono::milliseconds kIdleInterval{1};
constexpr std::chrono::milliseconds kBusyTime{2};  ///< after a command the next one is awaited without sleeping

enum class Device : uint64_t { system_calls = 0, console = 1 };

constexpr uint64_t kConsoleWrite = 1;   // command of the console device
constexpr uint64_t kSyscallWrite = 64;  // Linux's numbers for RISC-V
constexpr uint64_t kSyscallExit = 93;
constexpr uint64_t kNoSyscall = static_cast<uint64_t>(-38);   // -ENOSYS
constexpr uint64_t kBadAddress = static_cast<uint64_t>(-14);  // -EFAULT

}  // namespace

struct Htif::Poll : std::enable_shared_from_this<Poll> {
  Poll(devices::EventLoop& loop, hv::GuestMemory& guest_memory, const Addresses& where, devices::CharBackend& output,
       hv::MachineControl& machine)
      : timer(loop.context()), memory(guest_memory), addresses(where), console(output), control(machine) {}

  void wait(std::chrono::steady_clock::duration delay) {
    timer.expires_after(delay);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
      if (!cancelled && !self->closed) self->look();
    });
  }

  void look() {
    const uint64_t command = memory.load<uint64_t>(addresses.tohost).value_or(0);
    if (command != 0) {
      (void)memory.store(addresses.tohost, uint64_t{0});
      handle(command);
      busy_until = std::chrono::steady_clock::now() + kBusyTime;
    }
    if (!ended) wait(std::chrono::steady_clock::now() < busy_until ? std::chrono::milliseconds(0) : kIdleInterval);
  }

  void handle(uint64_t command) {
    const uint64_t payload = hv::bits(command, 0, 48);
    const uint64_t number = hv::bits(command, 48, 8);
    const auto device = static_cast<Device>(command >> 56);
    if (device == Device::console && number == kConsoleWrite) return print({static_cast<std::byte>(payload)});
    if (device != Device::system_calls || number != 0)
      return bad_command.report("the program sent the HTIF command {:#x}, which is not known", command);
    if ((payload & 1) != 0) return end(payload >> 1);
    system_call({payload});
  }

  /// A proxied system call: eight words in memory, of which the first is its number, then its arguments; the result
  /// replaces the number.
  void system_call(hv::GuestAddress block) {
    const auto words = memory.load<std::array<uint64_t, 4>>(block);
    if (!words) return bad_command.report("the program's HTIF system call lies outside memory");
    const auto& [number, argument0, argument1, argument2] = *words;
    if (number == kSyscallExit) return end(argument0);
    const uint64_t result = number == kSyscallWrite ? write({argument1}, argument2) : kNoSyscall;
    (void)memory.store(block, result);
    answer(1);
  }

  uint64_t write(hv::GuestAddress address, uint64_t length) {
    constexpr uint64_t kLongest = 1u << 20;
    std::vector<std::byte> data(std::min(length, kLongest));
    if (!memory.read(address, data)) return kBadAddress;
    print(data);
    return data.size();
  }

  void answer(uint64_t value) {
    if (addresses.fromhost) (void)memory.store(*addresses.fromhost, value);
  }

  void print(const std::vector<std::byte>& data) { (void)console.write(data); }

  void end(uint64_t code) {
    ended = true;
    control.power_off(static_cast<int>(std::min<uint64_t>(code, std::numeric_limits<int>::max())));
  }

  boost::asio::steady_timer timer;
  hv::GuestMemory& memory;
  const Addresses addresses;
  devices::CharBackend& console;
  hv::MachineControl& control;
  hv::log::GuestError bad_command;
  std::chrono::steady_clock::time_point busy_until;
  bool ended = false;
  bool closed = false;
};

Htif::Htif(devices::EventLoop& loop, hv::GuestMemory& memory, const Addresses& addresses, devices::CharBackend& console,
           hv::MachineControl& control)
    : poll_(std::make_shared<Poll>(loop, memory, addresses, console, control)) {
  poll_->wait(std::chrono::milliseconds(0));
}

Htif::~Htif() {
  poll_->closed = true;
  poll_->timer.cancel();
}

}  // namespace vmm::riscv64

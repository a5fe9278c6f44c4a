#include "hv/kvm/kvm_vcpu.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hv/base/log.h"
#include "hv/kvm/ioctl.h"

namespace hv::kvm {
namespace {

/// Leaves the thread's claim to be signalled, however `run` ends.
class Running {
 public:
  explicit Running(Kick& kick) noexcept : kick_(kick) { kick_.enter(); }
  ~Running() { kick_.leave(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Kick& kick_;
};

const char* internal_error_text(uint32_t suberror) {
  switch (suberror) {
    case KVM_INTERNAL_ERROR_EMULATION:
      return "KVM cannot emulate an instruction of the guest's";
    case KVM_INTERNAL_ERROR_SIMUL_EX:
      return "the guest faulted while KVM delivered a fault to it";
    case KVM_INTERNAL_ERROR_DELIVERY_EV:
      return "the guest's memory failed while KVM delivered an event to it";
    case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
      return "the processor left the guest for a reason that KVM does not know";
    default:
      return "KVM stopped the guest for an unknown internal reason";
  }
}

}  // namespace

Result<KvmVcpu::Opened> KvmVcpu::open(const Vm& vm, unsigned id) {
  Opened opened;
  opened.fd.reset(ioctl(vm.fd(), KVM_CREATE_VCPU, static_cast<unsigned long>(id)));
  if (!opened.fd) return os_error("KVM makes no processor {}", id);
  const size_t size = vm.system().run_size();
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, opened.fd.get(), 0);
  if (memory == MAP_FAILED) return os_error("the memory that KVM shares for processor {} cannot be mapped", id);
  opened.memory = RunMemory(memory, size);
  return opened;
}

Result<Exit> KvmVcpu::run() {
  const Running running(kick_);
  while (true) {
    if (kick_.take_request()) {
      TRY(finish_access());
      return Exit{};
    }
    if (auto exit = TRY(run_once())) return std::move(*exit);
  }
}

/// One KVM_RUN and what its exit asks for. A port or memory access is done here; the instruction itself ends in the
/// kernel, when it is entered again.
Result<std::optional<Exit>> KvmVcpu::run_once() {
  access_unfinished_ = false;
  if (::ioctl(fd(), KVM_RUN, 0) == 0) {
    counts_.add(shared().exit_reason);
    return dispatch();
  }
  counts_.add(ExitCounts::kInterrupted);
  switch (errno) {
    case EINTR:
    case EAGAIN:  // a processor that was not started yet changed its state
      return std::nullopt;
    case EOPNOTSUPP:
      return crashed("KVM has no answer to what the guest did");
    case EFAULT:
      return os_error("processor {}: the host has no memory behind an address of the guest's\n{}", id(),
                      describe_registers());
    default:
      return os_error("processor {}: KVM cannot run it\n{}", id(), describe_registers());
  }
}

/// So that a saved state never stands in the middle of an instruction. Each access that follows belongs to it too.
Result<void> KvmVcpu::finish_access() {
  while (access_unfinished_) {
    kick_.only_finish();
    TRY(run_once());
  }
  static_cast<void>(kick_.take_request());
  return {};
}

Result<std::optional<Exit>> KvmVcpu::dispatch() {
  switch (shared().exit_reason) {
    case KVM_EXIT_MMIO:
      access_memory();
      access_unfinished_ = true;
      return std::nullopt;
    case KVM_EXIT_IO:
      access_unfinished_ = true;
      return handle_exit();
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
      return std::nullopt;
    case KVM_EXIT_SYSTEM_EVENT:
      return system_event();
    case KVM_EXIT_SHUTDOWN:
      return crashed("the guest's processor gave up (triple fault)");
    case KVM_EXIT_HLT:
      return crashed("the guest waits for an interrupt, and nothing can give it one");
    case KVM_EXIT_FAIL_ENTRY:
      return crashed(fmt::format("the processor refuses the guest's state (hardware reason {:#x})",
                                 shared().fail_entry.hardware_entry_failure_reason));
    case KVM_EXIT_INTERNAL_ERROR:
      return internal_error();
    default:
      return handle_exit();
  }
}

void KvmVcpu::access_memory() noexcept {
  auto& access = shared().mmio;
  auto* const data = reinterpret_cast<std::byte*>(access.data);
  const unsigned size = std::min<unsigned>(access.len, sizeof access.data);
  if (access.is_write != 0) {
    write_bus(bus_, {access.phys_addr}, data, size);
  } else {
    read_bus(bus_, {access.phys_addr}, data, size);
  }
}

std::optional<Exit> KvmVcpu::system_event() const {
  switch (shared().system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
      return Exit{Exit::Reason::shutdown, 0, {}};
    case KVM_SYSTEM_EVENT_RESET:
      return Exit{Exit::Reason::reboot, 0, {}};
    case KVM_SYSTEM_EVENT_CRASH:
      return crashed("the guest says that it crashed");
    default:
      return std::nullopt;
  }
}

Exit KvmVcpu::internal_error() const {
  const auto& report = shared().emulation_failure;
  std::string text = internal_error_text(report.suberror);
  const bool has_code = report.suberror == KVM_INTERNAL_ERROR_EMULATION && report.ndata >= 1 &&
                        (report.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) != 0;
  if (has_code) {
    text += ", bytes";
    const size_t count = std::min<size_t>(report.insn_size, sizeof report.insn_bytes);
    for (size_t i = 0; i < count; ++i) text += fmt::format(" {:02x}", report.insn_bytes[i]);
  }
  return crashed(text);
}

std::string KvmVcpu::describe_registers() const {
  const Registers all = registers();
  std::string text = fmt::format("pc {:016x}", all.pc);
  size_t column = 1;
  for (const auto& [name, value] : all.values)
    text += fmt::format("{}{} {:016x}", column++ % 4 == 0 ? "\n" : "  ", name, value);
  return text;
}

Exit KvmVcpu::crashed(const std::string& what) const {
  return {Exit::Reason::crashed, 0, fmt::format("processor {}: {}\n{}", id_, what, describe_registers())};
}

namespace {

/// The largest power of two that `size` bytes begin with.
unsigned piece_of(unsigned size) noexcept { return std::bit_floor(size); }

}  // namespace

void read_bus(Bus& bus, GuestAddress address, std::byte* data, unsigned size) noexcept {
  while (size != 0) {
    const unsigned piece = piece_of(size);
    const uint64_t value = bus.read(address, piece);
    std::memcpy(data, &value, piece);
    address = address + piece;
    data += piece;
    size -= piece;
  }
}

void write_bus(Bus& bus, GuestAddress address, const std::byte* data, unsigned size) noexcept {
  while (size != 0) {
    const unsigned piece = piece_of(size);
    uint64_t value = 0;
    std::memcpy(&value, data, piece);
    bus.write(address, piece, value);
    address = address + piece;
    data += piece;
    size -= piece;
  }
}

}  // namespace hv::kvm

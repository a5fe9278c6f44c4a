#include "hv/kvm/vm.h"

#include <linux/kvm.h>

#include "hv/base/bits.h"
#include "hv/base/check.h"
#include "hv/base/log.h"
#include "hv/kvm/ioctl.h"

namespace hv::kvm {
namespace {

constexpr unsigned kBitsPerWord = 64;

}  // namespace

Result<std::unique_ptr<Vm>> Vm::create(std::shared_ptr<const System> system, GuestMemory& memory) {
  std::unique_ptr<Vm> vm(new Vm(std::move(system), memory));
  constexpr unsigned long kDefaultType = 0;
  vm->fd_.reset(ioctl(vm->system_->fd(), KVM_CREATE_VM, kDefaultType));
  if (!vm->fd_) return os_error("KVM cannot be used: it makes no virtual machine");
  // On arm64: instructions that access what is no RAM and cannot be looked into are told, not fatal. Others do not know
  // it.
  kvm_enable_cap tell{};
  tell.cap = KVM_CAP_ARM_NISV_TO_USER;
  ioctl(vm->fd(), KVM_ENABLE_CAP, &tell);
  for (uint32_t slot = 0; slot < memory.regions().size(); ++slot) TRY(vm->set_slot(slot, false));
  memory.add_unmarked_writer(*vm);
  vm->registered_ = true;
  return vm;
}

Vm::~Vm() {
  if (registered_) memory_.remove_unmarked_writer(*this);
}

/// Slot n is region n.
Result<void> Vm::set_slot(uint32_t slot, bool log_writes) {
  const GuestMemory::Region& region = memory_.regions()[slot];
  kvm_userspace_memory_region argument{};
  argument.slot = slot;
  argument.flags = log_writes ? uint32_t{KVM_MEM_LOG_DIRTY_PAGES} : 0;
  argument.guest_phys_addr = region.range.base.value;
  argument.memory_size = region.range.size;
  argument.userspace_addr = reinterpret_cast<uintptr_t>(region.host);
  if (ioctl(fd(), KVM_SET_USER_MEMORY_REGION, &argument) != 0)
    return os_error("KVM does not take {} MiB of guest memory at {:#x}", region.range.size >> 20,
                    region.range.base.value);
  return {};
}

Result<void> Vm::interrupt_on_event(int event_fd, uint32_t line) {
  kvm_irqfd argument{};
  argument.fd = static_cast<uint32_t>(event_fd);
  argument.gsi = line;
  if (ioctl(fd(), KVM_IRQFD, &argument) != 0) return os_error("KVM does not connect interrupt {} to an event", line);
  return {};
}

/// Disconnecting waits for what is under way.
Result<void> Vm::settle_interrupt(int event_fd, uint32_t line) {
  kvm_irqfd argument{};
  argument.fd = static_cast<uint32_t>(event_fd);
  argument.gsi = line;
  argument.flags = KVM_IRQFD_FLAG_DEASSIGN;
  if (ioctl(fd(), KVM_IRQFD, &argument) != 0) return os_error("KVM does not disconnect interrupt {}", line);
  return interrupt_on_event(event_fd, line);
}

Result<void> Vm::event_on_write(int event_fd, GuestAddress address, unsigned size, uint64_t value) {
  kvm_ioeventfd argument{};
  argument.datamatch = value;
  argument.addr = address.value;
  argument.len = size;
  argument.fd = event_fd;
  argument.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
  if (ioctl(fd(), KVM_IOEVENTFD, &argument) != 0)
    return os_error("KVM does not connect writes at {:#x} to an event", address.value);
  return {};
}

void Vm::mark_unmarked_writes() noexcept {
  const auto count = static_cast<uint32_t>(memory_.regions().size());
  if (logs_) {
    for (uint32_t slot = 0; slot < count; ++slot) fetch_log(slot);
    return;
  }
  logs_ = true;
  for (uint32_t slot = 0; slot < count; ++slot) {
    if (const auto logging = set_slot(slot, true); !logging) {
      log::error("{}", logging.error().message);
      logs_ = false;  // every page is named again next time
    }
    const GuestRange range = memory_.regions()[slot].range;
    memory_.mark_dirty(range.base, range.size);
  }
}

void Vm::fetch_log(uint32_t slot) noexcept {
  const GuestRange range = memory_.regions()[slot].range;
  std::vector<uint64_t> bitmap(align_up(range.size >> kGuestPageShift, uint64_t{kBitsPerWord}) / kBitsPerWord);
  kvm_dirty_log argument{};
  argument.slot = slot;
  argument.dirty_bitmap = bitmap.data();
  if (ioctl(fd(), KVM_GET_DIRTY_LOG, &argument) != 0) return memory_.mark_dirty(range.base, range.size);
  for (size_t word = 0; word < bitmap.size(); ++word) {
    for (uint64_t left = bitmap[word]; left != 0; left &= left - 1) {
      const uint64_t page = word * kBitsPerWord + static_cast<unsigned>(std::countr_zero(left));
      memory_.mark_dirty(range.base + (page << kGuestPageShift), kGuestPageSize);
    }
  }
}

}  // namespace hv::kvm

#include "hv/kvm/ioctl.h"
#include "hv/kvm/x86/abi.h"
#include "hv/kvm/x86/state_bytes.h"
#include "hv/kvm/x86/x86_vcpu.h"

namespace hv::kvm::x86 {
namespace {

constexpr uint32_t kMostMsrs = 1024;
constexpr uint32_t kMsrTscDeadline = 0x6e0;

struct Msr {
  uint32_t index = 0;
  uint64_t value = 0;
};

/// One at a time: a host may list some that it does not give, and a guest may not be able to write what it read.
std::optional<uint64_t> read_msr(int fd, uint32_t index) {
  abi::OneMsr msr;
  msr.index = index;
  if (ioctl(fd, abi::kGetMsrs, &msr) != 1) return std::nullopt;
  return msr.data;
}

bool write_msr(int fd, const Msr& msr) {
  abi::OneMsr argument;
  argument.index = msr.index;
  argument.data = msr.value;
  return ioctl(fd, abi::kSetMsrs, &argument) == 1;
}

/// A structure of the kernel's that is read and written whole.
template <typename T>
void save_structure(StateWriter& writer, int fd, unsigned long request) {
  T object{};
  ioctl(fd, request, &object);
  writer.bytes(bytes_of(object));
}

template <typename T>
void load_structure(StateReader& reader, int fd, unsigned long request, const char* what) {
  T object{};
  read_into(reader, object);
  if (reader.ok() && ioctl(fd, request, &object) != 0)
    reader.fail(fmt::format("KVM does not take a processor's {}", what));
}

}  // namespace

/// In the kernel's order, the timer's deadline last: it counts from the TSC.
std::vector<uint32_t> X86Vcpu::saved_msrs() const {
  struct {
    abi::MsrList header{kMostMsrs};
    uint32_t indices[kMostMsrs];
  } list;
  if (ioctl(vm().system().fd(), abi::kGetMsrIndexList, &list) != 0) return {};
  std::vector<uint32_t> indices(list.indices, list.indices + list.header.count);
  std::erase(indices, kMsrTscDeadline);
  indices.push_back(kMsrTscDeadline);
  return indices;
}

void X86Vcpu::save(StateWriter& writer) const {
  writer.section("kvm-x86-vcpu", 1, [&] {
    // First: it settles what the kernel still holds back of the others.
    save_structure<kvm_mp_state>(writer, fd(), KVM_GET_MP_STATE);
    save_structure<kvm_regs>(writer, fd(), KVM_GET_REGS);
    save_structure<kvm_sregs>(writer, fd(), KVM_GET_SREGS);
    save_structure<kvm_xcrs>(writer, fd(), KVM_GET_XCRS);
    save_structure<abi::Xsave>(writer, fd(), abi::kGetXsave);
    save_structure<kvm_debugregs>(writer, fd(), KVM_GET_DEBUGREGS);
    save_structure<kvm_lapic_state>(writer, fd(), KVM_GET_LAPIC);
    save_structure<kvm_vcpu_events>(writer, fd(), KVM_GET_VCPU_EVENTS);
    std::vector<Msr> msrs;
    for (const uint32_t index : saved_msrs()) {
      if (const auto value = read_msr(fd(), index)) msrs.push_back({index, *value});
    }
    writer.value(static_cast<uint32_t>(msrs.size()));
    for (const Msr& msr : msrs) {
      writer.value(msr.index);
      writer.value(msr.value);
    }
  });
}

Result<void> X86Vcpu::load(StateReader& reader) {
  reader.section("kvm-x86-vcpu", 1, [&](uint32_t) {
    kvm_mp_state mp_state{};
    read_into(reader, mp_state);
    load_structure<kvm_regs>(reader, fd(), KVM_SET_REGS, "registers");
    load_structure<kvm_sregs>(reader, fd(), KVM_SET_SREGS, "system registers");
    load_structure<kvm_xcrs>(reader, fd(), KVM_SET_XCRS, "extended control registers");
    load_structure<abi::Xsave>(reader, fd(), abi::kSetXsave, "floating-point state");
    load_structure<kvm_debugregs>(reader, fd(), KVM_SET_DEBUGREGS, "debug registers");
    // The APIC's mode is part of the system registers; the timer's deadline below counts only in a mode of the APIC's.
    load_structure<kvm_lapic_state>(reader, fd(), KVM_SET_LAPIC, "APIC");
    kvm_vcpu_events events{};
    read_into(reader, events);
    const auto count = reader.value<uint32_t>();
    if (count > kMostMsrs) return reader.fail("too many model-specific registers");
    for (uint32_t i = 0; i < count && reader.ok(); ++i) {
      const Msr msr{reader.value<uint32_t>(), reader.value<uint64_t>()};
      // What does not change need not be writable.
      if (reader.ok() && !write_msr(fd(), msr) && read_msr(fd(), msr.index) != msr.value)
        reader.fail(fmt::format("KVM does not take the model-specific register {:#x}", msr.index));
    }
    if (!reader.ok()) return;
    if (ioctl(fd(), KVM_SET_VCPU_EVENTS, &events) != 0) return reader.fail("KVM does not take a processor's events");
    if (ioctl(fd(), KVM_SET_MP_STATE, &mp_state) != 0) return reader.fail("KVM does not take a processor's run state");
  });
  return reader.status();
}

}  // namespace hv::kvm::x86

#include "hv/kvm/one_reg.h"

#include <array>
#include <cstring>
#include <span>

#include <linux/kvm.h>

#include "hv/kvm/ioctl.h"

namespace hv::kvm {
namespace {

constexpr size_t kLargest = 256;  // KVM_REG_SIZE_U2048
constexpr uint64_t kMost = 4096;

using Value = std::array<std::byte, kLargest>;

size_t size_of(uint64_t id) noexcept { return size_t{1} << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT); }

bool transfer(int fd, unsigned long request, uint64_t id, const void* value) noexcept {
  kvm_one_reg argument{};
  argument.id = id;
  argument.addr = reinterpret_cast<uintptr_t>(value);
  return size_of(id) <= kLargest && ioctl(fd, request, &argument) == 0;
}

/// struct kvm_reg_list: the kernel's ends in a flexible array.
std::vector<uint64_t> list_registers(int fd) {
  std::vector<uint64_t> list(kMost + 1);
  list[0] = kMost;
  // The request is numbered by the size of the structure's begin.
  constexpr unsigned long kGetList = _IOWR(KVMIO, 0xb0, uint64_t);
  if (ioctl(fd, kGetList, list.data()) != 0) return {};
  list.resize(std::min(list[0], kMost) + 1);
  list.erase(list.begin());
  return list;
}

}  // namespace

std::optional<uint64_t> get_register(int vcpu_fd, uint64_t id) noexcept {
  uint64_t value = 0;
  if (size_of(id) > sizeof value || !transfer(vcpu_fd, KVM_GET_ONE_REG, id, &value)) return std::nullopt;
  return value;
}

bool set_register(int vcpu_fd, uint64_t id, uint64_t value) noexcept {
  return size_of(id) <= sizeof value && transfer(vcpu_fd, KVM_SET_ONE_REG, id, &value);
}

void save_registers(StateWriter& writer, int vcpu_fd) {
  struct Saved {
    uint64_t id;
    Value value;
  };
  std::vector<Saved> saved;
  for (const uint64_t id : list_registers(vcpu_fd)) {
    Saved one{id, {}};
    if (transfer(vcpu_fd, KVM_GET_ONE_REG, id, one.value.data())) saved.push_back(one);
  }
  writer.value(static_cast<uint32_t>(saved.size()));
  for (const Saved& one : saved) {
    writer.value(one.id);
    writer.bytes(std::span(one.value).first(size_of(one.id)));
  }
}

void load_registers(StateReader& reader, int vcpu_fd) {
  const auto count = reader.value<uint32_t>();
  if (count > kMost) return reader.fail("too many registers");
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    const auto id = reader.value<uint64_t>();
    const std::vector<std::byte> value = reader.bytes(kLargest);
    if (!reader.ok()) return;
    if (value.size() != size_of(id)) return reader.fail("a register of another size");
    Value now{};
    const bool known = transfer(vcpu_fd, KVM_GET_ONE_REG, id, now.data());
    if (known && std::memcmp(now.data(), value.data(), value.size()) == 0) continue;
    if (!transfer(vcpu_fd, KVM_SET_ONE_REG, id, value.data()))
      return reader.fail(fmt::format("KVM does not take the register {:#x}", id));
  }
}

void save_run_state(StateWriter& writer, int vcpu_fd) {
  kvm_mp_state state{};
  ioctl(vcpu_fd, KVM_GET_MP_STATE, &state);
  writer.value(state.mp_state);
}

void load_run_state(StateReader& reader, int vcpu_fd) {
  kvm_mp_state state{};
  reader.value(state.mp_state);
  if (reader.ok() && ioctl(vcpu_fd, KVM_SET_MP_STATE, &state) != 0)
    reader.fail("KVM does not take a processor's run state");
}

}  // namespace hv::kvm

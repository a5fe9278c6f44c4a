#include "devices/virtio/ring.h"

#include "hv/base/bits.h"
#include "hv/base/endian.h"

namespace devices::virtio {

hv::Result<std::byte*> ring_area(const hv::GuestMemory& memory, const char* name, hv::GuestAddress address,
                                 uint64_t length, uint64_t alignment) {
  if (!hv::is_aligned(address.value, alignment)) {
    return hv::error("the {} at {:#x} is not aligned to {} bytes", name, address.value, alignment);
  }
  std::byte* const host = memory.host_pointer(address, length);
  if (host == nullptr) return hv::error("the {} at {:#x} is not in memory", name, address.value);
  return host;
}

hv::Result<IndirectTable> IndirectTable::create(const hv::GuestMemory& memory, hv::GuestAddress address,
                                                uint32_t length, uint16_t queue_size) {
  if (length == 0 || length % kDescriptorSize != 0) {
    return hv::error("an indirect table of {} bytes", length);
  }
  const auto size = static_cast<uint32_t>(length / kDescriptorSize);
  if (size > longest_indirect(queue_size)) return hv::error("an indirect table of {} descriptors", size);
  return IndirectTable(memory, address, size);
}

IndirectTable::IndirectTable(const hv::GuestMemory& memory, hv::GuestAddress address, uint32_t size) noexcept
    : memory_(memory),
      address_(address),
      host_(hv::is_aligned(address.value, uint64_t{8}) ? memory.host_pointer(address, size * kDescriptorSize)
                                                       : nullptr),
      size_(size) {}

hv::Result<RawDescriptor> IndirectTable::entry(uint32_t index) const {
  const uint64_t offset = index * kDescriptorSize;
  if (host_ != nullptr) return RawDescriptor::copy(host_ + offset);
  alignas(8) std::byte bytes[kDescriptorSize];
  TRY(memory_.read(address_ + offset, bytes));
  return RawDescriptor::copy(bytes);
}

}  // namespace devices::virtio

#include "emu/jit/arena.h"

#include <algorithm>
#include <unistd.h>

#include <sys/mman.h>

#include "hv/base/bits.h"

namespace emu::jit {
namespace {

constexpr size_t kAlignment = 16;

std::byte* map(int fd, size_t size, int protection) noexcept {
  void* const at = ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
  return at == MAP_FAILED ? nullptr : static_cast<std::byte*>(at);
}

}  // namespace

hv::Result<std::unique_ptr<Arena>> Arena::create(size_t size) {
  std::unique_ptr<Arena> arena(new Arena);
  arena->size_ = arena->end_ = size;
  arena->fd_ = hv::UniqueFd(::memfd_create("vireo-jit", MFD_CLOEXEC));
  if (arena->fd_.get() < 0 || ::ftruncate(arena->fd_.get(), static_cast<off_t>(size)) != 0)
    return hv::os_error("cannot make {} bytes of memory for translated code", size);
  arena->writable_ = map(arena->fd_.get(), size, PROT_READ | PROT_WRITE);
  arena->executable_ = map(arena->fd_.get(), size, PROT_READ | PROT_EXEC);
  if (arena->writable_ == nullptr || arena->executable_ == nullptr)
    return hv::os_error("cannot map {} bytes of memory for translated code", size);
  return arena;
}

Arena::~Arena() {
  if (writable_ != nullptr) ::munmap(writable_, size_);
  if (executable_ != nullptr) ::munmap(executable_, size_);
}

void Arena::take(size_t bytes) noexcept { used_ = std::min(end_, hv::align_up(used_ + bytes, kAlignment)); }

void Arena::divide(size_t segments) noexcept {
  first_ = used_;
  segments_ = segments;
  segment_bytes_ = hv::align_down(left() / segments, kAlignment);
  end_ = used_ + segment_bytes_;
}

void Arena::begin_next() noexcept {
  segment_ = next_segment();
  is_full_ |= segment_ == 0;
  used_ = begin_of(segment_);
  end_ = used_ + segment_bytes_;
}

}  // namespace emu::jit

#include "devices/virtio/rng.h"

#include <algorithm>
#include <cerrno>

#include <sys/random.h>

#include "devices/virtio/device_id.h"

namespace devices::virtio {
namespace {

constexpr uint16_t kQueueSize = 64;
// What one buffer gets at most; the driver asks again for the rest (§5.4.6).
constexpr uint32_t kLargestAnswer = 64 << 10;
// What all buffers together get before other devices of the loop have their turn.
constexpr uint32_t kPortion = 256 << 10;

// The number of random bytes at the start of `out`: all of them unless the host fails.
size_t fill_random(std::span<std::byte> out) noexcept {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::getrandom(out.data() + done, out.size() - done, 0);
    if (got < 0 && errno != EINTR) break;
    done += static_cast<size_t>(std::max<ssize_t>(got, 0));
  }
  return done;
}

// Through a copy: a chain's own write marks guest memory dirty, and no more of it than was written.
uint32_t answer(DescriptorChain& chain) noexcept {
  const uint32_t wanted = std::min(chain.writable_size(), kLargestAnswer);
  std::byte random[4096];
  uint32_t done = 0;
  while (done < wanted) {
    const auto piece = std::span(random).first(std::min<size_t>(wanted - done, sizeof random));
    const size_t got = fill_random(piece);
    chain.write(done, piece.first(got));
    done += static_cast<uint32_t>(got);
    if (got < piece.size()) break;
  }
  return done;
}

}  // namespace

Rng::Rng(EventLoop& loop)
    : VirtioDevice(loop, {.name = "virtio-rng",
                          .device_id = static_cast<uint32_t>(DeviceId::entropy),
                          .queue_sizes = {kQueueSize},
                          .writable_config = {}}) {}

void Rng::on_kick(unsigned queue) {
  uint32_t given = 0;
  while (given < kPortion) {
    std::optional<DescriptorChain> chain = pop(queue);
    if (!chain) return;
    const uint32_t written = answer(*chain);
    if (written == 0 && chain->writable_size() != 0) return fail(hv::Error{"the host has no random bytes", errno});
    chain->complete(written);
    given += written + 1;
  }
  kick(queue);
}

}  // namespace devices::virtio

#pragma once

#include "devices/virtio/virtio_device.h"

namespace devices::virtio {

/// Entropy device (VIRTIO 1.2 §5.4): random bytes of the host's kernel. A guest that asks for a lot gets it in
/// portions, so that the other devices of the loop get their turns.
class Rng final : public VirtioDevice {
 public:
  explicit Rng(EventLoop& loop);

 private:
  void on_kick(unsigned queue) override;
};

}  // namespace devices::virtio

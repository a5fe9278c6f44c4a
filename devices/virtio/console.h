#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "devices/virtio/console_port.h"
#include "devices/virtio/virtio_device.h"

namespace devices::virtio {

/// Console device (VIRTIO 1.2 §5.3) with one or several ports, each on a character stream of the host. A driver without
/// MULTIPORT sees the first port only.
class Console final : public VirtioDevice {
 public:
  struct Port {
    CharBackend* backend;  ///< outlives the device
    std::string name;      ///< how the guest finds it: /dev/virtio-ports/NAME
    bool is_console = false;
  };
  static constexpr size_t kMostPorts = 32;

  /// `ports` has 1 to kMostPorts entries.
  Console(EventLoop& loop, const std::vector<Port>& ports);
  ~Console() override;

 private:
  /// What the device has to tell the driver of a port, in the order in which it does.
  enum class Message { add, console, name, resize, open };
  static constexpr size_t kMessageCount = 5;

  struct PortState {
    std::unique_ptr<ConsolePort> port;
    std::array<bool, kMessageCount> pending{};
    bool ready = false;  ///< the driver knows it
  };

  void on_activate() override;
  void on_kick(unsigned queue) override;
  void on_reset() override;
  void on_config_write(uint64_t offset, std::span<const std::byte> data) override;
  void save_state(hv::StateWriter& writer) const override;
  void load_state(hv::StateReader& reader) override;

  bool multiport() const noexcept;
  bool port_works(const PortState& state) const noexcept;
  void port_event(size_t index, PortEvent event);
  void announce(PortState& state, Message message);
  void update_window();

  void take_control();
  void handle_control(uint32_t id, uint16_t event, uint16_t value);
  void send_control();
  uint32_t write_message(DescriptorChain& chain, uint32_t id, Message message) const;
  void pump_input(size_t index);
  void pump_output(size_t index);

  std::vector<PortState> ports_;
};

}  // namespace devices::virtio

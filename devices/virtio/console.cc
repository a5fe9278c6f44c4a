#include "devices/virtio/console.h"

#include <algorithm>
#include <utility>

#include "devices/backend/char_backend.h"
#include "devices/virtio/device_id.h"
#include "hv/base/check.h"

namespace devices::virtio {
namespace {

// §5.3.3
constexpr uint64_t kFeatureSize = uint64_t{1} << 0;
constexpr uint64_t kFeatureMultiport = uint64_t{1} << 1;
constexpr uint64_t kFeatureEmergencyWrite = uint64_t{1} << 2;

// §5.3.4
constexpr uint32_t kColumns = 0;
constexpr uint32_t kRows = 2;
constexpr uint32_t kPortCount = 4;
constexpr uint32_t kEmergencyWrite = 8;
constexpr uint32_t kConfigSize = 12;

// §5.3.2: port 0, the control queues, the other ports; of each pair the guest's receiving queue is the first.
constexpr unsigned kControlReceive = 2;
constexpr unsigned kControlTransmit = 3;
constexpr uint16_t kQueueSize = 128;
constexpr uint16_t kControlQueueSize = 64;

constexpr unsigned receive_queue(size_t port) { return static_cast<unsigned>(port == 0 ? 0 : 2 * port + 2); }
constexpr unsigned transmit_queue(size_t port) { return receive_queue(port) + 1; }
constexpr bool is_receive_queue(unsigned queue) { return queue % 2 == 0; }
constexpr size_t port_of(unsigned queue) { return queue < kControlReceive ? 0 : (queue - 2) / 2; }

// Buffers of one queue that are handled before other devices of the loop have their turn.
constexpr unsigned kBuffersPerTurn = 128;

// §5.3.6.2
struct Control {
  uint32_t id;
  uint16_t event;
  uint16_t value;
};
enum class Event : uint16_t {
  device_ready = 0,
  device_add = 1,
  port_ready = 3,
  console_port = 4,
  resize = 5,
  port_open = 6,
  port_name = 7,
};

std::vector<uint16_t> queue_sizes(size_t ports) {
  std::vector<uint16_t> sizes(2 * ports + 2, kQueueSize);
  sizes[kControlReceive] = sizes[kControlTransmit] = kControlQueueSize;
  return sizes;
}

}  // namespace

Console::Console(EventLoop& loop, const std::vector<Port>& ports)
    : VirtioDevice(loop, {.name = "virtio-console",
                          .device_id = static_cast<uint32_t>(DeviceId::console),
                          .features = kFeatureSize | kFeatureMultiport | kFeatureEmergencyWrite,
                          .queue_sizes = queue_sizes(ports.size()),
                          .config_size = kConfigSize,
                          .writable_config = {{kEmergencyWrite, sizeof(uint32_t)}}}),
      ports_(ports.size()) {
  CHECK(!ports.empty() && ports.size() <= kMostPorts);
  set_config(kPortCount, static_cast<uint32_t>(ports.size()));
  for (size_t i = 0; i < ports.size(); ++i) {
    const auto on_event = [this, i](PortEvent event) { on_loop([this, i, event] { port_event(i, event); }); };
    ports_[i].port = std::make_unique<ConsolePort>(*ports[i].backend, ports[i].name, ports[i].is_console, on_event);
  }
  update_window();
}

Console::~Console() = default;

bool Console::multiport() const noexcept { return has_feature(kFeatureMultiport); }

// §5.3.6.1: without MULTIPORT the first port works as soon as the driver does.
bool Console::port_works(const PortState& state) const noexcept {
  return active() && (multiport() ? state.ready : &state == ports_.data());
}

void Console::on_activate() {
  if (!multiport()) ports_[0].port->set_open(true);
}

void Console::on_reset() {
  for (PortState& state : ports_) {
    state.port->reset();
    state.pending = {};
    state.ready = false;
  }
}

void Console::on_kick(unsigned queue) {
  if (queue == kControlReceive) return send_control();
  if (queue == kControlTransmit) return take_control();
  if (is_receive_queue(queue)) return pump_input(port_of(queue));
  pump_output(port_of(queue));
}

// §5.3.5: the byte goes out at once, also while no driver runs.
void Console::on_config_write(uint64_t offset, std::span<const std::byte> data) {
  if (offset == kEmergencyWrite) ports_[0].port->send_byte(data[0]);
}

void Console::port_event(size_t index, PortEvent event) {
  PortState& state = ports_[index];
  switch (event) {
    case PortEvent::input:
      pump_input(index);
      break;
    case PortEvent::room_for_output:
      pump_output(index);
      break;
    case PortEvent::connection:
      announce(state, Message::open);
      break;
    case PortEvent::window:
      if (index == 0) update_window();
      announce(state, Message::resize);
      break;
  }
  send_control();
}

// The state at the time it is sent is told: changes that come faster than the driver reads become one.
void Console::announce(PortState& state, Message message) {
  if (multiport() && state.ready) state.pending[static_cast<size_t>(message)] = true;
}

void Console::update_window() {
  const std::optional<WindowSize> size = ports_[0].port->window_size();
  if (!size) return;
  set_config(kColumns, size->columns);
  set_config(kRows, size->rows);
  if (has_feature(kFeatureSize)) notify_config_changed();
}

void Console::take_control() {
  for (unsigned i = 0; i < kBuffersPerTurn; ++i) {
    std::optional<DescriptorChain> chain = pop(kControlTransmit);
    if (!chain) return send_control();
    const std::optional<Control> message = chain->read_object<Control>(0);
    chain->complete(0);
    if (message) handle_control(message->id, message->event, message->value);
  }
  send_control();
  kick(kControlTransmit);
}

void Console::handle_control(uint32_t id, uint16_t event, uint16_t value) {
  if (static_cast<Event>(event) == Event::device_ready) {
    if (value != 1) return;
    for (PortState& state : ports_) state.pending[static_cast<size_t>(Message::add)] = true;
    return;
  }
  if (id >= ports_.size()) return;
  PortState& state = ports_[id];
  switch (static_cast<Event>(event)) {
    case Event::port_ready:
      state.ready = value == 1;
      if (state.port->is_console()) {
        announce(state, Message::console);
        if (state.port->window_size()) announce(state, Message::resize);
      }
      if (!state.port->name().empty()) announce(state, Message::name);
      announce(state, Message::open);
      pump_input(id);
      pump_output(id);
      break;
    case Event::port_open:
      state.port->set_open(value != 0);
      pump_input(id);
      break;
    default:
      break;
  }
}

void Console::send_control() {
  if (!active() || !multiport()) return;
  for (uint32_t id = 0; id < ports_.size(); ++id) {
    for (size_t message = 0; message < kMessageCount; ++message) {
      if (!ports_[id].pending[message]) continue;
      std::optional<DescriptorChain> chain = pop(kControlReceive);
      if (!chain) return;
      ports_[id].pending[message] = false;
      chain->complete(write_message(*chain, id, static_cast<Message>(message)));
    }
  }
}

uint32_t Console::write_message(DescriptorChain& chain, uint32_t id, Message message) const {
  const ConsolePort& port = *ports_[id].port;
  const auto write = [&](Event event, uint16_t value, std::span<const std::byte> more = {}) {
    chain.write_object(0, Control{id, static_cast<uint16_t>(event), value});
    return static_cast<uint32_t>(std::min<size_t>(sizeof(Control), chain.writable_size()) +
                                 chain.write(sizeof(Control), more));
  };
  switch (message) {
    case Message::add:
      return write(Event::device_add, 0);
    case Message::console:
      return write(Event::console_port, 1);
    case Message::name:
      return write(Event::port_name, 1, std::as_bytes(std::span(port.name())));
    case Message::resize: {
      const WindowSize size = port.window_size().value_or(WindowSize{});
      const uint16_t columns_and_rows[] = {size.columns, size.rows};
      return write(Event::resize, 0, std::as_bytes(std::span(columns_and_rows)));
    }
    case Message::open:
      break;
  }
  return write(Event::port_open, port.connected() ? 1 : 0);
}

void Console::pump_input(size_t index) {
  PortState& state = ports_[index];
  if (!port_works(state)) return;
  for (unsigned i = 0; i < kBuffersPerTurn && state.port->has_input(); ++i) {
    std::optional<DescriptorChain> chain = pop(receive_queue(index));
    if (!chain) return;
    chain->complete(state.port->fill(*chain));
  }
  if (state.port->has_input()) kick(receive_queue(index));
}

void Console::pump_output(size_t index) {
  PortState& state = ports_[index];
  if (!port_works(state) || !state.port->send_rest()) return;
  for (unsigned i = 0; i < kBuffersPerTurn; ++i) {
    std::optional<DescriptorChain> chain = pop(transmit_queue(index));
    if (!chain || !state.port->send(std::move(*chain))) return;
  }
  kick(transmit_queue(index));
}

void Console::save_state(hv::StateWriter& writer) const {
  writer.value(static_cast<uint32_t>(ports_.size()));
  for (const PortState& state : ports_) {
    writer.value(state.ready);
    for (const bool pending : state.pending) writer.value(pending);
    state.port->save(writer);
  }
}

// The host of a restored machine is another one: its connections and its window are told anew.
void Console::load_state(hv::StateReader& reader) {
  if (reader.value<uint32_t>() != ports_.size()) reader.fail("another number of ports");
  if (!reader.ok()) return;
  for (PortState& state : ports_) {
    reader.value(state.ready);
    for (bool& pending : state.pending) reader.value(pending);
    state.port->load(reader);
    announce(state, Message::open);
    if (state.port->is_console() && state.port->window_size()) announce(state, Message::resize);
  }
}

}  // namespace devices::virtio

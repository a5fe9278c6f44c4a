#include "devices/backend/char/escape_filter.h"

#include <utility>

namespace devices {
namespace {

constexpr std::byte kControlA{0x01};

}  // namespace

void EscapeFilter::filter(std::span<const std::byte> in, std::vector<std::byte>& out) {
  for (const std::byte byte : in) {
    if (!std::exchange(escaped_, false)) {
      escaped_ = byte == kControlA;
      if (!escaped_) out.push_back(byte);
      continue;
    }
    switch (static_cast<char>(byte)) {
      case 'x':
        on_key_(TerminalKey::leave);
        break;
      case 'p':
        on_key_(TerminalKey::power);
        break;
      case 'h':
      case '?':
        on_key_(TerminalKey::help);
        break;
      case 'c':
      case 'i':
        on_key_(TerminalKey::info);
        break;
      case 'b':
        on_key_(TerminalKey::send_break);
        break;
      case static_cast<char>(kControlA):
        out.push_back(kControlA);
        break;
      default:
        break;
    }
  }
}

}  // namespace devices

#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace devices {

enum class TerminalKey { leave, power, help, info, send_break };

/// Splits what a person types into the guest's input and what is for Vireo: Ctrl-A followed by a key. Ctrl-A twice is
/// one Ctrl-A for the guest; a key without a meaning is dropped.
class EscapeFilter {
 public:
  explicit EscapeFilter(std::function<void(TerminalKey)> on_key) : on_key_(std::move(on_key)) {}

  void filter(std::span<const std::byte> in, std::vector<std::byte>& out);

 private:
  std::function<void(TerminalKey)> on_key_;
  bool escaped_ = false;  ///< the last byte was Ctrl-A
};

}  // namespace devices

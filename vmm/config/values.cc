#include "vmm/config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <arpa/inet.h>

namespace vmm {
namespace {

struct Unit {
  std::string_view name;
  unsigned shift;
};
constexpr std::array kUnits = {Unit{"GiB", 30}, Unit{"MiB", 20}, Unit{"KiB", 10}};

std::optional<uint16_t> parse_port(std::string_view text, uint64_t smallest) {
  const std::optional<uint64_t> port = parse_integer(text);
  if (!port || *port < smallest || *port > std::numeric_limits<uint16_t>::max()) return std::nullopt;
  return static_cast<uint16_t>(*port);
}

/// Levenshtein distance.
size_t distance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < left.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < right.size(); ++j) {
      const size_t substituted = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<uint64_t> parse_integer(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

hv::Result<uint64_t> parse_size(std::string_view text) {
  unsigned shift = 0;
  std::string_view number = text;
  for (const Unit& unit : kUnits) {
    if (text.ends_with(unit.name)) {
      shift = unit.shift;
      number.remove_suffix(unit.name.size());
      while (number.ends_with(' ')) number.remove_suffix(1);
    }
  }
  const std::optional<uint64_t> value = parse_integer(number);
  if (!value) return hv::error("\"{}\" is not a size; write it like 512MiB, 1GiB or 64KiB", text);
  if (*value > std::numeric_limits<uint64_t>::max() >> shift) return hv::error("\"{}\" is too large a size", text);
  return *value << shift;
}

std::string size_text(uint64_t bytes) {
  for (const Unit& unit : kUnits) {
    if (bytes != 0 && bytes % (uint64_t{1} << unit.shift) == 0)
      return fmt::format("{}{}", bytes >> unit.shift, unit.name);
  }
  return fmt::format("{} bytes", bytes);
}

hv::Result<PortForward> parse_forward(std::string_view text) {
  const auto bad = [&] {
    return hv::error("\"{}\" is not a port forward; write it like 127.0.0.1:8080:80/tcp or 8080:80", text);
  };
  PortForward forward;
  std::string_view rest = text;
  if (const size_t slash = rest.rfind('/'); slash != std::string_view::npos) {
    const std::string_view protocol = rest.substr(slash + 1);
    if (protocol != "tcp" && protocol != "udp") return bad();
    forward.protocol = protocol == "tcp" ? Protocol::tcp : Protocol::udp;
    rest = rest.substr(0, slash);
  }
  const size_t guest = rest.rfind(':');
  if (guest == std::string_view::npos) return bad();
  const std::optional<uint16_t> guest_port = parse_port(rest.substr(guest + 1), 1);
  rest = rest.substr(0, guest);
  const size_t host = rest.rfind(':');
  const std::optional<uint16_t> host_port =
      parse_port(host == std::string_view::npos ? rest : rest.substr(host + 1), 0);
  if (!guest_port || !host_port) return bad();
  if (host != std::string_view::npos) {
    std::string_view address = rest.substr(0, host);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    if (address.empty()) return bad();
    forward.host_address = address;
    in_addr parsed{};
    if (::inet_pton(AF_INET, forward.host_address.c_str(), &parsed) != 1) {
      return hv::error(
          "\"{}\": the address must be a numeric IPv4 one, like 127.0.0.1 or, for every interface, 0.0.0.0", text);
    }
  }
  forward.guest_port = *guest_port;
  forward.host_port = *host_port;
  return forward;
}

hv::Result<ConsoleEnd> parse_console(std::string_view text) {
  if (text == "stdio") return ConsoleEnd{ConsoleBackend::stdio, {}};
  if (text == "pty") return ConsoleEnd{ConsoleBackend::pty, {}};
  if (text == "none") return ConsoleEnd{ConsoleBackend::none, {}};
  for (const auto& [prefix, backend] :
       {std::pair<std::string_view, ConsoleBackend>{"unix:", ConsoleBackend::unix_socket},
        std::pair<std::string_view, ConsoleBackend>{"file:", ConsoleBackend::file}}) {
    if (text.starts_with(prefix) && text.size() > prefix.size())
      return ConsoleEnd{backend, std::string(text.substr(prefix.size()))};
  }
  return hv::error("\"{}\" is not a console backend; use stdio, pty, none, unix:PATH or file:PATH", text);
}

hv::Result<std::string> parse_mac(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  constexpr size_t kLength = 17;
  bool good = text.size() == kLength;
  for (size_t i = 0; good && i < kLength; ++i) good = i % 3 == 2 ? text[i] == ':' : is_hex(text[i]);
  if (!good) return hv::error("\"{}\" is not a MAC address; write it like 52:54:00:12:34:56", text);
  // IEEE 802-2014 §8.2: bit 0 of the first octet marks a group address.
  uint8_t first = 0;
  std::from_chars(text.data(), text.data() + 2, first, 16);
  if ((first & 1) != 0) return hv::error("\"{}\" is a group address; the first octet must be even", text);
  std::string mac(text);
  std::ranges::transform(mac, mac.begin(), [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  return mac;
}

hv::Result<std::string> parse_serial(std::string_view text) {
  constexpr size_t kMost = 20;
  if (text.size() > kMost) return hv::error("the serial \"{}\" is longer than {} bytes", text, kMost);
  return std::string(text);
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const size_t d = distance(word, candidate);
    if (d < best_distance && d < candidate.size()) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace vmm

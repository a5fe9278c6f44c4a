#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hv/base/result.h"
#include "vmm/config/machine_config.h"

namespace vmm {

/// A whole number, decimal, or hexadecimal after 0x. Nothing where `text` is something else or does not fit.
std::optional<uint64_t> parse_integer(std::string_view text);

/// Bytes: "512MiB", "1GiB", "64KiB", or a plain number of bytes.
hv::Result<uint64_t> parse_size(std::string_view text);
/// The shortest exact form: "512MiB".
std::string size_text(uint64_t bytes);

/// "[ADDRESS:]HOST_PORT:GUEST_PORT[/tcp|/udp]"; the address is IPv4. Host port 0: the host chooses.
hv::Result<PortForward> parse_forward(std::string_view text);
/// "stdio", "pty", "none", "unix:PATH", "file:PATH".
hv::Result<ConsoleEnd> parse_console(std::string_view text);
/// "52:54:00:12:34:56", lower case afterwards. Error: not six octets, or a group address.
hv::Result<std::string> parse_mac(std::string_view text);
/// A disk's serial number, which has up to 20 bytes (VIRTIO 1.2 §5.2.6.1).
hv::Result<std::string> parse_serial(std::string_view text);

/// The candidate that `word` was most likely meant to be, or an empty view if it resembles none.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace vmm

#include "vmm/config/values.h"

#include <array>

#include <gtest/gtest.h>

namespace vmm {
namespace {

TEST(Values, ReadsSizes) {
  EXPECT_EQ(parse_size("64KiB").value(), 65536u);
  EXPECT_EQ(parse_size("512MiB").value(), 512u << 20);
  EXPECT_EQ(parse_size("2 GiB").value(), uint64_t{2} << 30);
  EXPECT_EQ(parse_size("4096").value(), 4096u);
}

TEST(Values, RefusesWhatIsNoSize) {
  EXPECT_EQ(parse_size("1GB").error().message, "\"1GB\" is not a size; write it like 512MiB, 1GiB or 64KiB");
  EXPECT_FALSE(parse_size("-1MiB"));
  EXPECT_FALSE(parse_size("MiB"));
  EXPECT_FALSE(parse_size(""));
  EXPECT_EQ(parse_size("99999999999GiB").error().message, "\"99999999999GiB\" is too large a size");
}

TEST(Values, WritesSizesInTheLargestWholeUnit) {
  EXPECT_EQ(size_text(uint64_t{1} << 30), "1GiB");
  EXPECT_EQ(size_text(uint64_t{1536} << 20), "1536MiB");
  EXPECT_EQ(size_text(17), "17 bytes");
}

TEST(Values, ReadsPortForwards) {
  EXPECT_EQ(parse_forward("127.0.0.1:8080:80/tcp").value(), (PortForward{Protocol::tcp, "127.0.0.1", 8080, 80}));
  EXPECT_EQ(parse_forward("5353:53/udp").value(), (PortForward{Protocol::udp, "127.0.0.1", 5353, 53}));
  EXPECT_EQ(parse_forward("0:80").value(), (PortForward{Protocol::tcp, "127.0.0.1", 0, 80}));
}

TEST(Values, RefusesWhatIsNoPortForward) {
  EXPECT_EQ(parse_forward("80").error().message,
            "\"80\" is not a port forward; write it like 127.0.0.1:8080:80/tcp or 8080:80");
  EXPECT_FALSE(parse_forward("8080:80/sctp"));
  EXPECT_FALSE(parse_forward("8080:0"));
  EXPECT_FALSE(parse_forward("8080:65536"));
  EXPECT_FALSE(parse_forward(":8080:80"));
  EXPECT_EQ(parse_forward("[::1]:22:22").error().message,
            "\"[::1]:22:22\": the address must be a numeric IPv4 one, like 127.0.0.1 or, for every interface, 0.0.0.0");
}

TEST(Values, ReadsConsoles) {
  EXPECT_EQ(parse_console("pty").value().backend, ConsoleBackend::pty);
  EXPECT_EQ(parse_console("unix:/run/c").value().path, "/run/c");
  EXPECT_EQ(parse_console("file:").error().message,
            "\"file:\" is not a console backend; use stdio, pty, none, unix:PATH or file:PATH");
}

TEST(Values, ReadsMacAddresses) {
  EXPECT_EQ(parse_mac("52:54:00:AB:cd:ef").value(), "52:54:00:ab:cd:ef");
  EXPECT_FALSE(parse_mac("52:54:00:AB:cd"));
  EXPECT_EQ(parse_mac("01:00:5e:00:00:01").error().message,
            "\"01:00:5e:00:00:01\" is a group address; the first octet must be even");
}

TEST(Values, FindsTheNearestWord) {
  constexpr std::array<std::string_view, 3> kWords = {"memory", "cpus", "console"};
  EXPECT_EQ(nearest("memroy", kWords), "memory");
  EXPECT_EQ(nearest("cpu", kWords), "cpus");
  EXPECT_EQ(nearest("zzzzzz", kWords), "");
}

}  // namespace
}  // namespace vmm

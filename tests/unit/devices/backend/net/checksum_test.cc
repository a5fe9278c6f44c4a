#include "devices/backend/net/checksum.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "hv/base/endian.h"

namespace devices {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

uint16_t sum_of(std::span<const std::byte> data) {
  Checksum checksum;
  checksum.add(data);
  return hv::byte_swap(checksum.value());
}

// RFC 1071 §1: the words 0001 f203 f4f5 f6f7 add up to ddf2.
TEST(Checksum, IsTheOneOfRfc1071) {
  EXPECT_EQ(sum_of(bytes({0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7})), 0xffff - 0xddf2);
}

TEST(Checksum, TakesAnOddByteAsTheUpperHalfOfAWord) {
  EXPECT_EQ(sum_of(bytes({0x12, 0x34, 0x56})), 0xffff - (0x1234 + 0x5600));
}

TEST(Checksum, AddsFieldsAsIfTheyWereInMemory) {
  Checksum checksum;
  checksum.add_field(0x1234);
  checksum.add_field(0xff00);
  EXPECT_EQ(hv::byte_swap(checksum.value()), sum_of(bytes({0x12, 0x34, 0xff, 0})));
}

TEST(Checksum, DoesNotDependOnHowTheDataIsDivided) {
  std::vector<std::byte> data(65536, std::byte{0xff});
  for (size_t i = 0; i < data.size(); i += 3) data[i] = static_cast<std::byte>(i);
  uint32_t plain = 0;
  for (size_t i = 0; i < data.size(); i += 2) {
    plain += hv::load_be<uint16_t>(&data[i]);
    plain = (plain & 0xffff) + (plain >> 16);
  }
  Checksum divided;
  divided.add(std::span(data).first(62));
  divided.add(std::span(data).subspan(62));
  EXPECT_EQ(sum_of(data), 0xffff - plain);
  EXPECT_EQ(hv::byte_swap(divided.value()), 0xffff - plain);
}

}  // namespace
}  // namespace devices

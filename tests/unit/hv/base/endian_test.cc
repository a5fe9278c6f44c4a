#include "hv/base/endian.h"

#include <array>
#include <cstdint>

#include <gtest/gtest.h>

namespace hv {
namespace {

constexpr std::array<uint8_t, 9> kBytes = {0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};

TEST(Endian, LoadsLittleEndianFromAnyAlignment) {
  EXPECT_EQ(load_le<uint16_t>(&kBytes[1]), 0x0201);
  EXPECT_EQ(load_le<uint32_t>(&kBytes[1]), 0x0403'0201u);
  EXPECT_EQ(load_le<uint64_t>(&kBytes[1]), 0x0807'0605'0403'0201u);
}

TEST(Endian, LoadsBigEndianFromAnyAlignment) {
  EXPECT_EQ(load_be<uint8_t>(&kBytes[1]), 0x01);
  EXPECT_EQ(load_be<uint16_t>(&kBytes[1]), 0x0102);
  EXPECT_EQ(load_be<uint32_t>(&kBytes[1]), 0x0102'0304u);
  EXPECT_EQ(load_be<uint64_t>(&kBytes[1]), 0x0102'0304'0506'0708u);
}

TEST(Endian, StoresWhatLoadsGive) {
  std::array<uint8_t, 9> bytes{};
  store_be(&bytes[1], uint32_t{0x1122'3344});
  EXPECT_EQ(bytes[1], 0x11);
  EXPECT_EQ(load_be<uint32_t>(&bytes[1]), 0x1122'3344u);
  EXPECT_EQ(load_le<uint32_t>(&bytes[1]), 0x4433'2211u);
}

}  // namespace
}  // namespace hv

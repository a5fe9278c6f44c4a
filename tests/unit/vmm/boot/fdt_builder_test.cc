#include "vmm/boot/fdt_builder.h"

#include <gtest/gtest.h>

extern "C" {
#include <libfdt.h>
}

namespace vmm {
namespace {

TEST(FdtBuilder, WritesATreeThatLibfdtReads) {
  FdtBuilder builder;
  builder.node("", [&] {
    builder.cell("#address-cells", 2);
    builder.strings("compatible", {"a,b", "c"});
    builder.node("memory@80000000", [&] {
      builder.string("device_type", "memory");
      builder.reg(0x8000'0000, uint64_t{5} << 32);
    });
  });
  const std::vector<std::byte> blob = builder.finish().value();
  ASSERT_EQ(::fdt_check_full(blob.data(), blob.size()), 0);
  EXPECT_EQ(::fdt_stringlist_count(blob.data(), 0, "compatible"), 2);
  const int node = ::fdt_path_offset(blob.data(), "/memory@80000000");
  int length = 0;
  const void* const reg = ::fdt_getprop(blob.data(), node, "reg", &length);
  ASSERT_EQ(length, 16);
  EXPECT_EQ(::fdt64_ld(static_cast<const fdt64_t*>(reg)), 0x8000'0000u);
  EXPECT_EQ(::fdt64_ld(static_cast<const fdt64_t*>(reg) + 1), uint64_t{5} << 32);
}

TEST(FdtBuilder, GrowsToTheSizeOfTheTree) {
  FdtBuilder builder;
  const std::vector<std::byte> large(100'000, std::byte{1});
  builder.node("", [&] { builder.bytes("data", large); });
  const std::vector<std::byte> blob = builder.finish().value();
  int length = 0;
  ASSERT_NE(::fdt_getprop(blob.data(), 0, "data", &length), nullptr);
  EXPECT_EQ(length, 100'000);
}

TEST(FdtBuilder, ReportsATreeThatIsTooLarge) {
  FdtBuilder builder;
  const std::vector<std::byte> large(3u << 20);
  builder.node("", [&] { builder.bytes("data", large); });
  EXPECT_EQ(builder.finish().error().message, "cannot make the device tree: FDT_ERR_NOSPACE");
}

}  // namespace
}  // namespace vmm

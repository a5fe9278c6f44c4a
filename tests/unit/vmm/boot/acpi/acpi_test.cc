#include <cstring>
#include <numeric>

#include <gmock/gmock.h>

#include "hv/base/endian.h"
#include "vmm/boot/acpi/aml.h"
#include "vmm/boot/acpi/tables.h"

namespace vmm::acpi {
namespace {

aml::Bytes bytes(std::initializer_list<int> values) {
  aml::Bytes out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

// Expected bytes are what iasl makes of the same source.
TEST(Aml, IntegersTakeTheShortestForm) {
  EXPECT_EQ(aml::integer(0), bytes({0x00}));
  EXPECT_EQ(aml::integer(1), bytes({0x01}));
  EXPECT_EQ(aml::integer(5), bytes({0x0a, 0x05}));
  EXPECT_EQ(aml::integer(0x1234), bytes({0x0b, 0x34, 0x12}));
  EXPECT_EQ(aml::integer(0x1'0000'0000), bytes({0x0e, 0, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(Aml, NamesArePaddedAndPathsPrefixed) {
  EXPECT_EQ(aml::name("\\_S5", aml::package({aml::integer(5), aml::integer(0)})),
            bytes({0x08, 0x5c, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x05, 0x02, 0x0a, 0x05, 0x00}));
  EXPECT_EQ(aml::notify("\\_SB.PWRB", 0x80),
            bytes({0x86, 0x5c, 0x2e, '_', 'S', 'B', '_', 'P', 'W', 'R', 'B', 0x0a, 0x80}));
}

TEST(Aml, IdentifiersAreCompressed) { EXPECT_EQ(aml::eisa_id("PNP0501"), bytes({0x0c, 0x41, 0xd0, 0x05, 0x01})); }

TEST(Aml, LengthsOfMoreThan63BytesTakeSeveralBytes) {
  const aml::Bytes content(100, std::byte{0});
  const aml::Bytes scope = aml::scope("_SB", content);
  // 100 + 4 of the name + 2 of the length itself
  EXPECT_EQ(aml::Bytes(scope.begin(), scope.begin() + 3), bytes({0x10, 0x40 | (106 & 0xf), 106 >> 4}));
  EXPECT_EQ(scope.size(), 107u);
}

TEST(Aml, AMethodReadsAPortAndNotifies) {
  EXPECT_EQ(aml::port_region("EVTS", 0x604, 1), bytes({0x5b, 0x80, 'E', 'V', 'T', 'S', 0x01, 0x0b, 0x04, 0x06, 0x01}));
  EXPECT_EQ(aml::byte_fields("EVTS", {"HAPP"}),
            bytes({0x5b, 0x81, 0x0b, 'E', 'V', 'T', 'S', 0x01, 'H', 'A', 'P', 'P', 0x08}));
  const aml::Bytes pressed =
      aml::if_then(aml::bit_and(aml::local0(), aml::integer(1)), aml::notify("\\_SB.PWRB", 0x80));
  EXPECT_EQ(aml::method("_EVT", 1, aml::join({aml::store(aml::reference("HAPP"), aml::local0()), pressed})),
            bytes({0x14, 0x1f, '_',  'E',  'V',  'T',  0x09, 0x70, 'H', 'A', 'P', 'P', 0x60, 0xa0, 0x12, 0x7b,
                   0x60, 0x01, 0x00, 0x86, 0x5c, 0x2e, '_',  'S',  'B', '_', 'P', 'W', 'R',  'B',  0x0a, 0x80}));
}

TEST(Aml, AResourceTemplateIsABufferThatEndsWithATag) {
  EXPECT_EQ(aml::resources({aml::io_ports(0x3f8, 8)}),
            bytes({0x11, 0x0d, 0x0a, 0x0a, 0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08, 0x79, 0x00}));
  EXPECT_EQ(aml::edge_interrupt(4), bytes({0x89, 0x06, 0x00, 0x03, 0x01, 0x04, 0x00, 0x00, 0x00}));
}

class Tables : public testing::Test {
 protected:
  static constexpr hv::GuestRange kRoom{{0xe0000}, 0x20000};
  static constexpr Power kPower{0x600, 0x601, 0x602, 1, 0x32};
  static constexpr InterruptControllers kInterrupts{3, {0xfee0'0000}, {0xfec0'0000}};

  std::span<const std::byte> at(uint64_t address) const {
    const std::span<const std::byte> rest = std::span(tables).subspan(address - kRoom.base.value);
    return rest.first(hv::load_le<uint32_t>(rest.data() + 4));
  }
  template <typename T>
  static T get(std::span<const std::byte> table, size_t offset) {
    return hv::load_le<T>(table.data() + offset);
  }
  static unsigned sum(std::span<const std::byte> data) {
    return std::accumulate(data.begin(), data.end(), 0u,
                           [](unsigned total, std::byte byte) { return total + std::to_integer<unsigned>(byte); }) &
           0xff;
  }

  std::vector<std::byte> dsdt = std::vector<std::byte>(7);
  std::vector<std::byte> tables = make_tables(kRoom, kPower, kInterrupts, dsdt).value();
};

TEST_F(Tables, AreFoundFromTheFirstAndAddUpToZero) {
  EXPECT_EQ(std::memcmp(tables.data(), "RSD PTR ", 8), 0);
  EXPECT_EQ(sum(std::span(tables).first(20)), 0u);
  EXPECT_EQ(sum(std::span(tables).first(36)), 0u);
  const auto xsdt = at(get<uint64_t>(tables, 24));
  ASSERT_EQ(xsdt.size(), Table::kHeaderSize + 16);
  const auto fadt = at(get<uint64_t>(xsdt, 36));
  const auto madt = at(get<uint64_t>(xsdt, 44));
  const auto found_dsdt = at(get<uint64_t>(fadt, 140));
  for (const auto& table : {xsdt, fadt, madt, found_dsdt}) EXPECT_EQ(sum(table), 0u);
  EXPECT_EQ(std::memcmp(fadt.data(), "FACP", 4), 0);
  EXPECT_EQ(found_dsdt.size(), Table::kHeaderSize + dsdt.size());
}

TEST_F(Tables, TheMachineIsHardwareReducedWithItsPowerRegisters) {
  const auto fadt = at(get<uint64_t>(at(get<uint64_t>(tables, 24)), 36));
  EXPECT_EQ(fadt.size(), 276u);
  EXPECT_EQ(get<uint8_t>(fadt, 108), 0x32u);
  EXPECT_EQ(get<uint16_t>(fadt, 109) & (1u << 5), 0u);  // there is a CMOS clock
  EXPECT_NE(get<uint32_t>(fadt, 112) & (1u << 20), 0u);
  EXPECT_EQ(get<uint64_t>(fadt, 116 + 4), 0x602u);
  EXPECT_EQ(get<uint8_t>(fadt, 128), 1u);
  EXPECT_EQ(get<uint64_t>(fadt, 244 + 4), 0x600u);
  EXPECT_EQ(get<uint64_t>(fadt, 256 + 4), 0x601u);
}

TEST_F(Tables, EachProcessorHasItsInterruptController) {
  const auto madt = at(get<uint64_t>(at(get<uint64_t>(tables, 24)), 44));
  EXPECT_EQ(madt.size(), Table::kHeaderSize + 8 + 3 * 8 + 12);
  EXPECT_EQ(get<uint8_t>(madt, 44 + 2 * 8 + 3), 2u);
  EXPECT_EQ(get<uint32_t>(madt, 44 + 3 * 8 + 4), 0xfec0'0000u);
}

TEST_F(Tables, TooMuchIsAnError) { EXPECT_FALSE(make_tables({{0xe0000}, 64}, kPower, kInterrupts, dsdt)); }

}  // namespace
}  // namespace vmm::acpi

#include "hv/core/state_io.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace hv {
namespace {

enum class Colour : uint8_t { red, green };

std::vector<std::byte> sample() {
  StateWriter writer;
  writer.section("machine", 2, [&] {
    writer.value(uint32_t{7});
    writer.section("uart", 1, [&] { writer.string("ttyS0"); });
    writer.value(Colour::green);
    writer.value(true);
    writer.bytes(std::as_bytes(std::span("abc", 3)));
  });
  const auto data = writer.data();
  return {data.begin(), data.end()};
}

struct Sample {
  uint32_t version = 0;
  uint32_t number = 0;
  std::string name;
  Colour colour = Colour::red;
  bool flag = false;
  std::vector<std::byte> bytes;
  std::string error;
};

Sample read_sample(std::span<const std::byte> data, uint32_t newest = 2) {
  Sample out;
  StateReader reader(data);
  reader.section("machine", newest, [&](uint32_t version) {
    out.version = version;
    reader.value(out.number);
    reader.section("uart", 1, [&](uint32_t) { out.name = reader.string(); });
    reader.value(out.colour);
    reader.value(out.flag);
    out.bytes = reader.bytes(16);
  });
  out.error = reader.status() ? "" : reader.status().error().message;
  return out;
}

TEST(StateIo, ReadsBackWhatWasWritten) {
  const Sample out = read_sample(sample());
  EXPECT_EQ(out.error, "");
  EXPECT_EQ(out.version, 2u);
  EXPECT_EQ(out.number, 7u);
  EXPECT_EQ(out.name, "ttyS0");
  EXPECT_EQ(out.colour, Colour::green);
  EXPECT_TRUE(out.flag);
  EXPECT_EQ(out.bytes.size(), 3u);
}

TEST(StateIo, RefusesANewerVersion) {
  EXPECT_EQ(read_sample(sample(), 1).error, "section 'machine' has version 2; this program knows up to 1");
}

TEST(StateIo, RefusesAnotherSection) {
  const auto data = sample();
  StateReader reader(data);
  reader.section("disk", 1, [](uint32_t) { FAIL() << "entered the wrong section"; });
  EXPECT_EQ(reader.status().error().message, "section 'machine' where 'disk' was expected");
}

TEST(StateIo, NoticesEveryFlippedBit) {
  const auto good = sample();
  for (size_t i = 0; i < good.size() * 8; ++i) {
    auto bad = good;
    bad[i / 8] ^= std::byte{1} << (i % 8);
    EXPECT_NE(read_sample(bad).error, "") << "bit " << i;
  }
}

TEST(StateIo, NoticesEveryTruncation) {
  const auto good = sample();
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(read_sample(std::span(good).first(size)).error, "") << "size " << size;
  }
}

TEST(StateIo, RefusesASectionThatIsNotReadToItsEnd) {
  const auto data = sample();
  StateReader reader(data);
  reader.section("machine", 2, [&](uint32_t) { reader.value<uint32_t>(); });
  EXPECT_NE(reader.status().error().message.find("left over"), std::string::npos);
}

TEST(StateIo, AReadPastTheSectionGivesZerosAndKeepsTheFirstError) {
  StateWriter writer;
  writer.section("short", 1, [&] { writer.value(uint8_t{9}); });
  StateReader reader(writer.data());
  reader.section("short", 1, [&](uint32_t) {
    EXPECT_EQ(reader.value<uint64_t>(), 0u);
    EXPECT_EQ(reader.value<uint8_t>(), 0u);
    reader.fail("a later error");
  });
  EXPECT_EQ(reader.status().error().message, "short: the state is truncated");
}

TEST(StateIo, BytesAreBoundedByTheCaller) {
  StateWriter writer;
  writer.section("s", 1, [&] { writer.string("longer than four"); });
  StateReader reader(writer.data());
  reader.section("s", 1, [&](uint32_t) { EXPECT_TRUE(reader.bytes(4).empty()); });
  EXPECT_FALSE(reader.ok());
}

TEST(StateIo, AnErrorNamesTheInnermostSection) {
  StateWriter writer;
  writer.section("machine", 1, [&] { writer.section("plic", 1, [] {}); });
  StateReader reader(writer.data());
  reader.section("machine", 1, [&](uint32_t) { reader.section("plic", 1, [&](uint32_t) { reader.fail("bad"); }); });
  EXPECT_EQ(reader.status().error().message, "machine/plic: bad");
}

TEST(StateIo, RefusesATruthValueOfTwo) {
  StateWriter writer;
  writer.section("s", 1, [&] { writer.value(uint8_t{2}); });
  StateReader reader(writer.data());
  reader.section("s", 1, [&](uint32_t) { reader.value<bool>(); });
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace hv

#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/vmm/boot/test_files.h"
#include "vmm/machine/arm64/device_tree.h"
#include "vmm/machine/arm64/memory_map.h"

namespace vmm::arm64 {
namespace {

/// The device tree compiler: `dtc`, with all of its checks.
class Arm64DeviceTree : public ::testing::Test {
 protected:
  /// What it prints, both streams.
  std::string dtc(const DeviceTreeConfig& config, const std::string& options) {
    const std::string path = folder_.write("tree.dtb", make_device_tree(config).value());
    std::FILE* const pipe = ::popen(("dtc -I dtb " + options + " " + path + " 2>&1").c_str(), "r");
    std::string text;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text.push_back(static_cast<char>(c));
    ::pclose(pipe);
    return text;
  }

  static DeviceTreeConfig full() {
    DeviceTreeConfig config;
    config.cpus = 4;
    config.ram = {kRam, uint64_t{1} << 30};
    config.chosen.cmdline = "root=/dev/vda rw";
    config.chosen.initrd = {{0x7000'0000}, 0x1234};
    config.virtio_devices = 3;
    return config;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Arm64DeviceTree, PassesTheCompilersChecks) { EXPECT_EQ(dtc(full(), "-O dtb -o /dev/null"), ""); }

TEST_F(Arm64DeviceTree, DescribesTheMachine) {
  const std::string text = dtc(full(), "-q -O dts");
  EXPECT_NE(text.find("bootargs = \"root=/dev/vda rw\";"), std::string::npos) << text;
  EXPECT_NE(text.find("stdout-path = \"/serial@9000000\";"), std::string::npos);
  EXPECT_NE(text.find("cpu@3 {"), std::string::npos);
  EXPECT_EQ(text.find("cpu@4 {"), std::string::npos);
  EXPECT_NE(text.find("reg = <0x00 0x8000000 0x00 0x10000 0x00 0x80a0000 0x00 0x80000>;"), std::string::npos);
  EXPECT_NE(text.find("virtio_mmio@a002000 {"), std::string::npos);
  EXPECT_NE(text.find("interrupts = <0x00 0x12 0x01>;"), std::string::npos);
}

}  // namespace
}  // namespace vmm::arm64

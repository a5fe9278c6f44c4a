#include "vmm/machine/riscv64/device_tree.h"

#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/vmm/boot/test_files.h"
#include "vmm/machine/riscv64/memory_map.h"

namespace vmm::riscv64 {
namespace {

/// What a shell command prints, both streams.
std::string output_of(const std::string& command) {
  std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string text;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text.push_back(static_cast<char>(c));
  ::pclose(pipe);
  return text;
}

/// The device tree compiler: `dtc`, with all of its checks.
class DeviceTree : public ::testing::Test {
 protected:
  std::string dtc(const DeviceTreeConfig& config, const std::string& options) {
    const std::string path = folder_.write("tree.dtb", make_device_tree(config).value());
    return output_of("dtc -I dtb " + options + " " + path);
  }

  static DeviceTreeConfig full() {
    DeviceTreeConfig config;
    config.cpus = 4;
    config.ram = {kRam, uint64_t{1} << 30};
    config.chosen.cmdline = "root=/dev/vda rw";
    config.chosen.initrd = {{0xb000'0000}, 0x1234};
    config.virtio_devices = 3;
    config.chosen.kaslr_seed = 0x1122334455667788;
    return config;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(DeviceTree, PassesTheCompilersChecks) { EXPECT_EQ(dtc(full(), "-O dtb -o /dev/null"), ""); }

TEST_F(DeviceTree, DescribesWhatTheKernelStartsWith) {
  const std::string text = dtc(full(), "-q -O dts");
  EXPECT_NE(text.find("bootargs = \"root=/dev/vda rw\";"), std::string::npos) << text;
  EXPECT_NE(text.find("linux,initrd-start = <0x00 0xb0000000>;"), std::string::npos);
  EXPECT_NE(text.find("linux,initrd-end = <0x00 0xb0001234>;"), std::string::npos);
  EXPECT_NE(text.find("stdout-path = \"/soc/serial@10000000\";"), std::string::npos);
  EXPECT_NE(text.find("kaslr-seed = <0x11223344 0x55667788>;"), std::string::npos);
}

TEST_F(DeviceTree, ListsProcessorsMemoryAndSlots) {
  const std::string text = dtc(full(), "-q -O dts");
  EXPECT_NE(text.find("cpu@3 {"), std::string::npos);
  EXPECT_EQ(text.find("cpu@4 {"), std::string::npos);
  EXPECT_NE(text.find("reg = <0x00 0x80000000 0x00 0x40000000>;"), std::string::npos);
  EXPECT_NE(text.find("virtio_mmio@10003000 {"), std::string::npos);
  EXPECT_EQ(text.find("virtio_mmio@10004000 {"), std::string::npos);
  EXPECT_NE(text.find("interrupts-extended = <0x10 0x0b 0x10 0x09 0x11 0x0b 0x11 0x09 0x12"), std::string::npos);
}

TEST_F(DeviceTree, LeavesOutWhatThereIsNot) {
  DeviceTreeConfig config;
  config.ram = {kRam, 16u << 20};
  config.uart_is_console = false;
  const std::string text = dtc(config, "-q -O dts");
  EXPECT_EQ(text.find("bootargs"), std::string::npos);
  EXPECT_EQ(text.find("initrd"), std::string::npos);
  EXPECT_EQ(text.find("stdout-path"), std::string::npos);
  EXPECT_EQ(text.find("virtio"), text.find("virtio\";"));  // only in the machine's name
}

TEST(IsaString, BeginsWithTheGeneralSet) {
  EXPECT_TRUE(isa_string(emulated_processor()).starts_with("rv64imafdc_zicbom_zicbop"));
}

}  // namespace
}  // namespace vmm::riscv64

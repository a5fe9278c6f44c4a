#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vmm/config/parser.h"

namespace vmm {
namespace {

/// A folder with kernel and disk files, which is the working directory and HOME while it lives.
class MachineFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("vireo-config-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    previous_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
    ::setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
    write("Image", "");
    write("disk.img", "");
  }
  void TearDown() override {
    std::filesystem::current_path(previous_);
    std::filesystem::remove_all(folder_);
  }

  void write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  hv::Result<MachineConfig> load(const std::string& text, std::vector<ConfigOverride> overrides = {}) {
    write("m.yaml", text);
    return load_machine_file("m.yaml", overrides);
  }

  std::string error_of(const std::string& text, std::vector<ConfigOverride> overrides = {}) {
    const hv::Result<MachineConfig> config = load(text, std::move(overrides));
    return config ? "(no error)" : config.error().message;
  }

  std::filesystem::path folder_;
  std::filesystem::path previous_;
};

constexpr const char* kSmall = "arch: riscv64\nboot: {kernel: Image}\n";

TEST_F(MachineFile, NamesTheImageThatWasMeant) {
  write("vireo/images/riscv64/vmlinuz", "");
  EXPECT_THAT(error_of("arch: riscv64\nboot: {kernel: cache:riscv64/vmlinux}\n"),
              testing::EndsWith("did you mean cache:riscv64/vmlinuz?"));
}

TEST_F(MachineFile, FillsInDefaults) {
  const MachineConfig config = load(kSmall).value();
  EXPECT_EQ(config.name, "m");
  EXPECT_EQ(config.accel, Accel::automatic);
  EXPECT_EQ(config.cpus, 1u);
  EXPECT_EQ(config.memory, uint64_t{512} << 20);
  EXPECT_EQ(config.console.end.backend, ConsoleBackend::stdio);
  EXPECT_EQ(config.console.device, ConsoleDevice::uart);
  EXPECT_EQ(config.numa.mode, hv::NumaPolicy::Mode::none);
  EXPECT_TRUE(config.rng);
  EXPECT_TRUE(config.disks.empty());
}

TEST_F(MachineFile, ReadsEveryKey) {
  write("initrd", "");
  write("fw", "");
  const MachineConfig config = load(R"(name: debian
arch: riscv64
accel: interp
cpus: 4
memory: 2GiB
huge_pages: 2MiB
numa: {policy: bind, nodes: [0, 1]}
boot:
  firmware: fw
  kernel: Image
  initrd: initrd
  cmdline: root=/dev/vda rw
disks:
  - {path: disk.img, format: raw, readonly: true, snapshot: true, serial: abc, queues: 4}
networks:
  - {backend: user, forward: ["127.0.0.1:8080:80/tcp", "5353:53/udp"], mac: 52:54:00:00:00:01}
  - {backend: tap, interface: tap0}
console: {backend: "unix:sock", device: virtio}
rng: false
balloon: false
)")
                                   .value();
  EXPECT_EQ(config.name, "debian");
  EXPECT_EQ(config.accel, Accel::interp);
  EXPECT_EQ(config.cpus, 4u);
  EXPECT_EQ(config.memory, uint64_t{2} << 30);
  EXPECT_EQ(config.huge_pages, hv::HugePages::size_2mib);
  EXPECT_EQ(config.numa.mode, hv::NumaPolicy::Mode::bind);
  EXPECT_EQ(config.numa.nodes, (std::vector<unsigned>{0, 1}));
  EXPECT_EQ(config.boot.firmware, "fw");
  EXPECT_EQ(config.boot.initrd, "initrd");
  EXPECT_EQ(config.boot.cmdline, "root=/dev/vda rw");
  ASSERT_EQ(config.disks.size(), 1u);
  EXPECT_EQ(config.disks[0].format, DiskFormat::raw);
  EXPECT_TRUE(config.disks[0].readonly);
  EXPECT_TRUE(config.disks[0].snapshot);
  EXPECT_EQ(config.disks[0].serial, "abc");
  EXPECT_EQ(config.disks[0].queues, 4u);
  ASSERT_EQ(config.networks.size(), 2u);
  EXPECT_EQ(config.networks[0].forward[1], (PortForward{Protocol::udp, "127.0.0.1", 5353, 53}));
  EXPECT_EQ(config.networks[0].mac, "52:54:00:00:00:01");
  EXPECT_EQ(config.networks[1].backend, NetworkBackend::tap);
  EXPECT_EQ(config.networks[1].interface, "tap0");
  EXPECT_EQ(config.console.end.backend, ConsoleBackend::unix_socket);
  EXPECT_EQ(config.console.end.path, "sock");
  EXPECT_EQ(config.console.device, ConsoleDevice::virtio);
  EXPECT_FALSE(config.rng);
  EXPECT_FALSE(config.balloon);
}

TEST_F(MachineFile, NamesTheNearestKey) {
  EXPECT_EQ(error_of("arch: riscv64\nmemroy: 1GiB\n"), "m.yaml:2:1: unknown key \"memroy\"; did you mean \"memory\"?");
  EXPECT_EQ(error_of("arch: riscv64\nboot: {kernal: Image}\n"),
            "m.yaml:2:8: unknown key \"kernal\" in \"boot\"; did you mean \"kernel\"?");
  EXPECT_EQ(error_of("arch: riscv64\nconsole: {zzz: 1}\n"),
            "m.yaml:2:11: unknown key \"zzz\" in \"console\"; the keys are backend, device");
  EXPECT_EQ(error_of("arch: riscv64\nsomething: 1\n"),
            "m.yaml:2:1: unknown key \"something\"; the keys are name, arch, accel, cpus, cpu, memory, huge_pages, "
            "numa, boot, "
            "disks, networks, console, rng, balloon, jit, base");
}

TEST_F(MachineFile, RefusesAValueOfTheWrongKind) {
  EXPECT_EQ(error_of("arch: riscv64\ncpus: many\n"),
            "m.yaml:2:7: \"cpus\" must be a whole number from 1 to 16, not \"many\"");
  EXPECT_EQ(error_of("arch: riscv64\ncpus: [1]\n"),
            "m.yaml:2:7: \"cpus\" must be a whole number from 1 to 16, not a list");
  EXPECT_EQ(error_of("arch: riscv64\nrng: maybe\n"), "m.yaml:2:6: \"rng\" must be true or false, not \"maybe\"");
  EXPECT_EQ(error_of("arch: riscv64\nboot: Image\n"),
            "m.yaml:2:7: \"boot\" must be a map of keys and values, not \"Image\"");
  EXPECT_EQ(error_of("arch: riscv64\ndisks: disk.img\n"),
            "m.yaml:2:8: \"disks\" must be a list of maps, not \"disk.img\"");
  EXPECT_EQ(error_of("arch: riscv64\ndisks: [disk.img]\n"),
            "m.yaml:2:9: \"disks[0]\" must be a map of keys and values");
  EXPECT_EQ(error_of("arch: riscv64\nnetworks: [{forward: 80}]\n"),
            "m.yaml:2:22: \"networks[0].forward\" must be a list of texts, not \"80\"");
  EXPECT_EQ(error_of("arch: riscv64\nmemory:\n"), "m.yaml:2:1: \"memory\" must be a size like 512MiB, not empty");
  EXPECT_EQ(error_of("- arch\n"), "m.yaml:1:1: a machine file is a map of keys and values, like \"arch: riscv64\"");
}

TEST_F(MachineFile, ChecksLimits) {
  EXPECT_EQ(error_of("arch: riscv64\ncpus: 17\n"),
            "m.yaml:2:7: \"cpus\" must be a whole number from 1 to 16, not \"17\"");
  EXPECT_EQ(error_of("arch: riscv64\nmemory: 8MiB\n"),
            "m.yaml:2:9: \"memory\" must be whole MiB from 16MiB to 1024GiB, not 8MiB");
  EXPECT_EQ(error_of("arch: riscv64\nmemory: 1GB\n"),
            "m.yaml:2:9: \"1GB\" is not a size; write it like 512MiB, 1GiB or 64KiB");
}

TEST_F(MachineFile, SetsTheSizeOfTheJitsCache) {
  EXPECT_EQ(load(kSmall).value().jit.cache, uint64_t{64} << 20);
  EXPECT_EQ(load(std::string(kSmall) + "jit: {cache: 16MiB}\n").value().jit.cache, uint64_t{16} << 20);
  EXPECT_EQ(load(kSmall).value().cpu.model, CpuModel::host);
  EXPECT_EQ(error_of(std::string(kSmall) + "cpu: {model: stable}\n"),
            "m.yaml:3:7: \"cpu.model\" stable is for x86_64 machines; remove it");
  EXPECT_EQ(error_of("arch: riscv64\njit: {cache: 2GiB}\n"),
            "m.yaml:2:14: \"jit.cache\" must be whole MiB from 1MiB to 1GiB, not 2GiB");
  EXPECT_EQ(error_of("arch: riscv64\njit: {size: 2MiB}\n"),
            "m.yaml:2:7: unknown key \"size\" in \"jit\"; the keys are cache");
}

TEST_F(MachineFile, RefusesAnUnknownChoice) {
  EXPECT_EQ(error_of("arch: riscv\n"),
            "m.yaml:1:7: \"arch\" must be one of riscv64, arm64, x86_64, not \"riscv\"; did you mean \"riscv64\"?");
  EXPECT_EQ(error_of("arch: riscv64\nhuge_pages: 3MiB\n"),
            "m.yaml:2:13: \"huge_pages\" must be one of auto, off, 2MiB, 1GiB, not \"3MiB\"; did you mean \"2MiB\"?");
}

TEST_F(MachineFile, RefusesWhatThisVersionLacks) {
  EXPECT_EQ(error_of("arch: riscv64\ngpu: {display: none}\n"),
            "m.yaml:2:1: \"gpu\" is not supported by this version of vireo; remove it");
  EXPECT_EQ(error_of("arch: riscv64\nshares: []\n"),
            "m.yaml:2:1: \"shares\" is not supported by this version of vireo; remove it");
  EXPECT_EQ(error_of("arch: riscv64\ndebug: {gdb: \"1234\"}\n"),
            "m.yaml:2:1: \"debug\" is not supported by this version of vireo; remove it");
}

TEST_F(MachineFile, SaysWhatIsMissing) {
  EXPECT_EQ(error_of("cpus: 1\n"), "m.yaml:1:1: \"arch\" is missing; it must be one of riscv64, arm64, x86_64");
  EXPECT_EQ(error_of("arch: riscv64\ndisks: [{format: raw}]\n"),
            "m.yaml:2:9: \"disks[0].path\" is missing; it must be a path");
  EXPECT_EQ(error_of("arch: riscv64\n"),
            "m.yaml:1:1: nothing to boot; give \"boot.kernel\", a Linux kernel like cache:riscv64/vmlinuz");
}

TEST_F(MachineFile, RefusesKeysThatContradict) {
  const std::string small = kSmall;
  EXPECT_EQ(error_of("arch: riscv64\nboot: {kernel: Image, bare: Image}\n"),
            "m.yaml:2:23: \"boot.bare\" runs without a kernel, a firmware and an initrd; remove those or this");
  EXPECT_EQ(error_of("arch: riscv64\nboot: {firmware: Image, initrd: Image}\n"),
            "m.yaml:2:25: \"boot.initrd\" needs \"boot.kernel\"");
  EXPECT_EQ(error_of(small + "networks: [{backend: tap}]\n"),
            "m.yaml:3:12: a tap network needs \"interface\", the host's interface");
  EXPECT_EQ(error_of(small + "networks: [{backend: tap, interface: t, isolated: true}]\n"),
            "m.yaml:3:12: \"isolated\" is for the user backend; a tap network has its own rules");
  EXPECT_EQ(error_of(small + "networks: [{backend: tap, interface: t, mtu: 1500}]\n"),
            "m.yaml:3:12: \"mtu\" is for the user backend; a tap network has its interface's");
  EXPECT_EQ(error_of(small + "networks: [{isolated: true, forward: [\"1:1/udp\"]}]\n"),
            "m.yaml:3:39: the guest of an isolated network cannot answer over UDP; forward tcp");
  EXPECT_EQ(error_of(small + "networks: [{interface: tap0}]\n"), "m.yaml:3:12: \"interface\" is for the tap backend");
  EXPECT_EQ(error_of(small + "networks: [{backend: tap, interface: t, forward: [\"1:1\"]}]\n"),
            "m.yaml:3:12: \"forward\" is for the user backend; a tap network has its own routes");
  EXPECT_EQ(error_of(small + "numa: {policy: bind}\n"),
            "m.yaml:3:1: \"numa.policy\" needs \"numa.nodes\", a list like [0]");
  EXPECT_EQ(error_of(small + "disks: [{path: disk.img, serial: 123456789012345678901}]\n"),
            "m.yaml:3:34: the serial \"123456789012345678901\" is longer than 20 bytes");
  EXPECT_EQ(error_of(small + "huge_pages: 1GiB\n"),
            "m.yaml:3:1: 512MiB of memory are not a multiple of 1GiB pages; change \"memory\" or this");
  EXPECT_EQ(error_of(small + "memory: 33MiB\nhuge_pages: 2MiB\n"),
            "m.yaml:4:1: 33MiB of memory are not a multiple of 2MiB pages; change \"memory\" or this");
  EXPECT_EQ(error_of("arch: arm64\naccel: jit\nboot: {kernel: Image}\n"),
            "m.yaml:2:1: arm64 guests run on KVM only; leave \"accel\" to auto, or say kvm");
}

TEST_F(MachineFile, PointsAtTheBadElementOfAList) {
  EXPECT_EQ(error_of("arch: riscv64\nnetworks:\n  - forward:\n    - 80:80\n    - web\n"),
            "m.yaml:5:7: \"web\" is not a port forward; write it like 127.0.0.1:8080:80/tcp or 8080:80");
}

TEST_F(MachineFile, RefusesBadYaml) {
  EXPECT_EQ(error_of("arch: riscv64\nboot: {kernel: Image\n"),
            "m.yaml:3:1: bad YAML: a map that begins with { does not end with }");
  EXPECT_EQ(error_of("arch: riscv64\nboot:\n\tkernel: Image\n"),
            "m.yaml:3:8: bad YAML: the line is indented with a tab; use spaces");
  EXPECT_EQ(error_of("arch: riscv64\narch: riscv64\n"), "m.yaml:2:1: \"arch\" is given twice; the first is in line 1");
  EXPECT_EQ(error_of("? [a]\n: b\n"), "m.yaml:1:3: a key must be a word");
  EXPECT_EQ(error_of(""), "m.yaml:1:1: the machine file is empty");
  EXPECT_EQ(error_of("arch: riscv64\n---\narch: riscv64\n"),
            "m.yaml:2:1: a machine file has one document; this is a second one");
}

TEST_F(MachineFile, RefusesAStrayComma) {
  EXPECT_EQ(error_of(","), "m.yaml:1:1: a machine file has one document; this is a second one");
}

TEST_F(MachineFile, BoundsNestingAndAliases) {
  EXPECT_EQ(error_of("a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n"),
            "m.yaml:1:20: nested too deeply; at most 16 levels");
  std::string bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (char c = 'b'; c < 'i'; ++c) {
    const char before = static_cast<char>(c - 1);
    bomb += fmt::format("{0}: &{0} [*{1}, *{1}, *{1}, *{1}, *{1}, *{1}, *{1}, *{1}]\n", c, before);
  }
  EXPECT_EQ(error_of(bomb), "m.yaml:1:11: too large; at most 10000 values");
}

TEST_F(MachineFile, SaysWhichFileIsMissing) {
  EXPECT_EQ(error_of("arch: riscv64\nboot: {kernel: vmlinux}\n"), "m.yaml:2:16: vmlinux: no such file");
  EXPECT_EQ(error_of("arch: riscv64\nboot: {kernel: /}\n"),
            "m.yaml:2:16: \"boot.kernel\" must be a file, and / is a folder");
  EXPECT_EQ(load_machine_file("absent.yaml").error().message, "absent.yaml: cannot be read: No such file or directory");
  EXPECT_EQ(load_machine_file("/").error().message, "/: is a folder, not a machine file");
}

TEST_F(MachineFile, ResolvesPathsAgainstTheMachineFile) {
  write("sub/m.yaml", "arch: riscv64\nboot: {kernel: ../Image}\nconsole: {backend: file:log}\n");
  const MachineConfig config = load_machine_file("sub/m.yaml").value();
  EXPECT_EQ(config.boot.kernel, "sub/../Image");
  EXPECT_EQ(config.console.end.path, "sub/log");
}

TEST_F(MachineFile, FindsImagesInTheCache) {
  write("vireo/images/riscv64/vmlinuz", "");
  EXPECT_EQ(load("arch: riscv64\nboot: {kernel: cache:riscv64/vmlinuz}\n").value().boot.kernel,
            (folder_ / "vireo/images/riscv64/vmlinuz").string());
  EXPECT_EQ(error_of("arch: riscv64\nboot: {kernel: cache:riscv64/other}\n"),
            fmt::format("m.yaml:2:16: cache:riscv64/other is not in the image cache ({}); run \"vireo image build "
                        "riscv64\"",
                        (folder_ / "vireo/images/riscv64/other").string()));
  EXPECT_EQ(error_of("arch: riscv64\nboot: {kernel: cache:../x}\n"),
            "m.yaml:2:16: \"cache:../x\" must name a file in the image cache, like cache:riscv64/vmlinuz");
}

TEST_F(MachineFile, OverridesItsBase) {
  write("base/common.yaml", "arch: riscv64\ncpus: 2\nmemory: 1GiB\nboot: {kernel: ../Image, cmdline: quiet}\n");
  const MachineConfig config = load("base: base/common.yaml\ncpus: 4\nboot: {cmdline: debug}\n").value();
  EXPECT_EQ(config.cpus, 4u);
  EXPECT_EQ(config.memory, uint64_t{1} << 30);
  EXPECT_EQ(config.boot.kernel, "base/../Image");
  EXPECT_EQ(config.boot.cmdline, "debug");
}

TEST_F(MachineFile, ReportsErrorsOfABaseInTheBase) {
  write("common.yaml", "arch: riscv64\ncpus: none\n");
  EXPECT_EQ(error_of("base: common.yaml\n"),
            "common.yaml:2:7: \"cpus\" must be a whole number from 1 to 16, not \"none\"");
}

TEST_F(MachineFile, RefusesABaseThatCannotBe) {
  EXPECT_EQ(error_of("base: m.yaml\n"), "m.yaml:1:7: m.yaml is its own base");
  write("a.yaml", "base: m.yaml\n");
  EXPECT_EQ(error_of("base: a.yaml\n"), "a.yaml:1:7: m.yaml is its own base");
  EXPECT_EQ(error_of("base: absent.yaml\n"), "m.yaml:1:7: the base absent.yaml is not a file that exists");
  EXPECT_EQ(error_of("base: [a]\n"), "m.yaml:1:7: \"base\" must be the path of a machine file");
}

TEST_F(MachineFile, YieldsToTheCommandLine) {
  const MachineConfig config = load(kSmall, {{"--cpus", "cpus", "3"}, {"--memory", "memory", "64MiB"}}).value();
  EXPECT_EQ(config.cpus, 3u);
  EXPECT_EQ(config.memory, uint64_t{64} << 20);
  EXPECT_EQ(error_of(kSmall, {{"--cpus", "cpus", "0"}}),
            "--cpus: \"cpus\" must be a whole number from 1 to 16, not \"0\"");
}

TEST_F(MachineFile, IsNotNeededForABareProgram) {
  const std::vector<ConfigOverride> options = {{"--arch", "arch", "riscv64"}, {"--bare", "boot.bare", "Image"}};
  EXPECT_EQ(machine_from_options(options).value().boot.bare, "Image");
  EXPECT_EQ(machine_from_options(std::span(options).subspan(1)).error().message,
            "command line: \"arch\" is missing; it must be one of riscv64, arm64, x86_64");
}

}  // namespace
}  // namespace vmm

#include <condition_variable>
#include <elf.h>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "devices/backend/char_backend.h"
#include "devices/event_loop.h"
#include "tests/unit/vmm/boot/test_files.h"
#include "tests/unit/vmm/machine/bare_programs.h"
#include "vmm/config/parser.h"
#include "vmm/machine/engines.h"
#include "vmm/machine/platform.h"

namespace vmm {
namespace {

/// Keeps what the guest writes, and types to it.
class Console final : public devices::CharBackend {
 public:
  size_t write(std::span<const std::byte> data) noexcept override {
    const std::lock_guard lock(mutex_);
    text_.append(reinterpret_cast<const char*>(data.data()), data.size());
    changed_.notify_all();
    return data.size();
  }
  void input_ready() noexcept override {}
  void attach(devices::CharDevice* device) noexcept override { device_ = device; }
  bool connected() const noexcept override { return true; }

  void type(char key) { device_->receive(std::as_bytes(std::span(&key, 1))); }
  /// Whether the guest has written so many characters within 20 s.
  bool has(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return text_.size() >= count; });
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  devices::CharDevice* device_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

struct Control : hv::MachineControl {
  void power_off(int) noexcept override {}
  void reboot() noexcept override {}
};

/// A machine and the thread of its first processor.
struct RunningMachine {
  explicit RunningMachine(const MachineConfig& config)
      : platform(std::move(Platform::create(config, {console, loop, control})).value()) {}

  void run() {
    platform->start();
    thread = std::thread([this] { result = platform->vcpu(0).run(); });
  }
  void stop() {
    platform->vcpu(0).request_exit();
    thread.join();
    platform->stop();
  }

  devices::EventLoop loop{"console"};
  Console console;
  Control control;
  std::unique_ptr<Platform> platform;
  std::thread thread;
  hv::Result<hv::Exit> result;
};

/// Each program prints ">", waits for a key, and prints what it had in a register, in memory and in devices before.
void expect_to_go_on(const MachineConfig& config, const std::string& expected) {
  hv::StateWriter writer;
  {
    RunningMachine first(config);
    ASSERT_TRUE(first.platform->power_on());
    first.run();
    EXPECT_TRUE(first.console.has(1));
    first.stop();
    ASSERT_TRUE(first.result) << first.result.error().message;
    EXPECT_EQ(first.result->reason, hv::Exit::Reason::requested) << first.result->detail;
    EXPECT_EQ(first.console.text(), ">");
    first.platform->save(writer);
  }
  RunningMachine second(config);
  hv::StateReader reader(writer.data());
  const auto loaded = second.platform->load(reader);
  ASSERT_TRUE(loaded) << loaded.error().message;
  second.run();
  second.console.type('x');
  EXPECT_TRUE(second.console.has(expected.size()));
  second.stop();
  EXPECT_EQ(second.console.text(), expected);
}

MachineConfig configure(const std::string& arch, const std::string& key, const std::string& path,
                        const std::string& accel) {
  const std::vector<ConfigOverride> options = {
      {"--arch", "arch", arch}, {"", key, path}, {"--memory", "memory", "16MiB"}, {"--accel", "accel", accel}};
  return machine_from_options(options).value();
}

TEST(SavedMachine, Riscv64GoesOnInBothEngines) {
  constexpr std::array<uint32_t, 18> kProgram = {
      0x100002b7,  // lui   t0, 0x10000       the serial port
      0x00400317,  // auipc t1, 0x400
      0x07200413,  // li    s0, 'r'
      0x06d00593,  // li    a1, 'm'
      0x00b30023,  // sb    a1, 0(t1)
      0x07300593,  // li    a1, 's'
      0x00b283a3,  // sb    a1, 7(t0)         its scratch register
      0x03e00593,  // li    a1, '>'
      0x00b28023,  // sb    a1, 0(t0)
      0x0052c583,  // lbu   a1, 5(t0)
      0x0015f593,  // andi  a1, a1, 1
      0xfe058ce3,  // beqz  a1, .-8
      0x00828023,  // sb    s0, 0(t0)
      0x00034583,  // lbu   a1, 0(t1)
      0x00b28023,  // sb    a1, 0(t0)
      0x0072c583,  // lbu   a1, 7(t0)
      0x00b28023,  // sb    a1, 0(t0)
      0x0000006f,  // j     .
  };
  const testing::TemporaryFolder folder;
  const std::string path = folder.write("program.elf", testing::riscv_program(kProgram));
  expect_to_go_on(configure("riscv64", "boot.bare", path, "interp"), "rms");
  if (jit_obstacle().empty()) expect_to_go_on(configure("riscv64", "boot.bare", path, "jit"), "rms");
}

#if defined(__x86_64__)
constexpr uint64_t kBase = 0x20'0000;

/// A PVH kernel of these bytes. Xen, xen/include/public/elfnote.h: XEN_ELFNOTE_PHYS32_ENTRY
testing::ByteVector pvh_program(std::span<const uint8_t> code) {
  constexpr uint32_t kEntryNote = 18;
  testing::ByteVector file(0x200 + code.size());
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  testing::put(file, 0, header);
  testing::put(file, sizeof header, Elf64_Phdr{PT_LOAD, PF_X, 0x200, 0, kBase, code.size(), code.size(), 1});
  testing::put(file, sizeof header + sizeof(Elf64_Phdr), Elf64_Phdr{PT_NOTE, 0, 0x180, 0, 0, 24, 24, 4});
  testing::put(file, 0x180, Elf64_Nhdr{4, 8, kEntryNote});
  testing::put(file, 0x18c, uint32_t{0x006e'6558});  // "Xen"
  testing::put(file, 0x190, kBase);
  std::memcpy(file.data() + 0x200, code.data(), code.size());
  return file;
}

TEST(SavedMachine, X86GoesOnInKvm) {
  if (const std::string obstacle = kvm_obstacle(Arch::x86_64); !obstacle.empty()) GTEST_SKIP() << obstacle;
  constexpr uint8_t kProgram[] = {
      0x66, 0xba, 0xff, 0x03, 0xb0, 's',  0xee,              // mov dx, 0x3ff; mov al, 's'; out dx, al: scratch register
      0xb0, 0x04, 0xe6, 0x70,                                // mov al, 4; out 0x70, al: the clock's index
      0xc6, 0x05, 0x00, 0x50, 0x00, 0x00, 'm',               // mov byte [0x5000], 'm'
      0xb3, 'r',                                             // mov bl, 'r'
      0x66, 0xba, 0xf8, 0x03, 0xb0, '>',  0xee,              // mov dx, 0x3f8; mov al, '>'; out dx, al
      0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb,  // mov dx, 0x3fd; in al, dx; test al, 1; jz to the in
      0x66, 0xba, 0xf8, 0x03, 0x88, 0xd8, 0xee,              // mov dx, 0x3f8; mov al, bl; out dx, al
      0xa0, 0x00, 0x50, 0x00, 0x00, 0xee,                    // mov al, [0x5000]; out dx, al
      0x66, 0xba, 0xff, 0x03, 0xec,                          // mov dx, 0x3ff; in al, dx
      0x66, 0xba, 0xf8, 0x03, 0xee,                          // mov dx, 0x3f8; out dx, al
      0xe4, 0x70, 0x04, 0x30, 0xee,                          // in al, 0x70; add al, '0'; out dx, al
      0xeb, 0xfe,                                            // jmp to itself
  };
  const testing::TemporaryFolder folder;
  const std::string path = folder.write("program.elf", pvh_program(kProgram));
  expect_to_go_on(configure("x86_64", "boot.kernel", path, "kvm"), "rms4");
}
#endif

}  // namespace
}  // namespace vmm

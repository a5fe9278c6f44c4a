#include "vmm/config/schema.h"

#include <array>
#include <type_traits>
#include <utility>

#include "vmm/config/machine_config.h"
#include "vmm/config/values.h"

namespace vmm {
namespace {

using Kind = Field::Kind;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

template <typename>
struct MemberOf;
template <typename Object_, typename Member_>
struct MemberOf<Member_ Object_::*> {
  using Object = Object_;
  using Member = Member_;
};

template <auto Pointer>
auto& member(void* object) {
  return static_cast<typename MemberOf<decltype(Pointer)>::Object*>(object)->*Pointer;
}

template <typename T>
void assign(T& out, const FieldValue& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out = value.boolean;
  } else if constexpr (std::is_same_v<T, std::string>) {
    out = value.text;
  } else if constexpr (std::is_same_v<T, std::vector<unsigned>>) {
    out.push_back(static_cast<unsigned>(value.number));
  } else {
    out = static_cast<T>(value.number);
  }
}

template <auto Pointer>
hv::Result<void> set(void* object, const FieldValue& value) {
  assign(member<Pointer>(object), value);
  return {};
}

template <auto Pointer, auto Convert>
hv::Result<void> set_converted(void* object, const FieldValue& value) {
  member<Pointer>(object) = TRY(Convert(value.text));
  return {};
}

template <auto Pointer, auto Convert>
hv::Result<void> append_converted(void* object, const FieldValue& value) {
  auto& item = member<Pointer>(object).emplace_back(TRY(Convert(value.text)));
  if constexpr (requires { item.location; }) item.location = value.location;
  return {};
}

template <auto Pointer>
void* enter(void* object, const Location& /*location*/) {
  return &member<Pointer>(object);
}

template <auto Pointer>
void* append(void* object, const Location& location) {
  auto& item = member<Pointer>(object).emplace_back();
  if constexpr (requires { item.location; }) item.location = location;
  return &item;
}

constexpr Field scalar(std::string_view key, Kind kind, std::string_view doc, Field::Setter set) {
  return {.key = key, .kind = kind, .doc = doc, .set = set};
}
constexpr Field choice(std::string_view key, std::span<const std::string_view> choices, std::string_view doc,
                       Field::Setter set) {
  return {.key = key, .kind = Kind::choice, .doc = doc, .set = set, .choices = choices};
}
constexpr Field map(std::string_view key, std::span<const Field> fields, std::string_view doc, Field::Child child) {
  return {.key = key, .kind = Kind::map, .doc = doc, .child = child, .fields = fields};
}
constexpr Field map_list(std::string_view key, std::span<const Field> fields, std::string_view doc,
                         Field::Child child) {
  return {.key = key, .kind = Kind::map_list, .doc = doc, .child = child, .fields = fields};
}
/// A key of another version of Vireo.
constexpr Field unsupported(std::string_view key, std::string_view doc) {
  return {.key = key, .kind = Kind::map, .doc = doc, .supported = false};
}

// The order of each array is that of its enum.
constexpr std::array<std::string_view, 3> kArchs = {"riscv64", "arm64", "x86_64"};
constexpr std::array<std::string_view, 5> kAccels = {"auto", "kvm", "jit", "interp", "lockstep"};
constexpr std::array<std::string_view, 4> kHugePages = {"auto", "off", "2MiB", "1GiB"};
constexpr std::array<std::string_view, 4> kNumaPolicies = {"none", "bind", "interleave", "preferred"};
constexpr std::array<std::string_view, 3> kDiskFormats = {"auto", "raw", "qcow2"};
constexpr std::array<std::string_view, 2> kNetworkBackends = {"user", "tap"};
constexpr std::array<std::string_view, 2> kCpuModels = {"host", "stable"};
constexpr std::array<std::string_view, 2> kConsoleDevices = {"uart", "virtio"};

constexpr std::array kNumaFields = {
    choice("policy", kNumaPolicies, "How guest memory is placed on the host's NUMA nodes", set<&hv::NumaPolicy::mode>)
        .must_be_given(),
    scalar("nodes", Kind::integer_list, "The host's NUMA nodes that memory comes from", set<&hv::NumaPolicy::nodes>)
        .with_range(0, 1023)
        .with_example("[0]"),
};

constexpr std::array kBootFields = {
    scalar("firmware", Kind::path,
           "Firmware that runs in M-mode and starts the kernel; without it, the SBI built "
           "into Vireo does",
           set<&BootConfig::firmware>)
        .with_example("/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"),
    scalar("kernel", Kind::path, "A Linux kernel: Image, also compressed with gzip or as EFI zboot, bzImage, or ELF",
           set<&BootConfig::kernel>)
        .with_example("cache:riscv64/vmlinuz"),
    scalar("initrd", Kind::path, "The initial RAM file system", set<&BootConfig::initrd>)
        .with_example("cache:riscv64/initrd"),
    scalar("cmdline", Kind::text, "The kernel's command line", set<&BootConfig::cmdline>)
        .with_example("root=/dev/vda rw console=ttyS0"),
    scalar("bare", Kind::path, "A bare-metal ELF program to start in M-mode instead of a kernel",
           set<&BootConfig::bare>),
};

constexpr std::array kDiskFields = {
    scalar("path", Kind::path, "The image file or block device", set<&DiskConfig::path>)
        .must_be_given()
        .with_example("disk.img"),
    choice("format", kDiskFormats, "The image's format; auto looks at its header", set<&DiskConfig::format>)
        .with_default("auto"),
    scalar("readonly", Kind::boolean, "The guest cannot write", set<&DiskConfig::readonly>).with_default("false"),
    scalar("snapshot", Kind::boolean, "Writes go to a throw-away overlay; the image stays as it is",
           set<&DiskConfig::snapshot>)
        .with_default("false"),
    scalar("serial", Kind::text, "What the guest sees as the disk's serial number, up to 20 bytes",
           set_converted<&DiskConfig::serial, parse_serial>),
    scalar("queues", Kind::integer, "Request queues", set<&DiskConfig::queues>).with_range(1, 16).with_default("1"),
};

constexpr std::array kNetworkFields = {
    choice("backend", kNetworkBackends, "user: a private network that needs no rights; tap: an interface of the host",
           set<&NetworkConfig::backend>)
        .with_default("user"),
    scalar("forward", Kind::text_list,
           "Host ports that lead to the guest, [ADDRESS:]PORT:GUEST_PORT[/tcp|/udp]; the host chooses port 0",
           append_converted<&NetworkConfig::forward, parse_forward>)
        .with_example("[\"127.0.0.1:8080:80/tcp\"]"),
    scalar("interface", Kind::text, "The host's interface of a tap network", set<&NetworkConfig::interface>)
        .with_example("tap0"),
    scalar("mac", Kind::text, "The guest's MAC address; one is made up if it is not given",
           set_converted<&NetworkConfig::mac, parse_mac>)
        .with_example("52:54:00:12:34:56"),
    scalar("mtu", Kind::integer, "The largest packet of a user network, in bytes; large ones are fast",
           set<&NetworkConfig::mtu>)
        .with_range(576, 65520),
    scalar("isolated", Kind::boolean, "The guest of a user network reaches nothing; forwarded TCP ports still reach it",
           set<&NetworkConfig::isolated>)
        .with_default("false"),
};

constexpr std::array kConsoleFields = {
    scalar("backend", Kind::text, "Where the console is: stdio, pty, none, unix:PATH or file:PATH",
           set_converted<&ConsoleConfig::end, parse_console>)
        .with_default("stdio"),
    choice("device", kConsoleDevices, "What the guest has: a serial port (ttyS0) or a virtio console (hvc0)",
           set<&ConsoleConfig::device>)
        .with_default("uart"),
};

constexpr std::array kCpuFields = {
    choice("model", kCpuModels,
           "The features of an x86_64 guest's processors: host, all that this host has; stable, what hosts of the last "
           "ten years share, so that a guest finds the same on another one",
           set<&CpuConfig::model>)
        .with_default("host"),
};

constexpr std::array kJitFields = {
    scalar("cache", Kind::size, "Memory for translated code; when it is full, the oldest makes room",
           set<&JitConfig::cache>)
        .with_range(kMiB, kGiB)
        .with_default("64MiB"),
};

constexpr std::array kMachineFields = {
    scalar("name", Kind::text, "The machine's name; the file's name if it is not given", set<&MachineConfig::name>)
        .with_example("debian-riscv64"),
    choice("arch", kArchs, "The guest's architecture", set<&MachineConfig::arch>).must_be_given(),
    choice("accel", kAccels, "What runs the guest's instructions; auto takes the fastest that this host offers",
           set<&MachineConfig::accel>)
        .with_default("auto"),
    scalar("cpus", Kind::integer, "Virtual processors", set<&MachineConfig::cpus>).with_range(1, 16).with_default("1"),
    map("cpu", kCpuFields, "What the virtual processors are", enter<&MachineConfig::cpu>),
    scalar("memory", Kind::size, "RAM, in KiB, MiB or GiB; whole MiB", set<&MachineConfig::memory>)
        .with_range(16 * kMiB, 1024 * kGiB)
        .with_default("512MiB"),
    choice("huge_pages", kHugePages, "The host pages behind guest RAM", set<&MachineConfig::huge_pages>)
        .with_default("auto"),
    map("numa", kNumaFields, "Where guest RAM lies on a host with several NUMA nodes", enter<&MachineConfig::numa>),
    map("boot", kBootFields, "What the machine starts with", enter<&MachineConfig::boot>),
    map_list("disks", kDiskFields, "Disks, in the order of the guest's vda, vdb, ...", append<&MachineConfig::disks>),
    map_list("networks", kNetworkFields, "Network cards, in the order of the guest's",
             append<&MachineConfig::networks>),
    map("console", kConsoleFields, "The guest's console", enter<&MachineConfig::console>),
    scalar("rng", Kind::boolean, "A source of random numbers", set<&MachineConfig::rng>).with_default("true"),
    scalar("balloon", Kind::boolean, "A balloon, through which the guest gives memory back",
           set<&MachineConfig::balloon>)
        .with_default("true"),
    map("jit", kJitFields, "The JIT compiler", enter<&MachineConfig::jit>),
    unsupported("shares", "Folders shared with the guest"),
    unsupported("gpu", "A graphics card"),
    unsupported("debug", "Debugging of the guest"),
};

}  // namespace

std::span<const Field> machine_fields() { return kMachineFields; }

}  // namespace vmm

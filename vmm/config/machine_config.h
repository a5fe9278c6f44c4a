#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hv/core/guest_memory.h"
#include "vmm/config/location.h"

namespace vmm {

enum class Arch { riscv64, arm64, x86_64 };
/// As machine files have it.
constexpr std::string_view arch_name(Arch arch) {
  constexpr std::string_view kNames[] = {"riscv64", "arm64", "x86_64"};
  return kNames[static_cast<size_t>(arch)];
}
enum class Accel { automatic, kvm, jit, interp, lockstep };

/// What the machine starts with. Paths are absolute or relative to the working directory; empty stands for none.
struct BootConfig {
  std::string firmware;  ///< runs in M-mode and starts the kernel; without it the built-in SBI does
  std::string kernel;
  std::string initrd;
  std::string cmdline;
  std::string bare;  ///< an ELF program that has the machine to itself, from M-mode on
};

enum class DiskFormat { automatic, raw, qcow2 };

struct DiskConfig {
  std::string path;
  DiskFormat format = DiskFormat::automatic;
  bool readonly = false;
  bool snapshot = false;  ///< writes go to a throw-away overlay
  std::string serial;
  unsigned queues = 1;
};

enum class Protocol { tcp, udp };

/// A host port whose connections go to a port of the guest.
struct PortForward {
  Protocol protocol = Protocol::tcp;
  std::string host_address = "127.0.0.1";
  uint16_t host_port = 0;  ///< 0: the host chooses one
  uint16_t guest_port = 0;
  Location location = {};
  friend bool operator==(const PortForward& a, const PortForward& b) {
    return a.protocol == b.protocol && a.host_address == b.host_address && a.host_port == b.host_port &&
           a.guest_port == b.guest_port;
  }
};

enum class NetworkBackend { user, tap };

struct NetworkConfig {
  NetworkBackend backend = NetworkBackend::user;
  std::vector<PortForward> forward;
  std::string interface;  ///< of a tap backend
  std::string mac;        ///< six octets in hexadecimal; empty: one is chosen
  unsigned mtu = 0;       ///< bytes; 0: the backend's own
  bool isolated = false;  ///< the guest of a user network reaches nothing; forwarded TCP ports still reach it
  Location location = {};
};

enum class ConsoleBackend { stdio, pty, unix_socket, file, none };
enum class ConsoleDevice { uart, virtio };

struct ConsoleEnd {
  ConsoleBackend backend = ConsoleBackend::stdio;
  std::string path;  ///< of a socket or a file
};

struct ConsoleConfig {
  ConsoleEnd end;
  ConsoleDevice device = ConsoleDevice::uart;
};

enum class CpuModel { host, stable };

struct CpuConfig {
  CpuModel model = CpuModel::host;
};

struct JitConfig {
  uint64_t cache = 0;  ///< bytes of host code

  // Of the command line alone.
  bool counts = false;      ///< translated code counts its look-ups
  bool perf_map = false;    ///< names of translations go to /tmp/perf-PID.map
  std::string dump_folder;  ///< of jit-PID.dump; empty for none
  std::string trace_file;   ///< gets each translation as text; "-" for standard error, empty for none
};

/// A machine file after checking. Every member's default comes from the schema (schema.cc).
struct MachineConfig {
  std::string name;
  Arch arch = Arch::riscv64;
  Accel accel = Accel::automatic;
  unsigned cpus = 0;
  CpuConfig cpu;
  uint64_t memory = 0;  ///< bytes
  hv::HugePages huge_pages = hv::HugePages::automatic;
  hv::NumaPolicy numa;
  BootConfig boot;
  std::vector<DiskConfig> disks;
  std::vector<NetworkConfig> networks;
  ConsoleConfig console;
  bool rng = false;
  bool balloon = false;
  JitConfig jit;
};

}  // namespace vmm

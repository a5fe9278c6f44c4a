#include "emu/jit/jit_dump.h"

#include <ctime>
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/mman.h>

#include "emu/jit/block.h"
#include "emu/jit/perf_map.h"
#include "hv/base/log.h"

namespace emu::jit {
namespace {

struct Header {
  uint32_t magic = 0x4A695444;  // "JiTD"
  uint32_t version = 1;
  uint32_t size = sizeof(Header);
  uint32_t machine = EM_X86_64;
  uint32_t padding = 0;
  uint32_t process = 0;
  uint64_t time = 0;
  uint64_t flags = 0;
};
static_assert(sizeof(Header) == 40);

/// JIT_CODE_LOAD; the name with its end and the code follow.
struct CodeLoad {
  uint32_t id = 0;
  uint32_t size = 0;
  uint64_t time = 0;
  uint32_t process = 0;
  uint32_t thread = 0;
  uint64_t address = 0;
  uint64_t code_address = 0;
  uint64_t code_size = 0;
  uint64_t index = 0;
};
static_assert(sizeof(CodeLoad) == 56);

/// The clock of `perf record -k 1`, ns.
uint64_t now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

template <class T>
std::string bytes_of(const T& record) {
  return {reinterpret_cast<const char*>(&record), sizeof record};
}

}  // namespace

hv::Result<std::unique_ptr<JitDump>> JitDump::create(const std::string& folder) {
  const std::string path = fmt::format("{}/jit-{}.dump", folder, ::getpid());
  std::unique_ptr<JitDump> dump(new JitDump);
  dump->fd_ = hv::UniqueFd(::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0666));
  if (dump->fd_.get() < 0) return hv::os_error("cannot write to {}", path);
  Header header;
  header.process = static_cast<uint32_t>(::getpid());
  header.time = now();
  dump->write(bytes_of(header));
  // perf finds the file by this mapping, which it records because it is executable.
  dump->marker_size_ = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void* const marker = ::mmap(nullptr, dump->marker_size_, PROT_READ | PROT_EXEC, MAP_PRIVATE, dump->fd_.get(), 0);
  if (marker == MAP_FAILED) return hv::os_error("cannot map {}", path);
  dump->marker_ = marker;
  return dump;
}

JitDump::~JitDump() {
  if (marker_ != nullptr) ::munmap(marker_, marker_size_);
}

void JitDump::write(const std::string& bytes) noexcept {
  if (fd_.get() < 0) return;
  if (::write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) return;
  hv::log::warn("translations are not dumped any more: the file cannot be written to");
  fd_ = {};
}

void JitDump::translated(const ir::Block&, const Block& block) noexcept {
  const std::string name = symbol_of(block);
  CodeLoad load;
  load.size = static_cast<uint32_t>(sizeof load + name.size() + 1 + block.host_bytes);
  load.time = now();
  load.process = static_cast<uint32_t>(::getpid());
  load.thread = static_cast<uint32_t>(::gettid());
  load.address = load.code_address = reinterpret_cast<uintptr_t>(block.entry);
  load.code_size = block.host_bytes;
  load.index = next_index_++;
  std::string record = bytes_of(load) + name;
  record.push_back('\0');
  record.append(reinterpret_cast<const char*>(block.entry), block.host_bytes);
  write(record);
}

}  // namespace emu::jit

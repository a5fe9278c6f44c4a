// A virtio-blk device as its driver sees it: a request is made available, the doorbell rung, and the used ring watched.
// What is measured is the way through queue, device, image format and I/O engine: the image lies in the page cache.

#include <cstring>
#include <filesystem>
#include <random>
#include <sched.h>
#include <stdlib.h>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "devices/backend/disk/open.h"
#include "devices/virtio/block/block_device.h"
#include "tests/support/virtio_guest.h"

namespace {

using devices::virtio::block::RequestHeader;
using devices::virtio::block::RequestType;

constexpr uint64_t kImageSize = 256 << 20;

/// An image that is written in full, made once for each format.
class Image {
 public:
  static const std::string& path(const std::string& format) {
    static Image image;
    static const std::string raw = image.make("raw", {});
    static const std::string qcow2 = image.make("qcow2", raw);
    return format == "raw" ? raw : qcow2;
  }

 private:
  Image() {
    std::string name = (std::filesystem::temp_directory_path() / "vireo-bench-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Image() { std::filesystem::remove_all(folder_); }

  std::string make(const std::string& format, const std::string& source) const {
    std::string path = folder_ / ("disk." + format);
    const std::string command = source.empty() ? "head -c " + std::to_string(kImageSize) + " /dev/urandom > " + path
                                               : "qemu-img convert -f raw -O " + format + " " + source + " " + path;
    if (std::system(command.c_str()) != 0) std::abort();
    return path;
  }

  std::filesystem::path folder_;
};

struct Case {
  const char* format;
  RequestType type;
  bool sequential;
  uint32_t size;
  unsigned depth;
  devices::IoEngine engine;
};

void run(benchmark::State& state, const Case& c) {
  if (c.engine == devices::IoEngine::io_uring && !devices::io_uring_obstacle().empty()) {
    state.SkipWithError(devices::io_uring_obstacle().c_str());
    return;
  }
  const std::string& path = Image::path(c.format);
  test::VirtioGuest guest([&](devices::EventLoop& loop) {
    auto disk = devices::open_disk({.path = path, .io = c.engine}, loop);
    if (!disk) std::abort();
    return std::make_unique<devices::virtio::BlockDevice>(loop, std::move(*disk),
                                                          devices::virtio::BlockDevice::Options{});
  });
  guest.start(guest.device_features() & ~devices::virtio::kFeaturePackedRing);

  const bool read = c.type == RequestType::in;
  std::vector<test::Request> requests;
  std::vector<unsigned> slot_of(guest.queue(0).config().size);
  const std::vector<std::byte> data(c.size, std::byte{0x5a});
  for (unsigned i = 0; i < c.depth; ++i) {
    const RequestHeader header{static_cast<uint32_t>(c.type), 0, 0};
    test::Request& request = requests.emplace_back(guest.request());
    request.readable(test::bytes_of(header));
    if (read) {
      request.writable(c.size);
    } else {
      request.readable(data);
    }
    request.writable(1);
  }

  std::mt19937_64 random(1);
  const uint64_t blocks = kImageSize / c.size;
  uint64_t next = 0;
  const auto submit = [&](unsigned slot) {
    const uint64_t block = c.sequential ? next++ % blocks : random() % blocks;
    const RequestHeader header{static_cast<uint32_t>(c.type), 0, block * (c.size / devices::kSectorSize)};
    guest.ram.put(requests[slot].elements()[0].address, test::bytes_of(header));
    slot_of[guest.submit(0, requests[slot])] = slot;
  };
  const auto take = [&] {
    while (true) {
      if (const std::optional<test::Used> used = guest.queue(0).take_used()) return slot_of[used->id];
      ::sched_yield();
    }
  };

  for (unsigned slot = 0; slot < c.depth; ++slot) submit(slot);
  for (auto iteration : state) {
    (void)iteration;
    submit(take());
  }
  for (unsigned slot = 0; slot < c.depth; ++slot) take();
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * c.size);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

const bool registered = [] {
  constexpr unsigned kDepths[] = {1, 32};
  struct Engine {
    const char* name;
    devices::IoEngine engine;
  };
  for (const char* const format : {"raw", "qcow2"}) {
    for (const Engine& engine :
         {Engine{"io_uring", devices::IoEngine::io_uring}, {"threads", devices::IoEngine::threads}}) {
      for (const bool sequential : {true, false}) {
        for (const RequestType type : {RequestType::in, RequestType::out}) {
          for (const unsigned depth : kDepths) {
            const Case c{format, type, sequential, sequential ? 65536u : 4096u, depth, engine.engine};
            const std::string name = std::string("block/") + format + '/' + engine.name +
                                     (sequential ? "/sequential_64k" : "/random_4k") +
                                     (type == RequestType::in ? "/read" : "/write") + "/depth:" + std::to_string(depth);
            benchmark::RegisterBenchmark(name.c_str(), [c](benchmark::State& state) { run(state, c); })
                ->UseRealTime()
                ->MinTime(0.3);
          }
        }
      }
    }
  }
  return true;
}();

}  // namespace

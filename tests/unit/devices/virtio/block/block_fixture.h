#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "devices/backend/disk/async_lock.h"
#include "devices/backend/disk/block_file.h"
#include "devices/virtio/block/block_device.h"
#include "tests/support/virtio_guest.h"

namespace devices::virtio {

using Bytes = std::vector<std::byte>;
using block::RequestType;
using block::Status;

/// What a disk does, for tests that look at it from outside: kept when the device is made again.
struct DiskState {
  Bytes contents = Bytes(1 << 20);
  Disk::Properties properties{.size = 1 << 20, .id = "a-disk"};
  int failure = 0;    ///< errno that every operation ends with
  bool hold = false;  ///< operations wait until `release`
  WaitQueue held;
  unsigned flushes = 0;
  unsigned discards = 0;
  unsigned unmaps = 0;
  size_t started = 0;
};

/// A disk in memory.
class TestDisk final : public Disk {
 public:
  explicit TestDisk(DiskState& state) : state_(state) { properties_ = state.properties; }

  Task<hv::Result<void>> read(uint64_t offset, std::span<const iovec> to) override {
    CO_TRY(co_await begin());
    copy_to(to, &state_.contents[offset]);
    co_return hv::Result<void>{};
  }
  Task<hv::Result<void>> write(uint64_t offset, std::span<const iovec> from) override {
    CO_TRY(co_await begin());
    for (const iovec& piece : from) {
      std::memcpy(&state_.contents[offset], piece.iov_base, piece.iov_len);
      offset += piece.iov_len;
    }
    co_return hv::Result<void>{};
  }
  Task<hv::Result<void>> flush() override {
    CO_TRY(co_await begin());
    ++state_.flushes;
    co_return hv::Result<void>{};
  }
  Task<hv::Result<void>> discard(uint64_t offset, uint64_t length) override {
    CO_TRY(co_await begin());
    ++state_.discards;
    std::memset(&state_.contents[offset], 0xdd, length);
    co_return hv::Result<void>{};
  }
  Task<hv::Result<void>> write_zeroes(uint64_t offset, uint64_t length, bool unmap) override {
    CO_TRY(co_await begin());
    state_.unmaps += unmap ? 1 : 0;
    std::memset(&state_.contents[offset], 0, length);
    co_return hv::Result<void>{};
  }
  void drain() noexcept override {
    while (!state_.held.empty()) state_.held.wake_all();
  }

 private:
  Task<hv::Result<void>> begin() {
    ++state_.started;
    if (state_.hold) co_await state_.held.wait();
    if (state_.failure != 0) co_return tl::unexpected(hv::Error{"a failure of the host", state_.failure});
    co_return hv::Result<void>{};
  }

  DiskState& state_;
};

struct Reply {
  Status status;
  Bytes data;
};

class BlockTest : public ::testing::Test {
 protected:
  void make_guest(uint64_t features = kEverything) {
    guest_.emplace([this](EventLoop& loop) {
      return std::make_unique<BlockDevice>(loop, std::make_unique<TestDisk>(state_), options_);
    });
    guest_->start(features & guest_->device_features());
  }

  static constexpr uint64_t kEverything = ~uint64_t{0} & ~kFeaturePackedRing;

  static Bytes pattern(size_t size, unsigned seed = 1) {
    Bytes bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 251 + seed);
    return bytes;
  }
  static block::RequestHeader header(RequestType type, uint64_t sector) {
    return {static_cast<uint32_t>(type), 0, sector};
  }

  test::Request request(RequestType type, uint64_t sector, const Bytes& out, uint32_t in) {
    const block::RequestHeader head = header(type, sector);
    test::Request request = guest_->request();
    request.readable(test::bytes_of(head));
    if (!out.empty()) request.readable(out);
    if (in != 0) request.writable(in);
    return request.writable(1);
  }
  Reply send(RequestType type, uint64_t sector = 0, const Bytes& out = {}, uint32_t in = 0) {
    return reply(request(type, sector, out, in));
  }
  /// Submits a request whose last writable byte is the status.
  Reply reply(const test::Request& request, unsigned queue = 0) {
    const test::Used used = guest_->exchange(queue, request);
    Bytes written = request.written(used.written);
    if (written.empty()) return {static_cast<Status>(0xff), {}};
    const auto status = static_cast<Status>(written.back());
    written.pop_back();
    return {status, std::move(written)};
  }
  static Bytes ranges(std::initializer_list<block::RangeSegment> segments) {
    Bytes bytes(segments.size() * sizeof(block::RangeSegment));
    std::memcpy(bytes.data(), segments.begin(), bytes.size());
    return bytes;
  }
  /// Lets the operations that wait go on.
  void release() {
    guest_->loop.run_and_wait([this] {
      state_.hold = false;
      state_.held.wake_all();
    });
  }
  size_t started() {
    size_t started = 0;
    guest_->loop.run_and_wait([&] { started = state_.started; });
    return started;
  }

  DiskState state_;
  BlockDevice::Options options_;
  std::optional<test::VirtioGuest> guest_;
};

}  // namespace devices::virtio

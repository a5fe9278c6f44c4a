#pragma once

#include <algorithm>
#include <functional>
#include <list>
#include <random>
#include <vector>

#include "tests/unit/devices/backend/disk/disk_fixture.h"

namespace devices::testing {

/// Random operations on a disk, several at once, and beside it what the disk must read as: a flat array.
class RandomOperations {
 public:
  RandomOperations(Disk& disk, TestIo& io, Bytes contents, uint32_t seed)
      : disk_(disk), io_(io), model_(std::move(contents)), random_(seed) {}

  const Bytes& model() const { return model_; }

  /// A round of operations that do not overlap, all under way at once.
  void round() {
    std::list<Operation> operations;
    const uint64_t count = random_() % 8 + 1;
    for (uint64_t i = 0; i < count; ++i) {
      Operation operation = make();
      const bool free = std::ranges::none_of(operations, [&](const Operation& other) {
        return operation.offset < other.offset + other.length && other.offset < operation.offset + operation.length;
      });
      if (free) operations.push_back(std::move(operation));
    }
    std::vector<Task<hv::Result<void>>> tasks;
    for (Operation& operation : operations) tasks.push_back(task(operation));
    for (auto& task : tasks) task.start();
    io_.drain();
    auto operation = operations.begin();
    for (auto& task : tasks) {
      ASSERT_TRUE(task.done());
      const hv::Result<void> result = task.take();
      ASSERT_TRUE(result) << result.error().message;
      settle(*operation++);
    }
  }

  void check_all() {
    constexpr size_t kPiece = 1 << 20;
    for (uint64_t offset = 0; offset < model_.size(); offset += kPiece) {
      Bytes data(std::min<uint64_t>(kPiece, model_.size() - offset));
      const iovec whole{data.data(), data.size()};
      const hv::Result<void> result = io_.run(disk_.read(offset, std::span(&whole, 1)));
      ASSERT_TRUE(result) << result.error().message;
      const auto [got, expected] = std::ranges::mismatch(data, std::span(model_).subspan(offset, data.size()));
      ASSERT_EQ(got, data.end()) << "byte " << offset + static_cast<uint64_t>(got - data.begin());
    }
  }

 private:
  enum class Kind { read, write, discard, zero, zero_unmap, flush };
  struct Operation {
    Kind kind;
    uint64_t offset;
    uint64_t length;
    Bytes data;
    std::vector<iovec> iovecs;
  };

  Operation make() {
    static constexpr Kind kKinds[] = {Kind::read,    Kind::read, Kind::write,      Kind::write, Kind::write,
                                      Kind::discard, Kind::zero, Kind::zero_unmap, Kind::flush};
    Operation operation{kKinds[random_() % std::size(kKinds)], 0, 0, {}, {}};
    if (operation.kind == Kind::flush) return operation;
    const uint64_t sectors = model_.size() / kSectorSize;
    const uint64_t longest = random_() % 4 == 0 ? 700 : 24;
    const uint64_t first = random_() % sectors;
    operation.offset = first * kSectorSize;
    operation.length = std::min<uint64_t>(random_() % longest + 1, sectors - first) * kSectorSize;
    operation.data.resize(operation.length);
    if (operation.kind == Kind::write) {
      for (std::byte& byte : operation.data) byte = static_cast<std::byte>(random_());
    }
    return operation;
  }

  Task<hv::Result<void>> task(Operation& operation) {
    // In two uneven pieces, as a guest's buffers come.
    const size_t cut = operation.data.size() / 3;
    operation.iovecs = {{operation.data.data(), cut}, {operation.data.data() + cut, operation.data.size() - cut}};
    switch (operation.kind) {
      case Kind::read:
        return disk_.read(operation.offset, operation.iovecs);
      case Kind::write:
        return disk_.write(operation.offset, operation.iovecs);
      case Kind::discard:
        return disk_.discard(operation.offset, operation.length);
      case Kind::zero:
        return disk_.write_zeroes(operation.offset, operation.length, false);
      case Kind::zero_unmap:
        return disk_.write_zeroes(operation.offset, operation.length, true);
      case Kind::flush:
        break;
    }
    return disk_.flush();
  }

  void settle(const Operation& operation) {
    const auto range = std::span(model_).subspan(operation.offset, operation.length);
    if (operation.kind == Kind::read) {
      ASSERT_TRUE(std::ranges::equal(operation.data, range)) << "read at " << operation.offset;
    } else if (operation.kind == Kind::write) {
      std::ranges::copy(operation.data, range.begin());
    } else if (operation.kind == Kind::zero || operation.kind == Kind::zero_unmap) {
      std::ranges::fill(range, std::byte{0});
    } else if (operation.kind == Kind::discard) {
      learn(operation);
    }
  }
  /// A discarded sector may keep its contents or be zeros, for good.
  void learn(const Operation& operation) {
    Bytes now(operation.length);
    const iovec whole{now.data(), now.size()};
    ASSERT_TRUE(io_.run(disk_.read(operation.offset, std::span(&whole, 1))));
    for (uint64_t at = 0; at < operation.length; at += kSectorSize) {
      const auto sector = std::span(now).subspan(at, kSectorSize);
      const auto before = std::span(model_).subspan(operation.offset + at, kSectorSize);
      const bool zeros = std::ranges::all_of(sector, [](std::byte byte) { return byte == std::byte{0}; });
      ASSERT_TRUE(zeros || std::ranges::equal(sector, before)) << "discard at " << operation.offset + at;
      std::ranges::copy(sector, before.begin());
    }
  }

  Disk& disk_;
  TestIo& io_;
  Bytes model_;
  std::mt19937 random_;
};

}  // namespace devices::testing

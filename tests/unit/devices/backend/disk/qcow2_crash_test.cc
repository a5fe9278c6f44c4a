#include <algorithm>
#include <cstring>

#include "devices/backend/disk/block_file.h"
#include "tests/unit/devices/backend/disk/disk_fixture.h"

namespace devices {
namespace {

using testing::Bytes;

/// What was done to an image file, so that a medium can be made on which only a part of it arrived.
struct Change {
  uint64_t offset = 0;
  Bytes data;         ///< empty for a sync
  bool sync = false;  ///< everything before is on the medium
};

class Qcow2CrashTest : public testing::DiskTest {
 protected:
  static constexpr size_t kSize = 2 << 20;
  static constexpr size_t kBlock = 4096;

  struct Flushed {
    size_t change;  ///< how many changes there were when the flush ended
    Bytes contents;
  };

  void record() {
    io_->intercept = [this](const IoRequest& request) -> std::optional<int64_t> {
      const int64_t result = request.op == IoRequest::Op::sync ? 0 : perform_blocking(request);
      if (result < 0) return result;
      if (request.op == IoRequest::Op::sync) {
        changes_.push_back({0, {}, true});
      } else if (request.op == IoRequest::Op::punch) {
        changes_.push_back({request.offset, Bytes(request.length), false});
      } else if (request.op == IoRequest::Op::write) {
        Change change{request.offset, Bytes(static_cast<size_t>(result)), false};
        std::byte* to = change.data.data();
        for (const iovec& piece : std::span(request.iovecs, request.iovec_count)) {
          std::memcpy(to, piece.iov_base, piece.iov_len);
          to += piece.iov_len;
        }
        changes_.push_back(std::move(change));
      }
      return result;
    };
  }

  static void apply(Bytes& image, const Change& change) {
    if (change.data.empty()) return;
    image.resize(std::max(image.size(), static_cast<size_t>(change.offset) + change.data.size()));
    std::ranges::copy(change.data, image.begin() + static_cast<ptrdiff_t>(change.offset));
  }

  /// The medium after a power failure at `cut`: all that was synced, and of the rest whatever chance wants.
  Bytes medium(const Bytes& start, size_t cut, std::mt19937& random) const {
    size_t synced = cut;
    while (synced > 0 && !changes_[synced - 1].sync) --synced;
    Bytes image = start;
    for (size_t i = 0; i < cut; ++i) {
      if (i < synced || random() % 2 == 0) apply(image, changes_[i]);
    }
    return image;
  }

  std::vector<Change> changes_;
};

// Writes and discards at random, with a flush now and then; then power failures at every tenth change. Each time the
// image has no error, and what a flush had acknowledged and nobody touched since is there.
TEST_F(Qcow2CrashTest, APowerFailureLosesNothingThatWasFlushed) {
  must("qemu-img create -f qcow2 -o cluster_size=4k disk 2M");
  const Bytes start = read_file("disk");
  record();
  std::mt19937 random(5);
  Bytes contents(kSize);
  std::vector<Flushed> flushes;
  std::vector<std::pair<size_t, size_t>> touched;  // block, and the number of changes before it
  {
    const auto disk = open({.path = "disk"});
    for (int i = 0; i < 300; ++i) {
      const size_t block = random() % (kSize / kBlock);
      if (random() % 12 == 0) {
        ASSERT_TRUE(flush(*disk));
        flushes.push_back({changes_.size(), contents});
        continue;
      }
      touched.emplace_back(block, changes_.size());
      const auto at = contents.begin() + static_cast<ptrdiff_t>(block * kBlock);
      if (random() % 4 == 0) {
        ASSERT_TRUE(io_->run(disk->write_zeroes(block * kBlock, kBlock, true)));
        std::fill_n(at, kBlock, std::byte{0});
      } else {
        const Bytes data = pattern(kBlock, static_cast<uint32_t>(i));
        ASSERT_TRUE(write(*disk, block * kBlock, data));
        std::ranges::copy(data, at);
      }
    }
  }
  io_->intercept = nullptr;
  ASSERT_GT(changes_.size(), 300u);

  for (size_t cut = changes_.size() % 10; cut <= changes_.size() && !HasFailure(); cut += 10) {
    make_file("crashed", medium(start, cut, random));
    const int status = shell("qemu-img check crashed");
    ASSERT_TRUE(status == 0 || status == 3) << "after change " << cut << ": " << log();  // 3: leaked clusters
    const auto acknowledged = std::ranges::find_if(flushes.rbegin(), flushes.rend(),
                                                   [&](const Flushed& flush) { return flush.change <= cut; });
    if (acknowledged == flushes.rend()) continue;
    const auto disk = open({.path = "crashed", .read_only = true});
    const Bytes found = *read(*disk, 0, kSize);
    for (size_t block = 0; block < kSize / kBlock; ++block) {
      const bool changed = std::ranges::any_of(
          touched, [&](const auto& touch) { return touch.first == block && touch.second >= acknowledged->change; });
      if (changed) continue;
      ASSERT_EQ(part(found, block * kBlock, kBlock), part(acknowledged->contents, block * kBlock, kBlock))
          << "block " << block << " after change " << cut;
    }
  }
}

// Every operation of the host fails once; the image stays consistent and the disk keeps working.
TEST_F(Qcow2CrashTest, AnyOperationMayFail) {
  must("qemu-img create -f qcow2 -o cluster_size=512,refcount_bits=64 disk 2M");
  const Bytes empty = read_file("disk");
  for (int failing = 0; failing < 60 && !HasFailure(); ++failing) {
    make_file("disk", empty);
    {
      const auto disk = open({.path = "disk"});
      int left = failing;
      io_->intercept = [&left](const IoRequest& request) -> std::optional<int64_t> {
        const bool counts = request.op != IoRequest::Op::sync;
        return counts && left-- == 0 ? std::optional<int64_t>(-ENOSPC) : std::nullopt;
      };
      for (uint32_t i = 0; i < 8; ++i) {
        static_cast<void>(write(*disk, i * 200'192, pattern(20'480, i)));
        static_cast<void>(io_->run(disk->discard(i * 200'192, 4096)));
        static_cast<void>(flush(*disk));
      }
      io_->intercept = nullptr;
      ASSERT_TRUE(write(*disk, 1 << 20, pattern(4096, 77)));
      ASSERT_TRUE(flush(*disk));
      ASSERT_EQ(*read(*disk, 1 << 20, 4096), pattern(4096, 77));
    }
    const int status = shell("qemu-img check disk");
    ASSERT_TRUE(status == 0 || status == 3) << "operation " << failing << ": " << log();
  }
}

}  // namespace
}  // namespace devices

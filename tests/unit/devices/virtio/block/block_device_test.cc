#include "devices/virtio/block/block_device.h"

#include <algorithm>
#include <cerrno>
#include <thread>

#include "tests/unit/devices/virtio/block/block_fixture.h"

namespace devices::virtio {
namespace {

Bytes part(const Bytes& bytes, size_t offset, size_t size) {
  const auto begin = bytes.begin() + static_cast<ptrdiff_t>(offset);
  return {begin, begin + static_cast<ptrdiff_t>(size)};
}

TEST_F(BlockTest, DescribesItsDisk) {
  state_.properties.physical_block = 4096;
  options_.queues = 4;
  make_guest();
  EXPECT_EQ(guest_->read(test::VirtioGuest::kDeviceId), 2u);
  EXPECT_EQ(guest_->config<uint32_t>(0), 2048u);
  EXPECT_EQ(guest_->config<uint32_t>(12), 254u);  // seg_max
  EXPECT_EQ(guest_->config<uint32_t>(20), 512u);  // blk_size
  EXPECT_EQ(guest_->config<uint8_t>(24), 3u);     // physical_block_exp
  EXPECT_EQ(guest_->config<uint8_t>(32), 1u);     // writeback
  EXPECT_EQ(guest_->config<uint16_t>(34), 4u);    // num_queues
}

class EveryRing : public BlockTest, public ::testing::WithParamInterface<uint64_t> {};

TEST_P(EveryRing, WritesAndReads) {
  make_guest(kEverything | GetParam());
  EXPECT_EQ(send(RequestType::out, 3, pattern(4096)).status, Status::ok);
  EXPECT_EQ(part(state_.contents, 3 * 512, 4096), pattern(4096));
  const Reply reply = send(RequestType::in, 3, {}, 4096);
  EXPECT_EQ(reply.status, Status::ok);
  EXPECT_EQ(reply.data, pattern(4096));
}

INSTANTIATE_TEST_SUITE_P(Rings, EveryRing, ::testing::Values(0, kFeaturePackedRing),
                         [](const auto& info) { return info.param == 0 ? "Split" : "Packed"; });

TEST_F(BlockTest, TheDriverDividesBuffersAsItLikes) {
  make_guest();
  const block::RequestHeader head = header(RequestType::out, 1);
  Bytes out(test::bytes_of(head).begin(), test::bytes_of(head).end());
  const Bytes data = pattern(1024);
  out.insert(out.end(), data.begin(), data.end());
  test::Request write = guest_->request();
  write.readable(std::span(out).first(7))
      .readable(std::span(out).subspan(7, 500))
      .readable(std::span(out).subspan(507));
  write.writable(1).indirect();
  EXPECT_EQ(reply(write).status, Status::ok);

  const block::RequestHeader in = header(RequestType::in, 1);
  test::Request read = guest_->request();
  read.readable(test::bytes_of(in)).writable(3).writable(1000).writable(22);  // the last one has the status, too
  const Reply got = reply(read);
  EXPECT_EQ(got.status, Status::ok);
  EXPECT_EQ(got.data, data);
}

TEST_F(BlockTest, TransfersOutsideTheDiskOrOfPartsOfSectorsAreRefused) {
  make_guest();
  EXPECT_EQ(send(RequestType::in, 2047, {}, 512).status, Status::ok);
  EXPECT_EQ(send(RequestType::in, 2047, {}, 1024).status, Status::io_error);
  EXPECT_EQ(send(RequestType::in, 2048, {}, 512).status, Status::io_error);
  EXPECT_EQ(send(RequestType::in, ~uint64_t{0}, {}, 512).status, Status::io_error);
  EXPECT_EQ(send(RequestType::in, uint64_t{1} << 55, {}, 512).status, Status::io_error);
  EXPECT_EQ(send(RequestType::out, 2047, pattern(1024)).status, Status::io_error);
  EXPECT_EQ(send(RequestType::in, 0, {}, 511).status, Status::io_error);
  EXPECT_EQ(send(RequestType::out, 0, pattern(513)).status, Status::io_error);
  EXPECT_EQ(send(RequestType::out, 0).status, Status::ok);  // of nothing
}

TEST_F(BlockTest, AnUnknownRequestIsUnsupported) {
  make_guest();
  EXPECT_EQ(send(static_cast<RequestType>(77)).status, Status::unsupported);
  EXPECT_EQ(send(RequestType::in, 0, {}, 512).status, Status::ok);
}

TEST_F(BlockTest, ARequestWithoutAHeaderFails) {
  make_guest();
  test::Request request = guest_->request();
  request.readable(pattern(15)).writable(1);
  EXPECT_EQ(reply(request).status, Status::io_error);
}

TEST_F(BlockTest, ARequestWithoutRoomForAStatusIsDropped) {
  make_guest();
  test::Request request = guest_->request();
  request.readable(pattern(16));
  EXPECT_EQ(guest_->exchange(0, request).written, 0u);
  EXPECT_EQ(send(RequestType::in, 0, {}, 512).status, Status::ok);
}

TEST_F(BlockTest, FlushReachesTheDisk) {
  make_guest();
  EXPECT_EQ(send(RequestType::flush).status, Status::ok);
  EXPECT_EQ(state_.flushes, 1u);
}

TEST_F(BlockTest, WriteThroughFlushesAfterEachWrite) {
  make_guest();
  guest_->set_config<uint8_t>(32, 0);
  guest_->settle();
  const unsigned before = state_.flushes;
  EXPECT_EQ(before, 1u);  // what was written up to then
  EXPECT_EQ(send(RequestType::out, 0, pattern(512)).status, Status::ok);
  EXPECT_EQ(state_.flushes, before + 1);
  guest_->set_config<uint8_t>(32, 1);
  EXPECT_EQ(send(RequestType::out, 0, pattern(512)).status, Status::ok);
  EXPECT_EQ(state_.flushes, before + 1);
}

TEST_F(BlockTest, ADriverThatCannotFlushGetsWriteThrough) {
  make_guest(kEverything & ~(block::kFeatureFlush | block::kFeatureConfigWce));
  EXPECT_EQ(send(RequestType::out, 0, pattern(512)).status, Status::ok);
  EXPECT_EQ(state_.flushes, 1u);
}

TEST_F(BlockTest, TellsItsId) {
  make_guest();
  const Reply reply = send(RequestType::get_id, 0, {}, 20);
  EXPECT_EQ(reply.status, Status::ok);
  EXPECT_EQ(test::text_of(reply.data), std::string("a-disk") + std::string(14, '\0'));
  EXPECT_EQ(send(RequestType::get_id, 0, {}, 19).status, Status::io_error);
}

TEST_F(BlockTest, DiscardAndWriteZeroesTakeRanges) {
  state_.contents = pattern(1 << 20);
  make_guest();
  EXPECT_EQ(send(RequestType::discard, 0, ranges({{0, 8, 0}, {100, 8, 0}})).status, Status::ok);
  EXPECT_EQ(state_.discards, 2u);
  EXPECT_EQ(part(state_.contents, 100 * 512, 4096), Bytes(4096, std::byte{0xdd}));

  EXPECT_EQ(send(RequestType::write_zeroes, 0, ranges({{200, 8, 0}, {300, 8, 1}})).status, Status::ok);
  EXPECT_EQ(state_.unmaps, 1u);
  EXPECT_EQ(part(state_.contents, 200 * 512, 4096), Bytes(4096));
  EXPECT_EQ(part(state_.contents, 300 * 512, 4096), Bytes(4096));
  EXPECT_EQ(part(state_.contents, 208 * 512, 512), part(pattern(1 << 20), 208 * 512, 512));
}

TEST_F(BlockTest, BadRangesAreRefusedBeforeAnythingIsDone) {
  make_guest();
  EXPECT_EQ(send(RequestType::discard, 0, ranges({{0, 8, 0}, {2047, 2, 0}})).status, Status::io_error);
  EXPECT_EQ(send(RequestType::discard, 0, ranges({{0, 8, 0}, {~uint64_t{0}, 2, 0}})).status, Status::io_error);
  EXPECT_EQ(send(RequestType::discard, 0, ranges({{0, 8, 1}})).status,
            Status::unsupported);  // unmap means nothing here
  EXPECT_EQ(send(RequestType::write_zeroes, 0, ranges({{0, 8, 2}})).status, Status::unsupported);
  EXPECT_EQ(send(RequestType::discard, 0, pattern(17)).status, Status::io_error);
  EXPECT_EQ(send(RequestType::discard, 0, Bytes(33 * 16)).status, Status::io_error);
  EXPECT_EQ(send(RequestType::discard).status, Status::io_error);
  EXPECT_EQ(state_.started, 0u);
}

TEST_F(BlockTest, WhatWasNotNegotiatedIsUnsupported) {
  make_guest(kEverything & ~(block::kFeatureDiscard | block::kFeatureWriteZeroes));
  EXPECT_EQ(send(RequestType::discard, 0, ranges({{0, 8, 0}})).status, Status::unsupported);
  EXPECT_EQ(send(RequestType::write_zeroes, 0, ranges({{0, 8, 0}})).status, Status::unsupported);
}

TEST_F(BlockTest, AReadOnlyDiskIsNotChanged) {
  state_.properties.read_only = true;
  make_guest();
  EXPECT_NE(guest_->device_features() & block::kFeatureReadOnly, 0u);
  EXPECT_EQ(guest_->device_features() & (block::kFeatureDiscard | block::kFeatureWriteZeroes), 0u);
  EXPECT_EQ(send(RequestType::out, 0, pattern(512)).status, Status::io_error);
  EXPECT_EQ(send(RequestType::in, 0, {}, 512).status, Status::ok);
  EXPECT_EQ(state_.contents, Bytes(1 << 20));
}

TEST_F(BlockTest, HostFailuresAreIoErrorsAndTheDeviceGoesOn) {
  make_guest();
  for (const int failure : {EIO, ENOSPC}) {
    state_.failure = failure;
    EXPECT_EQ(send(RequestType::in, 0, {}, 512).status, Status::io_error);
    EXPECT_EQ(send(RequestType::out, 0, pattern(512)).status, Status::io_error);
    EXPECT_EQ(send(RequestType::flush).status, Status::io_error);
    EXPECT_EQ(send(RequestType::discard, 0, ranges({{0, 8, 0}})).status, Status::io_error);
  }
  state_.failure = 0;
  EXPECT_EQ(send(RequestType::out, 0, pattern(512)).status, Status::ok);
}

TEST_F(BlockTest, RequestsRunSideBySideAndEndInAnyOrder) {
  make_guest();
  state_.hold = true;
  const uint16_t slow = guest_->submit(0, request(RequestType::in, 0, {}, 512));
  ASSERT_TRUE(test::eventually([&] { return started() == 1; }));
  guest_->loop.run_and_wait([&] { state_.hold = false; });
  EXPECT_EQ(send(RequestType::in, 1, {}, 512).status, Status::ok);
  release();
  EXPECT_EQ(guest_->wait_used(0), (test::Used{slow, 513}));
}

TEST_F(BlockTest, EveryQueueServesRequests) {
  options_.queues = 4;
  make_guest();
  for (unsigned queue = 0; queue < 4; ++queue) {
    EXPECT_EQ(reply(request(RequestType::out, queue, pattern(512, queue), 0), queue).status, Status::ok);
  }
  for (unsigned queue = 0; queue < 4; ++queue) {
    EXPECT_EQ(part(state_.contents, queue * 512, 512), pattern(512, queue));
  }
}

TEST_F(BlockTest, WhatIsReadIntoGuestMemoryIsMarkedDirty) {
  make_guest();
  const test::Request read = request(RequestType::in, 0, {}, 8192);
  const hv::GuestMemory::Region& region = guest_->ram.memory().regions().front();
  guest_->ram.memory().take_dirty(region);
  EXPECT_EQ(reply(read).status, Status::ok);
  const hv::GuestAddress data = read.elements()[1].address;
  EXPECT_TRUE(guest_->ram.memory().is_dirty(data));
  EXPECT_TRUE(guest_->ram.memory().is_dirty(data + 4096));
}

TEST_F(BlockTest, AResetWaitsForWhatTheHostIsDoing) {
  make_guest();
  state_.hold = true;
  guest_->submit(0, request(RequestType::in, 0, {}, 512));
  ASSERT_TRUE(test::eventually([&] { return started() == 1; }));
  std::thread releaser([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    release();
  });
  guest_->reset();
  EXPECT_EQ(guest_->read(test::VirtioGuest::kStatus), 0u);
  releaser.join();
  EXPECT_EQ(guest_->queue(0).take_used(), std::nullopt);
  guest_->start();
  EXPECT_EQ(send(RequestType::in, 0, {}, 512).status, Status::ok);
}

TEST_F(BlockTest, RequestsInFlightAreSavedAndDoneAgain) {
  make_guest();
  guest_->set_config<uint8_t>(32, 0);
  guest_->settle();
  state_.hold = true;
  const test::Request write = request(RequestType::out, 5, pattern(512), 0);
  const uint16_t first = guest_->submit(0, write);
  const uint16_t second = guest_->submit(0, request(RequestType::in, 9, {}, 512));
  ASSERT_TRUE(test::eventually([&] { return started() == 3; }));  // the flush, the write and the read
  guest_->save_and_restore();
  release();
  std::vector<uint16_t> done = {guest_->wait_used(0).id, guest_->wait_used(0).id};
  std::ranges::sort(done);
  EXPECT_EQ(done, (std::vector<uint16_t>{std::min(first, second), std::max(first, second)}));
  EXPECT_EQ(part(state_.contents, 5 * 512, 512), pattern(512));
  EXPECT_EQ(guest_->config<uint8_t>(32), 0u);
}

TEST_F(BlockTest, AWildDescriptorStopsOnlyThisDevice) {
  make_guest();
  const block::RequestHeader head = header(RequestType::in, 0);
  test::Request wild = guest_->request();
  wild.readable(test::bytes_of(head)).element({{0x10}, 4096, true}).writable(1);
  guest_->submit(0, wild);
  EXPECT_TRUE(test::eventually([&] { return guest_->needs_reset(); }));
  guest_->reset();
  guest_->start();
  EXPECT_EQ(send(RequestType::in, 0, {}, 512).status, Status::ok);
}

}  // namespace
}  // namespace devices::virtio

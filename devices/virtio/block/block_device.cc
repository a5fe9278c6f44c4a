#include "devices/virtio/block/block_device.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "devices/event_loop.h"

namespace devices::virtio {

using block::ConfigOffset;
using block::RangeSegment;
using block::RequestHeader;
using block::RequestType;
using block::Status;

namespace {

// A driver may merge neighbouring pages into one segment up to this size.
constexpr uint32_t kLargestSegment = 1 << 20;
constexpr uint32_t kMostRanges = 32;
constexpr uint32_t kMostRangeSectors = (uint32_t{1} << 30) / kSectorSize;

uint64_t features_of(const Disk& disk, const BlockDevice::Options& options) {
  using namespace block;
  uint64_t features = kFeatureSizeMax | kFeatureSegMax | kFeatureBlockSize | kFeatureFlush | kFeatureTopology;
  if (options.queues > 1) features |= kFeatureMultiQueue;
  if (disk.properties().read_only) return features | kFeatureReadOnly;
  return features | kFeatureConfigWce | kFeatureDiscard | kFeatureWriteZeroes;
}

VirtioDevice::Description describe(const Disk& disk, const BlockDevice::Options& options) {
  return {.name = options.name,
          .device_id = block::kDeviceId,
          .features = features_of(disk, options),
          .queue_sizes = std::vector<uint16_t>(options.queues, options.queue_size),
          .config_size = block::kConfigSize,
          .writable_config = {{static_cast<uint32_t>(ConfigOffset::writeback), 1}}};
}

constexpr uint64_t at(ConfigOffset offset) { return static_cast<uint64_t>(offset); }

}  // namespace

BlockDevice::BlockDevice(EventLoop& loop, std::unique_ptr<Disk> disk, Options options)
    : VirtioDevice(loop, describe(*disk, options)), disk_(std::move(disk)) {
  describe_disk(options);
}

BlockDevice::~BlockDevice() {
  // Chains that are dropped from here on must not be shown to a driver.
  for (unsigned i = 0; i < queue_count(); ++i) {
    if (Virtqueue* const closing = queue(i)) closing->close([] {});
  }
  disk_->drain();
}

void BlockDevice::describe_disk(const Options& options) {
  const Disk::Properties& disk = disk_->properties();
  const uint32_t block = disk.logical_block;
  const uint32_t physical = std::max(disk.physical_block, block);
  set_config(at(ConfigOffset::capacity), disk.size / kSectorSize);
  set_config(at(ConfigOffset::size_max), kLargestSegment);
  // The header and the status take a descriptor each.
  set_config(at(ConfigOffset::seg_max), uint32_t{options.queue_size} - 2);
  set_config(at(ConfigOffset::blk_size), block);
  set_config(at(ConfigOffset::physical_block_exp),
             static_cast<uint8_t>(std::countr_zero(std::bit_floor(physical / block))));
  set_config(at(ConfigOffset::min_io_size), static_cast<uint16_t>(std::min(physical / block, uint32_t{0xffff})));
  set_config(at(ConfigOffset::opt_io_size), uint32_t{0});
  set_config(at(ConfigOffset::writeback), uint8_t{1});
  set_config(at(ConfigOffset::num_queues), options.queues);
  if (disk.read_only) return;
  set_config(at(ConfigOffset::max_discard_sectors), kMostRangeSectors);
  set_config(at(ConfigOffset::max_discard_seg), kMostRanges);
  set_config(at(ConfigOffset::discard_sector_alignment), disk.discard_granularity / kSectorSize);
  set_config(at(ConfigOffset::max_write_zeroes_sectors), kMostRangeSectors);
  set_config(at(ConfigOffset::max_write_zeroes_seg), kMostRanges);
  set_config(at(ConfigOffset::write_zeroes_may_unmap), uint8_t{1});
}

void BlockDevice::on_activate() {
  // A driver that does not know of flushes must not lose what it wrote; one that cannot set the mode and can flush gets
  // writeback. VIRTIO 1.2 §5.2.5.2
  if (!has_feature(block::kFeatureConfigWce)) {
    set_config(at(ConfigOffset::writeback), static_cast<uint8_t>(has_feature(block::kFeatureFlush)));
  }
}

void BlockDevice::on_config_write(uint64_t, std::span<const std::byte>) {
  // From writeback to writethrough: what was written before counts as written through. VIRTIO 1.2 §5.2.6.2
  if (!write_through()) return;
  [](BlockDevice& device) -> Detached { co_await device.flush(); }(*this);
}

bool BlockDevice::write_through() const noexcept { return config<uint8_t>(at(ConfigOffset::writeback)) == 0; }

void BlockDevice::on_kick(unsigned queue_index) {
  // A driver that never stops must leave time for the other devices on this loop.
  for (unsigned left = queue_max_size(queue_index); left != 0; --left) {
    std::optional<DescriptorChain> chain = pop(queue_index);
    if (!chain) return;
    serve(queue_index, std::move(*chain));
  }
  kick(queue_index);
}

void BlockDevice::on_reset() { finished_.clear(); }

Detached BlockDevice::serve(unsigned queue_index, DescriptorChain chain) {
  const uint32_t writable = chain.writable_size();
  if (writable == 0) {
    finish(queue_index, std::move(chain), 0);
    co_return;
  }
  const std::optional<RequestHeader> header = chain.read_object<RequestHeader>(0);
  Status status = Status::io_error;
  if (header) status = co_await perform(*header, chain);
  chain.write_object(writable - 1, status);
  finish(queue_index, std::move(chain), writable);
}

Task<Status> BlockDevice::perform(const RequestHeader& header, DescriptorChain& chain) {
  const auto type = static_cast<RequestType>(header.type);
  switch (type) {
    case RequestType::in:
    case RequestType::out:
      return transfer(header, chain);
    case RequestType::flush:
      return flush();
    case RequestType::get_id:
      return write_id(chain);
    case RequestType::discard:
    case RequestType::write_zeroes:
      return change_ranges(type, chain);
  }
  return []() -> Task<Status> { co_return Status::unsupported; }();
}

Task<Status> BlockDevice::transfer(const RequestHeader& header, DescriptorChain& chain) {
  const bool in = header.type == static_cast<uint32_t>(RequestType::in);
  if (!in && disk_->properties().read_only) co_return Status::io_error;
  const uint64_t sector = header.sector;
  const uint64_t length = in ? chain.writable_size() - 1 : chain.readable_size() - sizeof(RequestHeader);
  const uint64_t sectors = length / kSectorSize;
  const uint64_t capacity = disk_->size() / kSectorSize;
  if (length % kSectorSize != 0 || sector > capacity || sectors > capacity - sector) co_return Status::io_error;
  if (length == 0) co_return Status::ok;

  std::vector<iovec> iovecs;
  const uint64_t skipped = in ? 0 : sizeof(RequestHeader);
  const size_t found = in ? chain.writable_iovecs(0, length, iovecs) : chain.readable_iovecs(skipped, length, iovecs);
  if (found != length) co_return Status::io_error;
  const uint64_t offset = sector * kSectorSize;
  if (in) {
    const hv::Result<void> read = co_await disk_->read(offset, iovecs);
    co_return outcome(read);
  }
  const hv::Result<void> written = co_await disk_->write(offset, iovecs);
  const Status status = outcome(written);
  if (status != Status::ok || !write_through()) co_return status;
  co_return co_await flush();
}

Task<Status> BlockDevice::flush() {
  if (disk_->properties().read_only) co_return Status::ok;
  const hv::Result<void> flushed = co_await disk_->flush();
  co_return outcome(flushed);
}

// VIRTIO 1.2 §5.2.6.2: flags that mean nothing, and ranges outside the disk, are refused before anything is done.
Task<Status> BlockDevice::change_ranges(RequestType type, const DescriptorChain& chain) {
  const bool discard = type == RequestType::discard;
  if (!has_feature(discard ? block::kFeatureDiscard : block::kFeatureWriteZeroes)) co_return Status::unsupported;
  const uint32_t length = chain.readable_size() - static_cast<uint32_t>(sizeof(RequestHeader));
  const uint32_t count = length / static_cast<uint32_t>(sizeof(RangeSegment));
  if (count == 0 || count > kMostRanges || length % sizeof(RangeSegment) != 0) co_return Status::io_error;

  std::array<RangeSegment, kMostRanges> ranges;
  chain.read(sizeof(RequestHeader), std::as_writable_bytes(std::span(ranges).first(count)));
  const uint64_t capacity = disk_->size() / kSectorSize;
  const uint32_t known_flags = discard ? 0 : block::kRangeUnmap;
  for (const RangeSegment& range : std::span(ranges).first(count)) {
    if ((range.flags & ~known_flags) != 0) co_return Status::unsupported;
    const bool inside = range.sector <= capacity && range.sectors <= capacity - range.sector;
    if (!inside || range.sectors > kMostRangeSectors) co_return Status::io_error;
  }
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t offset = ranges[i].sector * kSectorSize;
    const uint64_t bytes = uint64_t{ranges[i].sectors} * kSectorSize;
    if (bytes == 0) continue;
    const bool unmap = (ranges[i].flags & block::kRangeUnmap) != 0;
    Task<hv::Result<void>> change = discard ? disk_->discard(offset, bytes) : disk_->write_zeroes(offset, bytes, unmap);
    const hv::Result<void> changed = co_await change;
    if (const Status status = outcome(changed); status != Status::ok) co_return status;
  }
  if (!write_through()) co_return Status::ok;
  co_return co_await flush();
}

// The name, filled up with zeros; a full one has none at its end.
Task<Status> BlockDevice::write_id(DescriptorChain& chain) {
  std::array<std::byte, block::kIdSize> id{};
  const std::string& name = disk_->properties().id;
  std::memcpy(id.data(), name.data(), std::min(name.size(), id.size()));
  if (chain.writable_size() < id.size() + 1) co_return Status::io_error;
  chain.write(0, id);
  co_return Status::ok;
}

Status BlockDevice::outcome(const hv::Result<void>& result) {
  if (result) return Status::ok;
  disk_error_.report("{}: {}", name(), result.error().message);
  return Status::io_error;
}

void BlockDevice::finish(unsigned queue_index, DescriptorChain chain, uint32_t written) {
  finished_.push_back({queue_index, std::move(chain), written});
  if (finished_.size() > 1) return;
  loop().post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) complete_finished();
  });
}

/// All that ended in one turn of the loop is shown to the driver at once, with one interrupt for each queue.
void BlockDevice::complete_finished() {
  std::vector<Finished> finished = std::exchange(finished_, {});
  std::ranges::stable_sort(finished, {}, &Finished::queue);
  for (size_t i = 0; i < finished.size();) {
    const unsigned index = finished[i].queue;
    std::optional<Virtqueue::Batch> batch;
    if (Virtqueue* const used = queue(index)) batch.emplace(*used);
    for (; i < finished.size() && finished[i].queue == index; ++i) finished[i].chain.complete(finished[i].written);
  }
}

}  // namespace devices::virtio

#include <algorithm>

#include "devices/backend/disk/qcow2_disk.h"
#include "hv/base/bits.h"
#include "hv/base/log.h"

namespace devices {
namespace {

constexpr uint64_t kL2CacheBytes = 4 << 20;
constexpr uint64_t kUnpackedCacheBytes = 512 << 10;
constexpr size_t kProbeBytes = 512;
// A rebuild keeps a number for each cluster in memory; what is larger is left to qemu-img.
constexpr uint64_t kMostClustersToRebuild = uint64_t{1} << 26;

}  // namespace

hv::Result<qcow2::Header> Qcow2Disk::read_header(const BlockFile& file) {
  const uint64_t size = TRY(file.size());
  std::vector<std::byte> start(std::min<uint64_t>(size, kProbeBytes));
  TRY(file.io().run(file.read(0, std::span(start))));
  start.resize(std::min(size, qcow2::header_bytes(start)));
  TRY(file.io().run(file.read(0, std::span(start))));
  return qcow2::parse_header(start, size, file.path());
}

hv::Result<std::unique_ptr<Qcow2Disk>> Qcow2Disk::create(BlockFile file, const qcow2::Header& header, bool read_only,
                                                         std::unique_ptr<Disk> backing, std::string id) {
  if (!read_only && (header.incompatible_features & qcow2::kIncompatibleCorrupt) != 0) {
    return hv::error("{}: this image is marked as damaged; `qemu-img check -r all` repairs it, or open it read-only",
                     file.path());
  }
  const uint64_t size = TRY(file.size());
  std::unique_ptr<Qcow2Disk> disk(new Qcow2Disk(std::move(file), header, size, std::move(backing)));
  disk->properties_ = {.size = header.size,
                       .read_only = true,  // until all is loaded, so that nothing is written back after an error
                       .logical_block = kSectorSize,
                       .physical_block = disk->file_.kind().physical_block,
                       .discard_granularity = static_cast<uint32_t>(header.cluster_size()),
                       .id = std::move(id)};
  TRY(disk->file_.io().run(disk->load(read_only)));
  disk->properties_.read_only = read_only;
  return disk;
}

Qcow2Disk::Qcow2Disk(BlockFile file, const qcow2::Header& header, uint64_t file_size, std::unique_ptr<Disk> backing)
    : file_(std::move(file)),
      header_(header),
      backing_(std::move(backing)),
      l1_(header.l1_size),
      l2_(header.cluster_size(), kL2CacheBytes,
          [this](uint64_t offset, std::span<std::byte> out) { return file_.read(offset, out); }),
      unpacked_(header.cluster_size(), kUnpackedCacheBytes,
                [this](uint64_t entry, std::span<std::byte> out) { return load_unpacked(entry, out); }),
      refcounts_(file_, header, file_size) {}

Qcow2Disk::~Qcow2Disk() {
  drain();
  if (properties_.read_only) return;
  const hv::Result<void> result = file_.io().run(flush());
  if (!result) hv::log::error("{}", result.error().message);
}

Task<hv::Result<void>> Qcow2Disk::load(bool read_only) {
  CO_TRY(co_await file_.read(header_.l1_table, std::as_writable_bytes(std::span(l1_))));
  for (uint64_t& entry : l1_) entry = hv::byte_swap(entry);
  CO_TRY(co_await refcounts_.load());
  if (read_only) co_return hv::Result<void>{};

  if ((header_.incompatible_features & qcow2::kIncompatibleDirty) != 0) CO_TRY(co_await rebuild_refcounts());
  // Features that a writer who does not know them must switch off (bitmaps of changed sectors).
  const uint64_t incompatible = header_.incompatible_features & ~qcow2::kIncompatibleDirty;
  CO_TRY(co_await write_features(incompatible, 0));
  co_return hv::Result<void>{};
}

Task<hv::Result<void>> Qcow2Disk::write_features(uint64_t incompatible, uint64_t autoclear) {
  using qcow2::HeaderOffset;
  if (incompatible == header_.incompatible_features && autoclear == header_.autoclear_features) {
    co_return hv::Result<void>{};
  }
  std::byte field[8];
  hv::store_be(field, autoclear);
  CO_TRY(co_await file_.write(static_cast<uint64_t>(HeaderOffset::autoclear_features), std::span(field)));
  hv::store_be(field, incompatible);
  CO_TRY(co_await file_.write(static_cast<uint64_t>(HeaderOffset::incompatible_features), std::span(field)));
  CO_TRY(co_await file_.sync());
  header_.incompatible_features = incompatible;
  header_.autoclear_features = autoclear;
  co_return hv::Result<void>{};
}

/// The dirty bit: the image was written with lazy refcounts and not closed. All references are counted afresh.
Task<hv::Result<void>> Qcow2Disk::rebuild_refcounts() {
  const uint64_t clusters = refcounts_.end_offset() >> header_.cluster_bits;
  if (header_.snapshots != 0 || header_.has_bitmaps || clusters > kMostClustersToRebuild) {
    co_return hv::error("{}: this image was not closed properly; `qemu-img check -r all` puts that right",
                        file_.path());
  }
  hv::log::info("{}: was not closed properly; counting its references", file_.path());
  std::vector<uint32_t> counts(clusters);
  CO_TRY(co_await count_references(counts));

  // Used ones first: what holds new refcounts must not take a cluster that is not counted yet.
  refcounts_.search_from(clusters);
  for (const bool used : {true, false}) {
    for (uint64_t cluster = 0; cluster < clusters; ++cluster) {
      if ((counts[cluster] != 0) != used) continue;
      CO_LET(now, co_await refcounts_.get(cluster));
      if (now != counts[cluster]) CO_TRY(co_await refcounts_.set(cluster, counts[cluster]));
      if (refcounts_.should_write_back()) CO_TRY(co_await refcounts_.write_back());
    }
  }
  refcounts_.search_from(0);
  CO_TRY(co_await refcounts_.write_back());
  co_return co_await file_.sync();
}

void Qcow2Disk::count(std::vector<uint32_t>& counts, uint64_t offset, uint64_t bytes) const noexcept {
  if (bytes == 0) return;
  const uint64_t last = (offset + bytes - 1) >> header_.cluster_bits;
  for (uint64_t cluster = offset >> header_.cluster_bits; cluster <= last; ++cluster) {
    // A compressed cluster's size is an upper bound that may reach past the end of the file.
    if (cluster < counts.size()) ++counts[cluster];
  }
}

Task<hv::Result<void>> Qcow2Disk::count_references(std::vector<uint32_t>& counts) {
  count(counts, 0, 1);
  count(counts, header_.l1_table, l1_.size() * 8);
  count(counts, refcounts_.table_offset(), refcounts_.table_bytes());
  for (const uint64_t block : refcounts_.table()) {
    if (block == 0) continue;
    if (!hv::is_aligned(block, cluster_size()) || block >= refcounts_.end_offset()) {
      co_return damaged("a refcount block", block);
    }
    count(counts, block, 1);
  }
  for (uint64_t i = 0; i < l1_.size(); ++i) {
    CO_LET(table, co_await l2_table(i));
    if (!table) continue;
    count(counts, l1_[i] & qcow2::kOffsetMask, 1);
    for (uint64_t j = 0; j < header_.l2_entries(); ++j) {
      const uint64_t entry = table->entry(j);
      CO_TRY(check_entry(entry));
      if ((entry & qcow2::kCompressed) != 0) {
        const auto [offset, size] = qcow2::compressed_extent(entry, header_.cluster_bits);
        count(counts, offset, size);
      } else if ((entry & qcow2::kOffsetMask) != 0) {
        const uint64_t cluster = (entry & qcow2::kOffsetMask) >> header_.cluster_bits;
        count(counts, entry & qcow2::kOffsetMask, 1);
        if (counts[cluster] != 1) co_return damaged("a cluster in use twice", entry & qcow2::kOffsetMask);
      }
    }
  }
  co_return hv::Result<void>{};
}

}  // namespace devices

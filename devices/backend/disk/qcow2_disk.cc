#include "devices/backend/disk/qcow2_disk.h"

#include <algorithm>
#include <cerrno>

#include "hv/base/bits.h"

namespace devices {

using qcow2::kCompressed;
using qcow2::kOffsetMask;
using qcow2::kZero;

tl::unexpected<hv::Error> Qcow2Disk::damaged(const char* what, uint64_t offset) const {
  return tl::unexpected(
      hv::Error{fmt::format("{}: damaged qcow2 image: {} at byte {:#x}", file_.path(), what, offset), EIO});
}

hv::Result<uint64_t> Qcow2Disk::l2_offset(uint64_t l1_index) const {
  const uint64_t offset = l1_[l1_index] & kOffsetMask;
  const bool valid = hv::is_aligned(offset, cluster_size()) && offset < refcounts_.end_offset();
  if (!valid || (offset != 0 && refcounts_.is_metadata(offset))) return damaged("an L2 table", offset);
  return offset;
}

Task<hv::Result<Qcow2Disk::TablePointer>> Qcow2Disk::l2_table(uint64_t l1_index) {
  CO_LET(offset, l2_offset(l1_index));
  if (offset == 0) co_return TablePointer();
  if (TablePointer table = l2_.find(offset)) co_return table;
  co_return co_await l2_.get(offset);
}

Qcow2Disk::Kind Qcow2Disk::kind_of(uint64_t entry) const noexcept {
  if ((entry & kCompressed) != 0) return Kind::compressed;
  if ((entry & kZero) != 0) return Kind::zero;
  return (entry & kOffsetMask) != 0 ? Kind::data : Kind::absent;
}

hv::Result<void> Qcow2Disk::check_entry(uint64_t entry) const {
  if ((entry & kCompressed) != 0) {
    const auto [offset, size] = qcow2::compressed_extent(entry, header_.cluster_bits);
    if (offset != 0 && offset < refcounts_.end_offset()) return {};
    return damaged("a compressed cluster", offset);
  }
  const uint64_t offset = entry & kOffsetMask;
  if (!hv::is_aligned(offset, cluster_size()) || offset >= refcounts_.end_offset()) return damaged("a cluster", offset);
  if ((entry & kZero) != 0 && header_.version < 3) return damaged("a zero cluster of version 3", offset);
  return {};
}

hv::Result<Qcow2Disk::Mapping> Qcow2Disk::map(const TablePointer& table, uint64_t offset, uint64_t length) const {
  const uint64_t to_end_of_table = table_coverage() - offset % table_coverage();
  length = std::min(length, to_end_of_table);
  if (!table) return Mapping{Kind::absent, 0, 0, length};

  const uint64_t within = offset & (cluster_size() - 1);
  const uint64_t first = l2_index(offset);
  const uint64_t entry = table->entry(first);
  TRY(check_entry(entry));
  const Kind kind = kind_of(entry);
  uint64_t mapped = cluster_size() - within;
  for (uint64_t i = 1; mapped < length && kind != Kind::compressed; ++i) {
    const uint64_t next = table->entry(first + i);
    const bool same = kind == Kind::data ? next == entry + (i << header_.cluster_bits) : kind_of(next) == kind;
    if (!same) break;
    TRY(check_entry(next));
    mapped += cluster_size();
  }
  const uint64_t host = kind == Kind::data ? (entry & kOffsetMask) + within : 0;
  return Mapping{kind, entry, host, std::min(mapped, length)};
}

Task<hv::Result<void>> Qcow2Disk::read(uint64_t offset, std::span<const iovec> to) {
  const Running running(*this);
  const uint64_t length = total_size(to);
  for (uint64_t done = 0; done < length;) {
    const uint64_t at = offset + done;
    CO_LET(table, co_await l2_table(l1_index(at)));
    CO_LET(mapping, map(table, at, length - done));
    if (mapping.length == length) co_return co_await read_mapping(mapping, at, to);
    const std::vector<iovec> part = slice(to, done, mapping.length);
    CO_TRY(co_await read_mapping(mapping, at, part));
    done += mapping.length;
  }
  co_return hv::Result<void>{};
}

Task<hv::Result<void>> Qcow2Disk::read_mapping(const Mapping& mapping, uint64_t offset, std::span<const iovec> to) {
  switch (mapping.kind) {
    case Kind::data:
      return file_.read(mapping.host, to);
    case Kind::compressed:
      return read_compressed(mapping.entry, offset, to);
    case Kind::absent:
      return read_backing(offset, to);
    case Kind::zero:
      break;
  }
  fill_zero(to);
  return []() -> Task<hv::Result<void>> { co_return hv::Result<void>{}; }();
}

Task<hv::Result<void>> Qcow2Disk::read_backing(uint64_t offset, std::span<const iovec> to) {
  const uint64_t length = total_size(to);
  const uint64_t backing_size = backing_ ? backing_->size() : 0;
  const uint64_t backed = offset < backing_size ? std::min(length, backing_size - offset) : 0;
  if (backed == length) co_return co_await backing_->read(offset, to);
  fill_zero(slice(to, backed, length - backed));
  if (backed == 0) co_return hv::Result<void>{};
  const std::vector<iovec> part = slice(to, 0, backed);
  co_return co_await backing_->read(offset, part);
}

Task<hv::Result<void>> Qcow2Disk::read_compressed(uint64_t entry, uint64_t offset, std::span<const iovec> to) {
  CO_LET(cluster, co_await unpacked_.get(entry));
  copy_to(to, cluster->bytes.data() + (offset & (cluster_size() - 1)));
  co_return hv::Result<void>{};
}

Task<hv::Result<void>> Qcow2Disk::load_unpacked(uint64_t entry, std::span<std::byte> out) {
  const auto [offset, size] = qcow2::compressed_extent(entry, header_.cluster_bits);
  std::vector<std::byte> packed(size);
  CO_TRY(co_await file_.read(offset, packed));

  struct Job {
    qcow2::Compression compression;
    std::span<const std::byte> in;
    std::span<std::byte> out;
    hv::Result<void> result;
  } job{header_.compression, packed, out, {}};
  IoRequest request;
  request.op = IoRequest::Op::call;
  request.argument = &job;
  request.function = [](void* argument) noexcept -> int64_t {
    auto& job = *static_cast<Job*>(argument);
    job.result = qcow2::decompress(job.compression, job.in, job.out);
    return 0;
  };
  co_await request.run(file_.io());
  if (!job.result) co_return damaged(job.result.error().message.c_str(), offset);
  co_return hv::Result<void>{};
}

void Qcow2Disk::drain() noexcept {
  do {
    file_.io().drain();
    if (backing_) backing_->drain();
  } while (file_.io().in_flight() != 0);
}

}  // namespace devices

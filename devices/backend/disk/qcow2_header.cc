#include <bit>

#include "devices/backend/disk/disk.h"
#include "devices/backend/disk/qcow2_format.h"
#include "hv/base/bits.h"
#include "hv/base/endian.h"

namespace devices::qcow2 {
namespace {

constexpr unsigned kMinClusterBits = 9;
constexpr unsigned kMaxClusterBits = 21;
constexpr uint64_t kMaxDiskSize = uint64_t{1} << 61;
constexpr uint32_t kMaxSnapshots = 65536;
constexpr uint32_t kMaxBackingName = 1023;
constexpr unsigned kMaxRefcountOrder = 6;
constexpr size_t kCompressionTypeOffset = 104;

enum class Extension : uint32_t {
  end = 0,
  backing_format = 0xe2792aca,
  feature_names = 0x6803f857,
  bitmaps = 0x23852875,
};

class Parser {
 public:
  Parser(std::span<const std::byte> start, uint64_t file_size, const std::string& path)
      : start_(start), file_size_(file_size), path_(path) {}

  hv::Result<Header> parse() {
    if (start_.size() < kHeaderSizeV2 || !has_magic(start_)) return hv::error("{}: not a qcow2 image", path_);
    TRY(geometry());
    TRY(features());
    TRY(tables());
    TRY(extensions());
    TRY(compatible());
    TRY(backing());
    return header_;
  }

 private:
  template <typename T>
  T field(size_t offset) const {
    return hv::load_be<T>(&start_[offset]);
  }
  template <typename... Args>
  tl::unexpected<hv::Error> damaged(fmt::format_string<Args...> format, Args&&... args) const {
    return hv::error("{}: damaged qcow2 image: {}", path_, fmt::format(format, std::forward<Args>(args)...));
  }

  hv::Result<void> geometry() {
    header_.version = field<uint32_t>(4);
    if (header_.version != 2 && header_.version != 3) {
      return hv::error("{}: qcow2 version {}; versions 2 and 3 can be read", path_, header_.version);
    }
    const auto cluster_bits = field<uint32_t>(20);
    if (cluster_bits < kMinClusterBits || cluster_bits > kMaxClusterBits) {
      return damaged("clusters of 2^{} bytes", cluster_bits);
    }
    header_.cluster_bits = cluster_bits;
    const auto size = field<uint64_t>(24);
    if (size > kMaxDiskSize) return damaged("a disk of {} bytes", size);
    header_.size = hv::align_up(size, uint64_t{kSectorSize});
    if (field<uint32_t>(32) != 0) return hv::error("{}: encrypted qcow2 images are not supported", path_);
    return {};
  }

  hv::Result<void> features() {
    header_length_ = kHeaderSizeV2;
    if (header_.version < 3) return {};
    if (start_.size() < kHeaderSizeV3) return damaged("its header is cut off");
    header_.incompatible_features = field<uint64_t>(72);
    header_.autoclear_features = field<uint64_t>(88);
    const auto refcount_order = field<uint32_t>(96);
    if (refcount_order > kMaxRefcountOrder) return damaged("refcounts of 2^{} bits", refcount_order);
    header_.refcount_bits = 1u << refcount_order;
    header_length_ = field<uint32_t>(100);
    if (header_length_ < kHeaderSizeV3 || header_length_ > start_.size() || header_length_ > header_.cluster_size()) {
      return damaged("a header of {} bytes", header_length_);
    }
    if (header_length_ > kCompressionTypeOffset) {
      const auto type = std::to_integer<uint8_t>(start_[kCompressionTypeOffset]);
      if (type > 1) return hv::error("{}: compression type {} is not supported", path_, type);
      header_.compression = static_cast<Compression>(type);
    }
    const bool flagged = (header_.incompatible_features & kIncompatibleCompression) != 0;
    if (flagged != (header_.compression != Compression::zlib)) {
      return damaged("its header contradicts itself about the compression");
    }
    return {};
  }

  hv::Result<void> table(const char* what, uint64_t offset, uint64_t bytes, uint64_t most) const {
    if (bytes > most) return damaged("its {} has {} bytes, {} is the limit", what, bytes, most);
    const uint64_t cluster = header_.cluster_size();
    const uint64_t end_of_file = hv::align_up(file_size_, cluster);
    if (!hv::is_aligned(offset, cluster) || offset == 0) return damaged("its {} is at byte {:#x}", what, offset);
    if (offset > end_of_file || bytes > end_of_file - offset)
      return damaged("its {} is past the end of the file", what);
    return {};
  }

  hv::Result<void> tables() {
    header_.l1_size = field<uint32_t>(36);
    header_.l1_table = field<uint64_t>(40);
    const uint64_t per_l1_entry = header_.l2_entries() << header_.cluster_bits;
    const uint64_t needed = header_.size / per_l1_entry + (header_.size % per_l1_entry != 0 ? 1 : 0);
    if (header_.l1_size < needed) return damaged("its L1 table covers less than the disk");
    if (header_.l1_size != 0) {
      TRY(table("L1 table", header_.l1_table, uint64_t{header_.l1_size} * 8, kMaxL1Bytes));
    }
    header_.refcount_table = field<uint64_t>(48);
    header_.refcount_table_clusters = field<uint32_t>(56);
    if (header_.refcount_table_clusters == 0) return damaged("it has no refcount table");
    TRY(table("refcount table", header_.refcount_table,
              uint64_t{header_.refcount_table_clusters} << header_.cluster_bits, kMaxRefcountTableBytes));
    header_.snapshots = field<uint32_t>(60);
    if (header_.snapshots > kMaxSnapshots) return damaged("{} snapshots", header_.snapshots);
    if (header_.snapshots != 0) {
      TRY(table("snapshot table", field<uint64_t>(64), header_.snapshots * uint64_t{40}, uint64_t{64} << 20));
    }
    return {};
  }

  hv::Result<void> extensions() {
    const size_t end = std::min<size_t>(start_.size(), header_.cluster_size());
    for (size_t at = header_length_; end - at >= 8;) {
      const auto type = static_cast<Extension>(field<uint32_t>(at));
      const uint64_t length = field<uint32_t>(at + 4);
      if (type == Extension::end) return {};
      at += 8;
      const uint64_t padded = hv::align_up(length, uint64_t{8});
      if (length > end - at) return damaged("a header extension runs out of its cluster");
      const std::span<const std::byte> data = start_.subspan(at, static_cast<size_t>(length));
      if (type == Extension::backing_format) {
        header_.backing_format.assign(reinterpret_cast<const char*>(data.data()), data.size());
      } else if (type == Extension::feature_names) {
        feature_names_ = data;
      } else if (type == Extension::bitmaps) {
        header_.has_bitmaps = true;
      }
      at += std::min<uint64_t>(padded, end - at);
    }
    return {};
  }

  /// What the image calls an incompatible feature bit. Entries of 48 bytes: kind, bit, name.
  std::string feature_name(unsigned bit) const {
    for (size_t at = 0; feature_names_.size() - at >= 48; at += 48) {
      if (feature_names_[at] != std::byte{0} || std::to_integer<unsigned>(feature_names_[at + 1]) != bit) continue;
      const char* const name = reinterpret_cast<const char*>(&feature_names_[at + 2]);
      std::string text(name, ::strnlen(name, 46));
      std::erase_if(text, [](char c) { return c < ' ' || c > '~'; });
      return fmt::format("'{}'", text);
    }
    return fmt::format("number {}", bit);
  }

  hv::Result<void> compatible() const {
    const uint64_t features = header_.incompatible_features;
    if ((features & kIncompatibleDataFile) != 0) {
      return hv::error("{}: its data is in another file (data_file), which is not supported", path_);
    }
    if ((features & kIncompatibleExtendedL2) != 0) {
      return hv::error("{}: extended L2 entries are not supported; qemu-img convert makes an image without them",
                       path_);
    }
    const uint64_t unknown = features & ~(kIncompatibleDirty | kIncompatibleCorrupt | kIncompatibleCompression);
    if (unknown == 0) return {};
    return hv::error("{}: needs a qcow2 feature that is not supported: {}", path_,
                     feature_name(static_cast<unsigned>(std::countr_zero(unknown))));
  }

  hv::Result<void> backing() {
    const auto offset = field<uint64_t>(8);
    const auto length = field<uint32_t>(16);
    if (offset == 0 || length == 0) return {};
    if (length > kMaxBackingName || offset > start_.size() || length > start_.size() - offset) {
      return damaged("the name of its backing file is outside its first cluster");
    }
    header_.backing_file.assign(reinterpret_cast<const char*>(&start_[static_cast<size_t>(offset)]), length);
    if (header_.backing_file.find('\0') != std::string::npos) return damaged("the name of its backing file");
    return {};
  }

  std::span<const std::byte> start_;
  uint64_t file_size_;
  const std::string& path_;
  size_t header_length_ = 0;
  std::span<const std::byte> feature_names_;
  Header header_;
};

}  // namespace

bool has_magic(std::span<const std::byte> start) noexcept {
  return start.size() >= 4 && hv::load_be<uint32_t>(start.data()) == kMagic;
}

uint64_t header_bytes(std::span<const std::byte> start) noexcept {
  if (start.size() < kHeaderSizeV2) return start.size();
  const auto cluster_bits = hv::load_be<uint32_t>(&start[20]);
  return cluster_bits < kMinClusterBits || cluster_bits > kMaxClusterBits ? start.size() : uint64_t{1} << cluster_bits;
}

hv::Result<Header> parse_header(std::span<const std::byte> start, uint64_t file_size, const std::string& path) {
  return Parser(start, file_size, path).parse();
}

CompressedExtent compressed_extent(uint64_t entry, unsigned cluster_bits) noexcept {
  const unsigned offset_bits = 62 - (cluster_bits - 8);
  const uint64_t offset = hv::bits(entry, 0, offset_bits);
  const uint64_t sectors = hv::bits(entry, offset_bits, 62 - offset_bits) + 1;
  return {offset, sectors * kSectorSize - offset % kSectorSize};
}

}  // namespace devices::qcow2

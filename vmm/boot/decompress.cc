#include "vmm/boot/decompress.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <zlib.h>
#include <zstd.h>

#include "hv/base/endian.h"

namespace vmm {
namespace {

using Bytes = std::span<const std::byte>;

constexpr size_t kStep = 4u << 20;  ///< the output grows by this much at least

/// Makes room for more output. False: the limit is reached.
bool grow(std::vector<std::byte>& out, size_t limit) {
  if (out.size() >= limit) return false;
  out.resize(std::min(limit, std::max(out.size() * 2, kStep)));
  return true;
}

tl::unexpected<hv::Error> too_long(size_t limit) {
  return hv::error("it is more than {} MiB long when decompressed", limit >> 20);
}

}  // namespace

bool is_gzip(Bytes data) { return data.size() >= 18 && data[0] == std::byte{0x1f} && data[1] == std::byte{0x8b}; }

bool is_zstd(Bytes data) { return data.size() >= 8 && hv::load_le<uint32_t>(data.data()) == ZSTD_MAGICNUMBER; }

hv::Result<std::vector<std::byte>> gunzip(Bytes data, size_t limit) {
  z_stream stream{};
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (::inflateInit2(&stream, kGzipOnly) != Z_OK) return hv::error("cannot decompress: out of memory");
  const std::unique_ptr<z_stream, decltype(&::inflateEnd)> end(&stream, &::inflateEnd);
  if (data.size() > std::numeric_limits<uInt>::max()) return hv::error("bad gzip data: too large");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  std::vector<std::byte> out;
  size_t used = 0;
  while (true) {
    if (used == out.size() && !grow(out, limit)) return too_long(limit);
    const uInt room = static_cast<uInt>(std::min<size_t>(out.size() - used, std::numeric_limits<uInt>::max()));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = room;
    const int status = ::inflate(&stream, Z_NO_FLUSH);
    used += room - stream.avail_out;
    if (status == Z_STREAM_END) break;
    const bool full = stream.avail_out == 0 && (status == Z_OK || status == Z_BUF_ERROR);
    if (!full) return hv::error("bad gzip data: {}", stream.msg != nullptr ? stream.msg : "it is cut off");
  }
  out.resize(used);
  return out;
}

hv::Result<std::vector<std::byte>> unzstd(Bytes data, size_t limit) {
  const std::unique_ptr<ZSTD_DStream, decltype(&::ZSTD_freeDStream)> stream(::ZSTD_createDStream(),
                                                                            &::ZSTD_freeDStream);
  if (stream == nullptr) return hv::error("cannot decompress: out of memory");
  constexpr int kMaxWindowLog = 27;  // what `zstd --ultra -22` asks for
  ::ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  std::vector<std::byte> out;
  ZSTD_inBuffer in{data.data(), data.size(), 0};
  size_t used = 0;
  while (true) {
    if (used == out.size() && !grow(out, limit)) return too_long(limit);
    ZSTD_outBuffer buffer{out.data() + used, out.size() - used, 0};
    const size_t status = ::ZSTD_decompressStream(stream.get(), &buffer, &in);
    if (::ZSTD_isError(status) != 0) return hv::error("bad zstd data: {}", ::ZSTD_getErrorName(status));
    used += buffer.pos;
    if (status == 0) break;
    if (in.pos == in.size && buffer.pos < buffer.size) return hv::error("bad zstd data: it is cut off");
  }
  out.resize(used);
  return out;
}

}  // namespace vmm

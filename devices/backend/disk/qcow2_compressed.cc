#include <memory>
#include <zlib.h>
#include <zstd.h>

#include "devices/backend/disk/qcow2_format.h"

namespace devices::qcow2 {
namespace {

// Raw deflate with a window of 4 KiB, as QEMU writes it.
constexpr int kWindowBits = -12;

hv::Result<void> inflate_cluster(std::span<const std::byte> in, std::span<std::byte> out) {
  z_stream stream{};
  if (inflateInit2(&stream, kWindowBits) != Z_OK) return hv::error("zlib: out of memory");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  // The input has a tail that is not part of the stream, and a full output need not have seen the stream's end.
  if ((result == Z_STREAM_END || result == Z_BUF_ERROR) && stream.avail_out == 0) return {};
  return hv::error("a compressed cluster is damaged (zlib)");
}

hv::Result<void> unpack_zstd(std::span<const std::byte> in, std::span<std::byte> out) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return hv::error("zstd: out of memory");
  ZSTD_inBuffer input{in.data(), in.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  while (output.pos < output.size) {
    const size_t before = input.pos + output.pos;
    const size_t result = ZSTD_decompressStream(context.get(), &output, &input);
    const bool stuck = input.pos + output.pos == before;
    if (ZSTD_isError(result) != 0 || stuck) return hv::error("a compressed cluster is damaged (zstd)");
  }
  return {};
}

}  // namespace

hv::Result<void> decompress(Compression compression, std::span<const std::byte> in, std::span<std::byte> out) {
  return compression == Compression::zstd ? unpack_zstd(in, out) : inflate_cluster(in, out);
}

}  // namespace devices::qcow2

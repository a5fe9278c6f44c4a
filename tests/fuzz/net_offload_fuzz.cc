// Frames of a guest, with headers that ask for anything, in software.

#include "devices/backend/net/net_backend.h"
#include "devices/backend/net/software_offload.h"
#include "hv/base/check.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test::FuzzInput input(data, size);
  devices::PacketHeader header;
  header.flags = input.take<uint8_t>();
  header.segmentation = input.take<uint8_t>();
  header.segment_size = input.take<uint16_t>();
  header.checksum_start = input.take<uint8_t>();
  header.checksum_offset = input.take<uint8_t>();
  const size_t largest = input.take<uint16_t>();
  const auto bytes = input.take_bytes(size);
  // A long payload need not be in the input.
  std::vector<std::byte> frame(bytes.begin(), bytes.end());
  if ((header.flags & 2) != 0) frame.resize(frame.size() + 20000);
  devices::SoftwareOffload offload;
  const size_t limit = std::max(frame.size(), largest + devices::kEthernetHeaderSize + 2 * devices::kVlanTagSize);
  size_t frames = 0;
  const bool done = offload.finish(header, frame, largest, [&](std::span<const std::byte> out) {
    CHECK(out.size() <= limit);
    ++frames;
  });
  CHECK(done == (frames != 0));
  return 0;
}

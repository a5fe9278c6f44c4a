#include "hv/core/state_io.h"

#include <zlib.h>

#include "hv/base/check.h"
#include "hv/base/endian.h"

namespace hv {
namespace {

constexpr std::string_view kMagic = "VIREOST1";
constexpr size_t kLengthSize = sizeof(uint32_t);
constexpr size_t kFixedHeaderSize = sizeof(uint32_t) + sizeof(uint64_t);  // version and payload length
constexpr size_t kChecksumSize = sizeof(uint32_t);

uint32_t checksum(std::span<const std::byte> data) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

}  // namespace

StateWriter::StateWriter() { append(kMagic.data(), kMagic.size()); }

void StateWriter::bytes(std::span<const std::byte> data) {
  value(uint64_t{data.size()});
  append(data.data(), data.size());
}

void StateWriter::string(std::string_view text) { bytes(std::as_bytes(std::span(text))); }

size_t StateWriter::begin_section(std::string_view name, uint32_t version) {
  CHECK(!name.empty());
  const size_t start = data_.size();
  value(static_cast<uint32_t>(name.size()));
  append(name.data(), name.size());
  value(version);
  value(uint64_t{0});  // the payload's length, once it is known
  return start;
}

void StateWriter::end_section(size_t start) {
  const size_t payload = start + kLengthSize + load_le<uint32_t>(&data_[start]) + kFixedHeaderSize;
  store_le(&data_[payload - sizeof(uint64_t)], uint64_t{data_.size() - payload});
  value(checksum(std::span(data_).subspan(start)));
}

void StateWriter::append(const void* data, size_t size) {
  const size_t end = data_.size();
  data_.resize(end + size);
  if (size != 0) std::memcpy(data_.data() + end, data, size);
}

StateReader::StateReader(std::span<const std::byte> data) : data_(data), end_(data.size()) {
  char magic[kMagic.size()] = {};
  take(magic, sizeof magic);
  if (ok() && std::string_view(magic, sizeof magic) != kMagic) fail("not a saved machine state");
}

std::vector<std::byte> StateReader::bytes(uint64_t longest) {
  const auto length = value<uint64_t>();
  if (length > longest) fail(fmt::format("{} bytes where at most {} are allowed", length, longest));
  if (length > end_ - position_) fail("the state is truncated");
  if (!ok()) return {};
  std::vector<std::byte> out(static_cast<size_t>(length));
  take(out.data(), out.size());
  return out;
}

std::string StateReader::string(uint64_t longest) {
  const std::vector<std::byte> text = bytes(longest);
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

void StateReader::fail(std::string message) {
  if (ok()) error_ = Error{section_.empty() ? std::move(message) : fmt::format("{}: {}", section_, message)};
}

Result<void> StateReader::status() const {
  if (error_) return tl::unexpected(*error_);
  return {};
}

StateReader::Section StateReader::begin_section(std::string_view name, uint32_t newest) {
  Section outer{end_, version_, section_};
  const size_t start = position_;
  const std::string found = section_name();
  const auto version = value<uint32_t>();
  const auto length = value<uint64_t>();
  if (!ok()) return outer;
  const size_t left = end_ - position_;
  if (found != name) {
    fail(fmt::format("section '{}' where '{}' was expected", found, name));
  } else if (left < kChecksumSize || length > left - kChecksumSize) {
    fail(fmt::format("section '{}' is truncated", name));
  } else if (version > newest) {
    fail(fmt::format("section '{}' has version {}; this program knows up to {}", name, version, newest));
  } else {
    end_ = position_ + static_cast<size_t>(length);
    if (checksum(data_.subspan(start, end_ - start)) != load_le<uint32_t>(&data_[end_])) {
      fail(fmt::format("section '{}' is damaged (checksum)", name));
    }
    version_ = version;
    section_ = section_.empty() ? found : section_ + '/' + found;
  }
  return outer;
}

void StateReader::end_section(Section outer) {
  if (ok() && position_ != end_) fail(fmt::format("{} bytes are left over", end_ - position_));
  if (!ok()) return;
  position_ = end_ + kChecksumSize;
  end_ = outer.end;
  version_ = outer.version;
  section_ = std::move(outer.name);
}

std::string StateReader::section_name() {
  const auto length = value<uint32_t>();
  if (length > end_ - position_) fail("the state is truncated");
  std::string name(ok() ? length : 0, '\0');
  take(name.data(), name.size());
  return name;
}

void StateReader::take(void* out, size_t size) {
  if (size > end_ - position_) fail("the state is truncated");
  if (!ok() || size == 0) return;
  std::memcpy(out, &data_[position_], size);
  position_ += size;
}

}  // namespace hv

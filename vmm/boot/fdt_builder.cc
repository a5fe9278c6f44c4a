#include "vmm/boot/fdt_builder.h"

#include <array>

extern "C" {
#include <libfdt.h>
}

#include "hv/base/endian.h"

namespace vmm {
namespace {

constexpr size_t kFirstSize = 16u << 10;
constexpr size_t kLargestSize = 2u << 20;  // Linux's own limit, MAX_FDT_SIZE

}  // namespace

FdtBuilder::FdtBuilder() : blob_(kFirstSize) {
  error_ = ::fdt_create(blob_.data(), static_cast<int>(blob_.size()));
  append([&] { return ::fdt_finish_reservemap(blob_.data()); });
}

/// Repeats an operation with a larger buffer for as long as it finds no space.
template <typename Operation>
void FdtBuilder::append(Operation&& operation) {
  if (error_ != 0) return;
  error_ = operation();
  while (error_ == -FDT_ERR_NOSPACE && blob_.size() < kLargestSize) {
    std::vector<std::byte> larger(blob_.size() * 2);
    error_ = ::fdt_resize(blob_.data(), larger.data(), static_cast<int>(larger.size()));
    if (error_ != 0) return;
    blob_ = std::move(larger);
    error_ = operation();
  }
}

void FdtBuilder::begin_node(const std::string& name) {
  append([&] { return ::fdt_begin_node(blob_.data(), name.c_str()); });
}

void FdtBuilder::end_node() {
  append([&] { return ::fdt_end_node(blob_.data()); });
}

void FdtBuilder::bytes(const char* name, std::span<const std::byte> value) {
  append([&] { return ::fdt_property(blob_.data(), name, value.data(), static_cast<int>(value.size())); });
}

void FdtBuilder::empty(const char* name) { bytes(name, {}); }

void FdtBuilder::cells(const char* name, std::initializer_list<uint32_t> values) {
  cells(name, std::span(values.begin(), values.size()));
}

void FdtBuilder::cells(const char* name, std::span<const uint32_t> values) {
  std::vector<std::byte> data(values.size() * sizeof(uint32_t));
  for (size_t i = 0; i < values.size(); ++i) hv::store_be(data.data() + i * sizeof(uint32_t), values[i]);
  bytes(name, data);
}

void FdtBuilder::quad(const char* name, uint64_t value) {
  cells(name, {static_cast<uint32_t>(value >> 32), static_cast<uint32_t>(value)});
}

void FdtBuilder::reg(uint64_t address, uint64_t size) {
  cells("reg", {static_cast<uint32_t>(address >> 32), static_cast<uint32_t>(address), static_cast<uint32_t>(size >> 32),
                static_cast<uint32_t>(size)});
}

void FdtBuilder::string(const char* name, std::string_view value) { strings(name, {value}); }

void FdtBuilder::strings(const char* name, std::initializer_list<std::string_view> values) {
  std::string joined;
  for (const std::string_view value : values) joined.append(value).push_back('\0');
  bytes(name, std::as_bytes(std::span(joined)));
}

hv::Result<std::vector<std::byte>> FdtBuilder::finish() {
  append([&] { return ::fdt_finish(blob_.data()); });
  if (error_ != 0) return hv::error("cannot make the device tree: {}", ::fdt_strerror(error_));
  blob_.resize(fdt_totalsize(blob_.data()));
  return std::move(blob_);
}

}  // namespace vmm

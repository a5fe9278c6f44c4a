#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hv/base/result.h"

namespace vmm {

/// Writes a flattened device tree (Devicetree Specification 0.4 §5), properties of a node before its children. The
/// first error stays; `finish` reports it.
class FdtBuilder {
 public:
  FdtBuilder();

  /// Runs `body` inside a node; the root's name is empty.
  template <typename Body>
  void node(const std::string& name, Body&& body) {
    begin_node(name);
    body();
    end_node();
  }

  void empty(const char* name);
  void cell(const char* name, uint32_t value) { cells(name, {value}); }
  void cells(const char* name, std::initializer_list<uint32_t> values);
  void cells(const char* name, std::span<const uint32_t> values);
  void quad(const char* name, uint64_t value);
  void reg(uint64_t address, uint64_t size);  ///< "reg" with two cells each
  void string(const char* name, std::string_view value);
  void strings(const char* name, std::initializer_list<std::string_view> values);
  void bytes(const char* name, std::span<const std::byte> value);

  /// The tree, packed. Error: a name that cannot be, a nesting that does not end. Called once.
  hv::Result<std::vector<std::byte>> finish();

 private:
  template <typename Operation>
  void append(Operation&& operation);
  void begin_node(const std::string& name);
  void end_node();

  std::vector<std::byte> blob_;
  int error_ = 0;  ///< libfdt's, negative
};

}  // namespace vmm

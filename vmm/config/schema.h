#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "hv/base/result.h"
#include "vmm/config/location.h"

namespace vmm {

/// A value as the parser hands it to its field's setter, which appends it where the field is a list. The field's kind
/// says which member counts.
struct FieldValue {
  bool boolean = false;
  uint64_t number = 0;  ///< also the index of a choice
  std::string text;
  Location location;
};

/// One key of a machine file. Everything known of it stands here: the parser, its defaults, the JSON Schema and
/// the help are made from it.
struct Field {
  enum class Kind {
    boolean,
    integer,
    size,  ///< bytes: "512MiB"
    text,
    path,  ///< of a file that must exist; relative to the machine file, or "cache:..."
    choice,
    text_list,
    integer_list,
    map,
    map_list,
  };
  using Setter = hv::Result<void> (*)(void* object, const FieldValue& value);
  using Child = void* (*)(void* object, const Location& location);

  std::string_view key;
  Kind kind;
  std::string_view doc;
  Setter set = nullptr;                ///< of a kind without a table
  Child child = nullptr;               ///< the member of a map; a new last element of a map_list
  std::span<const Field> fields = {};  ///< of a map or map_list
  std::span<const std::string_view> choices = {};
  std::string_view example = {};        ///< for the schema
  std::string_view default_value = {};  ///< as a person would write it; empty: the member's own initial value
  uint64_t minimum = 0;                 ///< of an integer or size
  uint64_t maximum = ~uint64_t{0};
  bool required = false;
  bool supported = true;  ///< false: the key is known, and refused as belonging to another version

  constexpr Field with_default(std::string_view value) const {
    Field field = *this;
    field.default_value = value;
    return field;
  }
  constexpr Field with_range(uint64_t low, uint64_t high) const {
    Field field = *this;
    field.minimum = low;
    field.maximum = high;
    return field;
  }
  constexpr Field with_example(std::string_view value) const {
    Field field = *this;
    field.example = value;
    return field;
  }
  constexpr Field must_be_given() const {
    Field field = *this;
    field.required = true;
    return field;
  }
};

/// The keys of a machine file, for a MachineConfig.
std::span<const Field> machine_fields();

/// The machine file's JSON Schema (draft 2020-12), indented.
std::string json_schema();

}  // namespace vmm

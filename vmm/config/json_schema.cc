#include <boost/json.hpp>

#include "vmm/config/json_text.h"
#include "vmm/config/schema.h"
#include "vmm/config/values.h"

namespace vmm {
namespace {

namespace json = boost::json;
using Kind = Field::Kind;

json::object object_schema(std::span<const Field> fields);

json::string text_of(std::string_view text) { return json::string(text.data(), text.size()); }

json::value default_of(const Field& field) {
  if (field.kind == Kind::boolean) return field.default_value == "true";
  if (field.kind == Kind::integer) return parse_integer(field.default_value).value_or(0);
  return text_of(field.default_value);
}

void describe_kind(const Field& field, json::object& schema) {
  switch (field.kind) {
    case Kind::boolean:
      schema["type"] = "boolean";
      break;
    case Kind::integer:
      schema["type"] = "integer";
      schema["minimum"] = field.minimum;
      schema["maximum"] = field.maximum;
      break;
    case Kind::size:
      schema["type"] = "string";
      schema["pattern"] = "^[0-9]+ ?(KiB|MiB|GiB)$";
      break;
    case Kind::text:
    case Kind::path:
      schema["type"] = "string";
      break;
    case Kind::choice: {
      json::array names;
      for (const std::string_view choice : field.choices) names.emplace_back(text_of(choice));
      schema["enum"] = std::move(names);
      break;
    }
    case Kind::text_list:
      schema["type"] = "array";
      schema["items"] = {{"type", "string"}};
      break;
    case Kind::integer_list:
      schema["type"] = "array";
      schema["items"] = {{"type", "integer"}, {"minimum", field.minimum}, {"maximum", field.maximum}};
      break;
    case Kind::map:
      for (auto& entry : object_schema(field.fields)) schema[entry.key()] = std::move(entry.value());
      break;
    case Kind::map_list:
      schema["type"] = "array";
      schema["items"] = object_schema(field.fields);
      break;
  }
}

json::object field_schema(const Field& field) {
  json::object schema;
  schema["description"] = text_of(field.doc);
  describe_kind(field, schema);
  if (!field.default_value.empty()) schema["default"] = default_of(field);
  if (!field.example.empty()) schema["examples"] = json::array{text_of(field.example)};
  return schema;
}

json::object object_schema(std::span<const Field> fields) {
  json::object properties;
  json::array required;
  for (const Field& field : fields) {
    if (!field.supported) continue;
    properties[text_of(field.key)] = field_schema(field);
    if (field.required) required.emplace_back(text_of(field.key));
  }
  json::object schema;
  schema["type"] = "object";
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

}  // namespace

std::string json_schema() {
  json::object schema;
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "Vireo machine file";
  for (auto& entry : object_schema(machine_fields())) schema[entry.key()] = std::move(entry.value());
  // A file with a base may leave to it what must be given.
  schema.erase("required");
  schema["properties"].as_object()["base"] = {
      {"description", "A machine file whose values hold where this one has none"}, {"type", "string"}};
  return indented_json(schema);
}

}  // namespace vmm

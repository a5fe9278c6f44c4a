#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "vmm/config/schema.h"

namespace vmm {
namespace {

TEST(JsonSchema, DescribesEveryKeyOfTheTable) {
  const boost::json::value schema = boost::json::parse(json_schema());
  const boost::json::object& properties = schema.at("properties").as_object();
  for (const Field& field : machine_fields()) {
    EXPECT_EQ(properties.contains(std::string(field.key)), field.supported) << field.key;
  }
  EXPECT_FALSE(schema.at("additionalProperties").as_bool());
}

TEST(JsonSchema, CarriesTypesLimitsDefaultsAndChoices) {
  const boost::json::value schema = boost::json::parse(json_schema());
  const boost::json::value& cpus = schema.at_pointer("/properties/cpus");
  EXPECT_EQ(cpus.at("type").as_string(), "integer");
  EXPECT_EQ(cpus.at("maximum").to_number<int>(), 16);
  EXPECT_EQ(cpus.at("default").to_number<int>(), 1);
  EXPECT_EQ(schema.at_pointer("/properties/memory/default").as_string(), "512MiB");
  EXPECT_EQ(schema.at_pointer("/properties/accel/enum"),
            boost::json::parse(R"(["auto", "kvm", "jit", "interp", "lockstep"])"));
  EXPECT_EQ(schema.at_pointer("/properties/disks/items/required"), boost::json::parse(R"(["path"])"));
}

}  // namespace
}  // namespace vmm

#include "vmm/config/parser.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/ranges.h>

#include "vmm/config/cmdline.h"
#include "vmm/config/image_cache.h"
#include "vmm/config/schema.h"
#include "vmm/config/values.h"

namespace vmm {
namespace {

using NodeKind = ConfigNode::Kind;
using Kind = Field::Kind;

std::string expected(const Field& field) {
  switch (field.kind) {
    case Kind::boolean:
      return "true or false";
    case Kind::integer:
      return fmt::format("a whole number from {} to {}", field.minimum, field.maximum);
    case Kind::size:
      return "a size like 512MiB";
    case Kind::text:
      return "text";
    case Kind::path:
      return "a path";
    case Kind::choice:
      return fmt::format("one of {}", fmt::join(field.choices, ", "));
    case Kind::text_list:
      return "a list of texts";
    case Kind::integer_list:
      return "a list of numbers";
    case Kind::map:
      return "a map of keys and values";
    case Kind::map_list:
      return "a list of maps";
  }
  return "something else";
}

class Parser {
 public:
  /// `where` is the map's key in its parent, empty at the top.
  hv::Result<void> parse_map(const ConfigNode& node, std::span<const Field> fields, void* object,
                             const std::string& where) {
    for (const ConfigNode& entry : node.items) {
      const auto field = std::ranges::find(fields, entry.key, &Field::key);
      if (field == fields.end()) return unknown_key(entry, fields, where);
      const std::string name = where.empty() ? entry.key : where + "." + entry.key;
      if (!field->supported) {
        return error_at(entry.key_location, "\"{}\" is not supported by this version of vireo; remove it", name);
      }
      TRY(parse_field(entry, *field, object, name));
    }
    for (const Field& field : fields) {
      if (node.find(field.key) != nullptr) continue;
      const std::string name = where.empty() ? std::string(field.key) : where + "." + std::string(field.key);
      TRY(apply_default(node, field, object, name));
    }
    return {};
  }

 private:
  static hv::Result<void> unknown_key(const ConfigNode& entry, std::span<const Field> fields,
                                      const std::string& where) {
    std::vector<std::string_view> known;
    for (const Field& field : fields) {
      if (field.supported) known.push_back(field.key);
    }
    if (where.empty()) known.push_back("base");
    const std::string in = where.empty() ? "" : fmt::format(" in \"{}\"", where);
    if (const std::string_view close = nearest(entry.key, known); !close.empty())
      return error_at(entry.key_location, "unknown key \"{}\"{}; did you mean \"{}\"?", entry.key, in, close);
    return error_at(entry.key_location, "unknown key \"{}\"{}; the keys are {}", entry.key, in, fmt::join(known, ", "));
  }

  hv::Result<void> apply_default(const ConfigNode& node, const Field& field, void* object, const std::string& name) {
    if (field.required) return error_at(node.location, "\"{}\" is missing; it must be {}", name, expected(field));
    if (field.kind == Kind::map && field.supported) {
      // A map that is absent is a map without keys, unless a key of it would have to be given.
      if (std::ranges::any_of(field.fields, &Field::required)) return {};
      return parse_map(ConfigNode{.kind = NodeKind::map, .location = node.location}, field.fields,
                       field.child(object, node.location), name);
    }
    if (field.default_value.empty()) return {};
    ConfigNode value{.kind = NodeKind::scalar, .location = node.location, .scalar = std::string(field.default_value)};
    return parse_field(value, field, object, name);
  }

  hv::Result<void> parse_field(const ConfigNode& node, const Field& field, void* object, const std::string& name) {
    switch (field.kind) {
      case Kind::map:
        if (node.kind == NodeKind::null) return {};
        if (node.kind != NodeKind::map) return wrong_kind(node, field, name);
        return parse_map(node, field.fields, field.child(object, node.location), name);
      case Kind::map_list:
        return parse_map_list(node, field, object, name);
      case Kind::text_list:
      case Kind::integer_list:
        return parse_list(node, field, object, name);
      default:
        return set(node, field, object, TRY(scalar_value(node, field, name)));
    }
  }

  hv::Result<void> parse_map_list(const ConfigNode& node, const Field& field, void* object, const std::string& name) {
    if (node.kind == NodeKind::null) return {};
    if (node.kind != NodeKind::list) return wrong_kind(node, field, name);
    for (size_t i = 0; i < node.items.size(); ++i) {
      const ConfigNode& item = node.items[i];
      const std::string item_name = fmt::format("{}[{}]", name, i);
      if (item.kind != NodeKind::map)
        return error_at(item.location, "\"{}\" must be a map of keys and values", item_name);
      TRY(parse_map(item, field.fields, field.child(object, item.location), item_name));
    }
    return {};
  }

  hv::Result<void> parse_list(const ConfigNode& node, const Field& field, void* object, const std::string& name) {
    if (node.kind == NodeKind::null) return {};
    if (node.kind != NodeKind::list) return wrong_kind(node, field, name);
    for (const ConfigNode& item : node.items) {
      if (item.kind != NodeKind::scalar) return wrong_kind(item, field, name);
      FieldValue value;
      if (field.kind == Kind::integer_list) {
        value.number = TRY(integer(item, field, name));
      } else {
        value.text = item.scalar;
        value.location = item.location;
      }
      TRY(set(item, field, object, value));
    }
    return {};
  }

  static hv::Result<void> set(const ConfigNode& node, const Field& field, void* object, const FieldValue& value) {
    const hv::Result<void> result = field.set(object, value);
    if (!result) return error_at(node.location, "{}", result.error().message);
    return {};
  }

  static hv::Result<FieldValue> scalar_value(const ConfigNode& node, const Field& field, const std::string& name) {
    FieldValue value;
    if (node.kind != NodeKind::scalar) return wrong_kind(node, field, name);
    switch (field.kind) {
      case Kind::boolean:
        if (node.scalar != "true" && node.scalar != "false") return wrong_kind(node, field, name);
        value.boolean = node.scalar == "true";
        return value;
      case Kind::integer:
        value.number = TRY(integer(node, field, name));
        return value;
      case Kind::size:
        value.number = TRY(size(node, field, name));
        return value;
      case Kind::choice:
        value.number = TRY(choice(node, field, name));
        return value;
      case Kind::path:
        value.text = TRY(path(node, name));
        return value;
      default:
        value.text = node.scalar;
        return value;
    }
  }

  static hv::Result<uint64_t> integer(const ConfigNode& node, const Field& field, const std::string& name) {
    const std::optional<uint64_t> number = parse_integer(node.scalar);
    if (!number || *number < field.minimum || *number > field.maximum) {
      return error_at(node.location, "\"{}\" must be a whole number from {} to {}, not \"{}\"", name, field.minimum,
                      field.maximum, node.scalar);
    }
    return *number;
  }

  static hv::Result<uint64_t> size(const ConfigNode& node, const Field& field, const std::string& name) {
    const hv::Result<uint64_t> bytes = parse_size(node.scalar);
    if (!bytes) return error_at(node.location, "{}", bytes.error().message);
    constexpr uint64_t kMiB = uint64_t{1} << 20;
    if (*bytes < field.minimum || *bytes > field.maximum || *bytes % kMiB != 0) {
      return error_at(node.location, "\"{}\" must be whole MiB from {} to {}, not {}", name, size_text(field.minimum),
                      size_text(field.maximum), node.scalar);
    }
    return *bytes;
  }

  static hv::Result<uint64_t> choice(const ConfigNode& node, const Field& field, const std::string& name) {
    const auto found = std::ranges::find(field.choices, node.scalar);
    if (found == field.choices.end()) {
      const std::string_view close = nearest(node.scalar, field.choices);
      return error_at(node.location, "\"{}\" must be {}, not \"{}\"{}", name, expected(field), node.scalar,
                      close.empty() ? "" : fmt::format("; did you mean \"{}\"?", close));
    }
    return static_cast<uint64_t>(found - field.choices.begin());
  }

  /// The folder's closest name if the images of the architecture are there, else how to make them.
  static std::string remedy_for_missing(const std::filesystem::path& file, std::string_view cached) {
    std::vector<std::string> names;
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(file.parent_path(), code))
      names.push_back(entry.path().filename());
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string_view close = nearest(file.filename().native(), views);
    const std::string_view folder = cached.substr(0, cached.find('/'));
    return close.empty() ? fmt::format("run \"vireo image build {}\"", folder)
                         : fmt::format("did you mean cache:{}/{}?", folder, close);
  }

  static hv::Result<std::string> path(const ConfigNode& node, const std::string& name) {
    if (node.scalar.empty()) return error_at(node.location, "\"{}\" must be a path, not empty", name);
    std::error_code code;
    if (node.scalar.starts_with(kCachePrefix)) {
      const std::string_view cached = std::string_view(node.scalar).substr(kCachePrefix.size());
      const hv::Result<std::string> file = cached_image_path(cached);
      if (!file) return error_at(node.location, "{}", file.error().message);
      if (!std::filesystem::exists(*file, code)) {
        return error_at(node.location, "{} is not in the image cache ({}); {}", node.scalar, *file,
                        remedy_for_missing(*file, cached));
      }
      return *file;
    }
    const std::string file = resolve(node, node.scalar);
    if (std::filesystem::is_directory(file, code))
      return error_at(node.location, "\"{}\" must be a file, and {} is a folder", name, file);
    if (!std::filesystem::exists(file, code)) {
      return error_at(node.location, "{}: {}", file,
                      code && code != std::errc::no_such_file_or_directory ? code.message() : "no such file");
    }
    return file;
  }

  static std::string resolve(const ConfigNode& node, const std::string& path) {
    if (node.location.line == 0 || node.location.file == nullptr) return path;
    return (std::filesystem::path(*node.location.file).parent_path() / path).string();
  }

  static tl::unexpected<hv::Error> wrong_kind(const ConfigNode& node, const Field& field, const std::string& name) {
    const std::string found = node.kind == NodeKind::scalar ? fmt::format("\"{}\"", node.scalar)
                              : node.kind == NodeKind::null ? std::string("empty")
                              : node.kind == NodeKind::list ? std::string("a list")
                                                            : std::string("a map");
    return error_at(node.location, "\"{}\" must be {}, not {}", name, expected(field), found);
  }
};

/// The place of a key, or of the whole tree where it is not given.
Location place(const ConfigNode& tree, std::initializer_list<std::string_view> path) {
  const ConfigNode* node = &tree;
  Location location = tree.location;
  for (const std::string_view key : path) {
    const ConfigNode* const entry = node->find(key);
    if (entry == nullptr) break;
    location = entry->key_location;
    node = entry;
  }
  return location;
}

/// Bytes of the pages that are asked for by their size, else 0.
uint64_t page_size(hv::HugePages pages) {
  if (pages == hv::HugePages::size_2mib) return uint64_t{2} << 20;
  return pages == hv::HugePages::size_1gib ? uint64_t{1} << 30 : 0;
}

/// What no single key can be blamed for.
hv::Result<void> check_together(const ConfigNode& tree, MachineConfig& config) {
  const BootConfig& boot = config.boot;
  if (boot.bare.empty() && boot.kernel.empty() && boot.firmware.empty()) {
    return error_at(place(tree, {"boot"}),
                    "nothing to boot; give \"boot.kernel\", a Linux kernel like "
                    "cache:riscv64/vmlinuz");
  }
  if (!boot.bare.empty() && !(boot.kernel.empty() && boot.firmware.empty() && boot.initrd.empty())) {
    return error_at(place(tree, {"boot", "bare"}),
                    "\"boot.bare\" runs without a kernel, a firmware and an initrd; "
                    "remove those or this");
  }
  if (config.arch != Arch::riscv64 && boot.kernel.empty()) {
    return error_at(place(tree, {"boot", boot.bare.empty() ? "firmware" : "bare"}),
                    "an {} machine boots a kernel; give \"boot.kernel\" instead", arch_name(config.arch));
  }
  if (config.cpu.model == CpuModel::stable && config.arch != Arch::x86_64)
    return error_at(place(tree, {"cpu", "model"}), "\"cpu.model\" stable is for x86_64 machines; remove it");
  if (!boot.initrd.empty() && boot.kernel.empty())
    return error_at(place(tree, {"boot", "initrd"}), "\"boot.initrd\" needs \"boot.kernel\"");
  if (const auto cmdline = check_cmdline(boot.cmdline); !cmdline)
    return error_at(place(tree, {"boot", "cmdline"}), "{}", cmdline.error().message);
  for (const NetworkConfig& network : config.networks) {
    const bool tap = network.backend == NetworkBackend::tap;
    if (tap && !network.forward.empty())
      return error_at(network.location, "\"forward\" is for the user backend; a tap network has its own routes");
    if (tap && network.mtu != 0)
      return error_at(network.location, "\"mtu\" is for the user backend; a tap network has its interface's");
    if (tap && network.isolated)
      return error_at(network.location, "\"isolated\" is for the user backend; a tap network has its own rules");
    if (tap && network.interface.empty())
      return error_at(network.location, "a tap network needs \"interface\", the host's interface");
    for (const PortForward& forward : network.forward) {
      if (network.isolated && forward.protocol == Protocol::udp)
        return error_at(forward.location, "the guest of an isolated network cannot answer over UDP; forward tcp");
    }
    if (!tap && !network.interface.empty()) return error_at(network.location, "\"interface\" is for the tap backend");
  }
  if (config.arch != Arch::riscv64 && config.accel != Accel::automatic && config.accel != Accel::kvm) {
    return error_at(place(tree, {"accel"}), "{} guests run on KVM only; leave \"accel\" to auto, or say kvm",
                    arch_name(config.arch));
  }
  if (const uint64_t page = page_size(config.huge_pages); page != 0 && config.memory % page != 0) {
    return error_at(place(tree, {"huge_pages"}),
                    "{} of memory are not a multiple of {} pages; change \"memory\" or this", size_text(config.memory),
                    size_text(page));
  }
  if (config.numa.mode != hv::NumaPolicy::Mode::none && config.numa.nodes.empty())
    return error_at(place(tree, {"numa"}), "\"numa.policy\" needs \"numa.nodes\", a list like [0]");
  return {};
}

/// A console's socket or file is relative to the machine file too, and need not exist.
void resolve_console(const ConfigNode& tree, ConsoleEnd& console) {
  const Location location = place(tree, {"console", "backend"});
  if (!console.path.empty() && location.line != 0)
    console.path = (std::filesystem::path(*location.file).parent_path() / console.path).string();
}

/// A map with one item.
ConfigNode map_of(const std::string& key, ConfigNode value) {
  value.key = key;
  value.key_location = value.location;
  ConfigNode map{.kind = NodeKind::map, .location = value.location};
  map.items.push_back(std::move(value));
  return map;
}

/// The tree that the options would be if they were a machine file.
ConfigNode tree_of(std::span<const ConfigOverride> overrides) {
  const Location location{std::make_shared<const std::string>("command line")};
  ConfigNode tree{.kind = NodeKind::map, .location = location};
  for (const ConfigOverride& item : overrides) {
    const Location origin{std::make_shared<const std::string>(item.option)};
    const size_t dot = item.key.find('.');
    ConfigNode value{.kind = NodeKind::scalar, .location = origin, .scalar = item.value};
    if (dot != std::string::npos) value = map_of(item.key.substr(dot + 1), std::move(value));
    merge(tree, map_of(item.key.substr(0, dot), std::move(value)));
  }
  tree.location = location;
  return tree;
}

}  // namespace

hv::Result<MachineConfig> parse_machine(const ConfigNode& tree) {
  if (tree.kind != NodeKind::map)
    return error_at(tree.location, "a machine file is a map of keys and values, like \"arch: riscv64\"");
  MachineConfig config;
  TRY(Parser().parse_map(tree, machine_fields(), &config, ""));
  TRY(check_together(tree, config));
  resolve_console(tree, config.console.end);
  return config;
}

hv::Result<MachineConfig> load_machine_file(const std::string& path, std::span<const ConfigOverride> overrides) {
  ConfigNode tree = TRY(read_machine_file(path));
  if (tree.kind == NodeKind::map) {
    const Location location = tree.location;
    merge(tree, tree_of(overrides));
    tree.location = location;
  }
  MachineConfig config = TRY(parse_machine(tree));
  if (config.name.empty()) config.name = std::filesystem::path(path).stem().string();
  return config;
}

hv::Result<MachineConfig> machine_from_options(std::span<const ConfigOverride> overrides) {
  return parse_machine(tree_of(overrides));
}

}  // namespace vmm

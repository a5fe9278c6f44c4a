#include "vmm/config/config_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

namespace vmm {
namespace {

constexpr int kMaxDepth = 16;
constexpr size_t kMaxNodes = 10'000;
constexpr size_t kMaxFileSize = 1u << 20;

class Converter {
 public:
  explicit Converter(const std::string& file) : file_(std::make_shared<const std::string>(file)) {}

  hv::Result<ConfigNode> convert(const YAML::Node& yaml, int depth = 0) {
    ConfigNode node;
    node.location = location(yaml.Mark());
    if (depth > kMaxDepth) return error_at(node.location, "nested too deeply; at most {} levels", kMaxDepth);
    if (++count_ > kMaxNodes) return error_at(node.location, "too large; at most {} values", kMaxNodes);
    switch (yaml.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return node;
      case YAML::NodeType::Scalar:
        node.kind = ConfigNode::Kind::scalar;
        node.scalar = yaml.Scalar();
        return node;
      case YAML::NodeType::Sequence:
        node.kind = ConfigNode::Kind::list;
        for (const YAML::Node& item : yaml) node.items.push_back(TRY(convert(item, depth + 1)));
        return node;
      case YAML::NodeType::Map:
        break;
    }
    node.kind = ConfigNode::Kind::map;
    for (const auto& pair : yaml) {
      const Location key_location = location(pair.first.Mark());
      if (!pair.first.IsScalar()) return error_at(key_location, "a key must be a word");
      const std::string& key = pair.first.Scalar();
      if (const ConfigNode* first = node.find(key)) {
        return error_at(key_location, "\"{}\" is given twice; the first is in line {}", key, first->key_location.line);
      }
      ConfigNode value = TRY(convert(pair.second, depth + 1));
      if (value.kind == ConfigNode::Kind::null) value.location = key_location;  // yaml-cpp gives the next token's
      value.key = key;
      value.key_location = key_location;
      node.items.push_back(std::move(value));
    }
    return node;
  }

  Location location(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

 private:
  std::shared_ptr<const std::string> file_;
  size_t count_ = 0;
};

/// Notes where the documents of a YAML stream begin, and nothing else.
class DocumentStarts final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { marks.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  std::vector<YAML::Mark> marks;
};

/// YAML::LoadAll does not end on a stray comma, which is a new empty document for ever; two documents are enough to
/// know.
std::vector<YAML::Mark> first_two_documents(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  if (parser.HandleNextDocument(starts)) parser.HandleNextDocument(starts);
  return starts.marks;
}

hv::Result<std::string> read_text(const std::string& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) return hv::error("{}: is a folder, not a machine file", path);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return hv::os_error("{}: cannot be read", path);
  std::string text(kMaxFileSize + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > kMaxFileSize) return hv::error("{}: too large for a machine file (over 1 MiB)", path);
  return text;
}

/// `chain` has the files from the first one down to the one whose base is read.
hv::Result<ConfigNode> read_with_bases(const std::string& path, std::vector<std::string>& chain) {
  ConfigNode node = TRY(read_yaml(TRY(read_text(path)), path));
  const ConfigNode* const base = node.find("base");
  if (base == nullptr) return node;
  if (base->kind != ConfigNode::Kind::scalar || base->scalar.empty())
    return error_at(base->location, "\"base\" must be the path of a machine file");
  std::error_code code;
  chain.push_back(std::filesystem::weakly_canonical(path, code).string());
  const std::string base_path = (std::filesystem::path(path).parent_path() / base->scalar).string();
  if (!std::filesystem::is_regular_file(base_path, code))
    return error_at(base->location, "the base {} is not a file that exists", base_path);
  if (std::ranges::find(chain, std::filesystem::weakly_canonical(base_path, code).string()) != chain.end())
    return error_at(base->location, "{} is its own base", base_path);
  ConfigNode under = TRY(read_with_bases(base_path, chain));
  std::erase_if(node.items, [](const ConfigNode& item) { return item.key == "base"; });
  merge(under, std::move(node));
  return under;
}

bool is_indented_with_tab(std::string_view text, int line) {
  for (; line > 0 && text.find('\n') != text.npos; --line) text.remove_prefix(text.find('\n') + 1);
  const size_t start = text.find_first_not_of(' ');
  return line == 0 && start != text.npos && text[start] == '\t';
}

/// What yaml-cpp says in words of its own, as people would say it. YAML 1.2 §6.1: indentation is spaces only.
std::string reason(const YAML::Exception& failure, std::string_view text) {
  struct Wording {
    std::string_view of_yaml_cpp;
    std::string_view ours;
  };
  const Wording wordings[] = {
      {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a list that begins with [ does not end with ]"},
      {YAML::ErrorMsg::END_OF_MAP_FLOW, "a map that begins with { does not end with }"},
      {YAML::ErrorMsg::END_OF_MAP,
       "this line does not belong to the map above it; check its indentation and its colon"},
      {YAML::ErrorMsg::END_OF_SEQ, "this line does not belong to the list above it; check its indentation"},
      {YAML::ErrorMsg::MAP_VALUE,
       "a \"key: value\" cannot stand here; check the indentation, the colon of the line before, and quote text with a "
       "colon in it"},
  };
  if (is_indented_with_tab(text, failure.mark.line)) return "bad YAML: the line is indented with a tab; use spaces";
  for (const Wording& wording : wordings) {
    if (failure.msg == wording.of_yaml_cpp) return fmt::format("bad YAML: {}", wording.ours);
  }
  return failure.msg.empty() ? std::string("bad YAML") : "bad YAML: " + failure.msg;
}

}  // namespace

std::string Location::text() const {
  const std::string name = file == nullptr ? std::string("machine file") : *file;
  return line == 0 ? name : fmt::format("{}:{}:{}", name, line, column);
}

const ConfigNode* ConfigNode::find(std::string_view name) const {
  if (kind != Kind::map) return nullptr;
  const auto found = std::ranges::find(items, name, &ConfigNode::key);
  return found == items.end() ? nullptr : &*found;
}

hv::Result<ConfigNode> read_yaml(std::string_view text, const std::string& file) {
  Converter converter(file);
  try {
    const std::vector<YAML::Mark> documents = first_two_documents(std::string(text));
    if (documents.size() > 1) {
      return error_at(converter.location(documents[1]), "a machine file has one document; this is a second one");
    }
    if (documents.empty()) return error_at(converter.location(YAML::Mark()), "the machine file is empty");
    return converter.convert(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& failure) {
    return error_at(converter.location(failure.mark), "{}", reason(failure, text));
  } catch (const std::exception& failure) {  // yaml-cpp lets conversions of the standard library through
    return hv::error("{}: bad YAML", file);
  }
}

hv::Result<ConfigNode> read_machine_file(const std::string& path) {
  std::vector<std::string> chain;
  return read_with_bases(path, chain);
}

void merge(ConfigNode& under, ConfigNode over) {
  if (under.kind != ConfigNode::Kind::map || over.kind != ConfigNode::Kind::map) {
    under = std::move(over);
    return;
  }
  under.location = over.location;
  under.key_location = over.key_location;
  for (ConfigNode& item : over.items) {
    const auto found = std::ranges::find(under.items, item.key, &ConfigNode::key);
    if (found == under.items.end()) {
      under.items.push_back(std::move(item));
    } else {
      merge(*found, std::move(item));
    }
  }
}

}  // namespace vmm

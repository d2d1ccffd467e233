#include "weights/json_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

namespace blip3o {

namespace {

using Json = nlohmann::json;

const Json& EmptyObject() {
  static const Json empty = Json::object();
  return empty;
}

std::string Quoted(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back('"' + name + '"');
  return fmt::format("{}", fmt::join(quoted, " or "));
}

}  // namespace

Result<std::string> ReadWholeFile(const std::filesystem::path& path, int64_t max_bytes) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  if (kind == std::filesystem::file_type::not_found) {
    return IoError(fmt::format("{}: expected a file, found nothing: is the checkpoint complete?", path.string()));
  }
  if (kind != std::filesystem::file_type::regular) {
    return IoError(fmt::format("{}: expected a regular file that can be read, found something else", path.string()));
  }
  const auto size = std::filesystem::file_size(path, error);
  if (error) return IoError(fmt::format("{}: could not be read: {}", path.string(), error.message()));
  if (size > static_cast<uintmax_t>(max_bytes)) {
    return InvalidCheckpoint(
        fmt::format("{}: expected at most {} bytes, found {}: is it the right file?", path.string(), max_bytes, size));
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text(static_cast<size_t>(size), '\0');
  if (!stream.read(text.data(), static_cast<std::streamsize>(size)) && size > 0) {
    return IoError(fmt::format("{}: could not be read: {}", path.string(), std::strerror(errno)));
  }
  return text;
}

Result<Json> ReadJsonObject(const std::filesystem::path& path, int64_t max_bytes) {
  BLIP3O_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path, max_bytes));
  try {
    Json json = Json::parse(text);
    if (json.is_object()) return json;
    return InvalidCheckpoint(fmt::format("{}: expected a JSON object, found {}", path.string(), Excerpt(json)));
  } catch (const Json::exception& error) {
    return InvalidCheckpoint(fmt::format("{}: expected JSON, found a mistake in it: {}", path.string(), error.what()));
  }
}

std::string Excerpt(const Json& value) {
  constexpr size_t kLongest = 80;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + " ...";
  return text;
}

const Json* JsonFields::Find(const std::string& key) const {
  const auto it = object_.find(key);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

void JsonFields::Fail(StatusCode code, const std::string& key, const std::string& expected, const Json* found) {
  if (!status_.ok()) return;
  status_ = {code, fmt::format("{}: {}{}: expected {}, found {}", file_, prefix_, key, expected,
                               found != nullptr ? Excerpt(*found) : "nothing")};
}

int64_t JsonFields::CheckInteger(const Json& value, const std::string& key, int64_t least, int64_t most) {
  // Numbers above the range of int64_t are unsigned integers or floats to the parser.
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX));
  if (fits && value.get<int64_t>() >= least && value.get<int64_t>() <= most) return value.get<int64_t>();
  Fail(StatusCode::kInvalidCheckpoint, key, fmt::format("an integer from {} to {}", least, most), &value);
  return least;
}

int64_t JsonFields::Integer(const std::string& key, int64_t least, int64_t most, std::optional<int64_t> fallback) {
  const Json* value = Find(key);
  if (value != nullptr) return CheckInteger(*value, key, least, most);
  if (fallback) return *fallback;
  Fail(StatusCode::kInvalidCheckpoint, key, fmt::format("an integer from {} to {}", least, most), nullptr);
  return least;
}

double JsonFields::Number(const std::string& key, const std::string& expected, const std::function<bool(double)>& holds,
                          std::optional<double> fallback) {
  const Json* value = Find(key);
  if (value == nullptr && fallback) return *fallback;
  if (value != nullptr && value->is_number()) {
    const double number = value->get<double>();
    if (std::isfinite(number) && holds(number)) return number;
  }
  Fail(StatusCode::kInvalidCheckpoint, key, expected, value);
  return 1.0;
}

double JsonFields::PositiveNumber(const std::string& key, std::optional<double> fallback) {
  return Number(
      key, "a positive number", [](double x) { return x > 0; }, fallback);
}

bool JsonFields::Flag(const std::string& key, std::optional<bool> fallback) {
  const Json* value = Find(key);
  if (value == nullptr && fallback) return *fallback;
  if (value != nullptr && value->is_boolean()) return value->get<bool>();
  Fail(StatusCode::kInvalidCheckpoint, key, "true or false", value);
  return false;
}

std::string JsonFields::Text(const std::string& key, std::optional<std::string> fallback) {
  const Json* value = Find(key);
  if (value == nullptr && fallback) return *fallback;
  if (value != nullptr && value->is_string()) return value->get<std::string>();
  Fail(StatusCode::kInvalidCheckpoint, key, "text", value);
  return "";
}

size_t JsonFields::CheckChoice(const Json& value, const std::string& key, const std::vector<std::string>& names) {
  if (value.is_string()) {
    const auto it = std::find(names.begin(), names.end(), value.get<std::string>());
    if (it != names.end()) return static_cast<size_t>(it - names.begin());
  }
  Fail(StatusCode::kInvalidCheckpoint, key, Quoted(names), &value);
  return 0;
}

size_t JsonFields::Choice(const std::string& key, const std::vector<std::string>& names,
                          std::optional<size_t> fallback) {
  const Json* value = Find(key);
  if (value != nullptr) return CheckChoice(*value, key, names);
  if (fallback) return *fallback;
  Fail(StatusCode::kInvalidCheckpoint, key, Quoted(names), nullptr);
  return 0;
}

const Json* JsonFields::CheckList(const std::string& key, int64_t count) {
  const Json* value = Find(key);
  if (value != nullptr && value->is_array() && (count < 0 || static_cast<int64_t>(value->size()) == count)) {
    return value;
  }
  Fail(StatusCode::kInvalidCheckpoint, key, count < 0 ? "a list" : fmt::format("a list of {} entries", count), value);
  return nullptr;
}

std::vector<int64_t> JsonFields::Integers(const std::string& key, int64_t count, int64_t least, int64_t most) {
  std::vector<int64_t> integers;
  if (const Json* list = CheckList(key, count)) {
    for (size_t i = 0; i < list->size() && ok(); ++i) {
      integers.push_back(CheckInteger((*list)[i], fmt::format("{}[{}]", key, i), least, most));
    }
  }
  return integers;
}

std::vector<std::vector<int64_t>> JsonFields::IntegerLists(const std::string& key, int64_t count, int64_t least,
                                                           int64_t most) {
  std::vector<std::vector<int64_t>> lists;
  const Json* list = CheckList(key, count);
  for (size_t i = 0; list != nullptr && i < list->size() && ok(); ++i) {
    const std::string name = fmt::format("{}[{}]", key, i);
    const Json& inner = (*list)[i];
    if (!inner.is_array()) Fail(StatusCode::kInvalidCheckpoint, name, "a list of integers", &inner);
    lists.emplace_back();
    for (size_t j = 0; j < inner.size() && ok(); ++j) {
      lists.back().push_back(CheckInteger(inner[j], fmt::format("{}[{}]", name, j), least, most));
    }
  }
  return lists;
}

std::vector<size_t> JsonFields::Choices(const std::string& key, int64_t count, const std::vector<std::string>& names,
                                        std::optional<size_t> fallback) {
  const Json* value = Find(key);
  if (value == nullptr || value->is_string()) {
    return std::vector<size_t>(static_cast<size_t>(count), Choice(key, names, fallback));
  }
  std::vector<size_t> choices;
  if (const Json* list = CheckList(key, count)) {
    for (size_t i = 0; i < list->size() && ok(); ++i) {
      choices.push_back(CheckChoice((*list)[i], fmt::format("{}[{}]", key, i), names));
    }
  }
  return choices;
}

JsonFields JsonFields::Object(const std::string& key) {
  const Json* value = Find(key);
  if (value != nullptr && !value->is_object()) Fail(StatusCode::kInvalidCheckpoint, key, "a JSON object", value);
  const bool usable = value != nullptr && value->is_object();
  return {file_, usable ? *value : EmptyObject(), status_, prefix_ + key + "."};
}

void JsonFields::Expect(bool holds, const std::string& key, const std::string& expected) {
  if (!holds) Fail(StatusCode::kInvalidCheckpoint, key, expected, Find(key));
}

void JsonFields::Support(bool holds, const std::string& key, const std::string& expected) {
  if (!holds) Fail(StatusCode::kUnsupported, key, expected + " (this runtime computes nothing else)", Find(key));
}

}  // namespace blip3o

// Reading JSON files field by field, with errors that name file, field, expected and found.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace blip3o {

// Limits on what a config may say, so that no product of sizes overflows and no list takes all memory.
inline constexpr int64_t kMaxSize = int64_t{1} << 24;

// The whole of a regular file. Errors: IO_ERROR when it is missing or can't be read; INVALID_CHECKPOINT above
// `max_bytes`.
Result<std::string> ReadWholeFile(const std::filesystem::path& path, int64_t max_bytes);

// A file that holds one JSON object.
Result<nlohmann::json> ReadJsonObject(const std::filesystem::path& path, int64_t max_bytes);

// `value` as JSON, shortened for an error message.
std::string Excerpt(const nlohmann::json& value);

// The fields of one JSON object. The first error goes to `status` and stays; from then on every read returns its least
// harmful value, so that a reader lists its fields and checks the status once. A field that is absent or null takes the
// fallback; without a fallback it is an error.
class JsonFields {
 public:
  // `object` and `status` must outlive the fields. `prefix` stands before names in errors: "rope_parameters.".
  JsonFields(std::string file, const nlohmann::json& object, Status& status, std::string prefix = "")
      : file_(std::move(file)), object_(object), status_(status), prefix_(std::move(prefix)) {}

  bool ok() const { return status_.ok(); }
  const std::string& file() const { return file_; }
  // Present and not null.
  bool Has(const std::string& key) const { return Find(key) != nullptr; }

  // An integer in [least, most].
  int64_t Integer(const std::string& key, int64_t least, int64_t most, std::optional<int64_t> fallback = {});
  // An integer in [1, kMaxSize].
  int64_t Size(const std::string& key) { return Integer(key, 1, kMaxSize); }
  // A finite number that `holds`; `expected` says in words what that is.
  double Number(const std::string& key, const std::string& expected, const std::function<bool(double)>& holds,
                std::optional<double> fallback = {});
  double PositiveNumber(const std::string& key, std::optional<double> fallback = {});
  bool Flag(const std::string& key, std::optional<bool> fallback = {});
  std::string Text(const std::string& key, std::optional<std::string> fallback = {});
  // One of `names`; returns its index.
  size_t Choice(const std::string& key, const std::vector<std::string>& names, std::optional<size_t> fallback = {});

  // A list of `count` integers in [least, most], or of any number of them when count < 0.
  std::vector<int64_t> Integers(const std::string& key, int64_t count, int64_t least, int64_t most);
  // A list of `count` lists of integers.
  std::vector<std::vector<int64_t>> IntegerLists(const std::string& key, int64_t count, int64_t least, int64_t most);
  // One of `names` for each of `count` entries: a list of them, or one name for all.
  std::vector<size_t> Choices(const std::string& key, int64_t count, const std::vector<std::string>& names,
                              std::optional<size_t> fallback = {});

  // The object under `key`; empty when absent.
  JsonFields Object(const std::string& key);

  // Fails as INVALID_CHECKPOINT unless `holds`: "FILE: KEY: expected EXPECTED, found VALUE".
  void Expect(bool holds, const std::string& key, const std::string& expected);
  // The same as UNSUPPORTED: a valid value that this runtime doesn't compute.
  void Support(bool holds, const std::string& key, const std::string& expected);

 private:
  const nlohmann::json* Find(const std::string& key) const;
  void Fail(StatusCode code, const std::string& key, const std::string& expected, const nlohmann::json* found);
  int64_t CheckInteger(const nlohmann::json& value, const std::string& key, int64_t least, int64_t most);
  size_t CheckChoice(const nlohmann::json& value, const std::string& key, const std::vector<std::string>& names);
  const nlohmann::json* CheckList(const std::string& key, int64_t count);

  std::string file_;
  const nlohmann::json& object_;
  Status& status_;
  std::string prefix_;
};

}  // namespace blip3o

// The rule of the house: includes point down. api → engine → model → ops → base, weights beside model.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace blip3o {
namespace {

// Which layers a layer may include besides itself.
const std::map<std::string, std::set<std::string>> kBelow = {
    {"base", {}},
    {"ops", {"base"}},
    {"weights", {"base"}},
    {"image", {"base"}},
    {"model", {"base", "ops", "weights"}},
    {"engine", {"base", "ops", "weights", "image", "model"}},
    {"api", {"base", "ops", "weights", "image", "model", "engine", "blip3o"}},
};

TEST(Layers, IncludesPointDown) {
  const std::filesystem::path root = std::filesystem::path(BLIP3O_SOURCE_DIR) / "native" / "src";
  const std::regex include("^\\s*#include \"([a-z0-9_]+)/.*\"");
  int includes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::filesystem::path relative = std::filesystem::relative(entry.path(), root);
    const std::string layer = relative.begin()->string();
    ASSERT_TRUE(kBelow.contains(layer)) << relative << " lies in no known layer";
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      std::smatch match;
      if (!std::regex_search(line, match, include)) continue;
      const std::string target = match[1];
      ++includes;
      EXPECT_TRUE(target == layer || target == "hwy" || kBelow.at(layer).contains(target))
          << relative << " reaches up: " << line;
    }
  }
  EXPECT_GT(includes, 50);
}

// Model code exists once: it knows the table of operations and no backend.
TEST(Layers, ModelsKnowNoBackend) {
  const std::filesystem::path root = std::filesystem::path(BLIP3O_SOURCE_DIR) / "native" / "src" / "model";
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    std::ifstream file(entry.path());
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_EQ(text.find("ops/cpu"), std::string::npos) << entry.path();
    EXPECT_EQ(text.find("ops/cuda"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace blip3o

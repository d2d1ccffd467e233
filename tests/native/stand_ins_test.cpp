// The stand-ins of tests/gpu/stand_ins against the libraries: both are compiled into this test, each in functions of
// its own, and asked the same.
#include "support/stand_ins.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace blip3o {
namespace {

TEST(StandIns, FormatAsTheLibraryDoes) {
  const std::vector<int> numbers = {1, 22, 333};
  EXPECT_EQ(test::StandInFormats(),
            (std::vector<std::string>{fmt::format("plain {{}} text"), fmt::format("{}", std::string("text")),
                                      fmt::format("{}|{}|{}", 1, -2, uint64_t{18446744073709551615u}),
                                      fmt::format("{}", true), fmt::format("{:#x}", 48879), fmt::format("{}", 0.1),
                                      fmt::format("{}", 1e-7f), fmt::format("{:.2f}", 2.0 / 3),
                                      fmt::format("{:.3g}", 12345.0), fmt::format("[{}]", fmt::join(numbers, ", ")),
                                      fmt::format("{} of {}", "one", std::string_view("two"))}));
}

constexpr const char* kGood[] = {R"({"a": 1, "b": [1, 2.5, -3, 1e3], "c": {"d": null, "e": true}, "f": "text"})",
                                 "[]",
                                 "{}",
                                 " [ 1 , 2 ] ",
                                 R"("\u00e4\n\t\\\"\/\ud83d\ude00")",
                                 "18446744073709551615",
                                 "-9223372036854775808",
                                 "18446744073709551616"};
constexpr const char* kBad[] = {"",    "{",     "[1,]",        "{\"a\" 1}", "nul",      "01x",
                                "[1}", "{1:2}", "\"\\x\"",     "\"open",    "[1] 2",    "{\"a\": 1,}",
                                "-",   "+1",    "\"\\ud83d\"", "[1 2]",     "\"a\nb\"", "{\"a\": }"};

TEST(StandIns, ParseAsTheLibraryDoes) {
  for (const char* text : kGood) {
    SCOPED_TRACE(text);
    const std::string found = test::StandInDump(text);
    if (!nlohmann::json::accept(text)) {
      EXPECT_EQ(found, "") << "the library refuses it";
      continue;
    }
    // Numbers may be written in other words, but are the same.
    EXPECT_EQ(nlohmann::json::parse(found), nlohmann::json::parse(text));
  }
  for (const char* text : kBad) EXPECT_EQ(test::StandInDump(text), "") << text;
}

TEST(StandIns, CallTheParsersWatcherAsTheLibraryDoes) {
  std::string events;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (event == nlohmann::json::parse_event_t::key) events += fmt::format("{} {};", depth, value.get<std::string>());
    if (event == nlohmann::json::parse_event_t::object_start) events += fmt::format("{} {{;", depth);
    return true;
  };
  const nlohmann::json parsed = nlohmann::json::parse(kGood[0], watch);
  EXPECT_EQ(parsed.size(), 4u);
  EXPECT_EQ(test::StandInEvents(kGood[0]), events);
}

}  // namespace
}  // namespace blip3o

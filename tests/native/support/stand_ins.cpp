#include "support/stand_ins.h"

// The namespaces are those of the libraries, which other files of this program use.
#define fmt stand_in_fmt
#define nlohmann stand_in_nlohmann
#include "../../gpu/stand_ins/fmt/format.h"
#include "../../gpu/stand_ins/nlohmann/json.hpp"

namespace blip3o::test {

std::vector<std::string> StandInFormats() {
  const std::vector<int> numbers = {1, 22, 333};
  return {fmt::format("plain {{}} text"),
          fmt::format("{}", std::string("text")),
          fmt::format("{}|{}|{}", 1, -2, uint64_t{18446744073709551615u}),
          fmt::format("{}", true),
          fmt::format("{:#x}", 48879),
          fmt::format("{}", 0.1),
          fmt::format("{}", 1e-7f),
          fmt::format("{:.2f}", 2.0 / 3),
          fmt::format("{:.3g}", 12345.0),
          fmt::format("[{}]", fmt::join(numbers, ", ")),
          fmt::format("{} of {}", "one", std::string_view("two"))};
}

std::string StandInDump(const char* text) {
  try {
    return nlohmann::json::parse(std::string_view(text)).dump();
  } catch (const nlohmann::json::exception&) {
    return "";
  }
}

std::string StandInEvents(const char* text) {
  std::string events;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (event == nlohmann::json::parse_event_t::key) {
      events += fmt::format("{} {};", depth, value.get<std::string>());
    }
    if (event == nlohmann::json::parse_event_t::object_start) events += fmt::format("{} {{;", depth);
    return true;
  };
  (void)nlohmann::json::parse(std::string_view(text), watch);
  return events;
}

}  // namespace blip3o::test

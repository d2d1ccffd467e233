// A stand-in for {fmt}: replacement fields without numbers or names, with the specifications "#x", ".Nf" and ".Ng".
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fmt {

template <typename Range>
struct Joined {
  const Range& range;
  std::string_view separator;
};

template <typename Range>
Joined<Range> join(const Range& range, std::string_view separator) {
  return {range, separator};
}

namespace stand_in {

template <typename T>
struct IsJoined : std::false_type {};
template <typename Range>
struct IsJoined<Joined<Range>> : std::true_type {};

inline std::string Printed(const char* format, double value) {
  char text[512];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

// The shortest text that is read back as the same value, as {} yields it.
template <typename T>
std::string Shortest(T value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  return {text, end};
}

template <typename T>
std::string TextOf(const T& value, const std::string& specification) {
  if constexpr (IsJoined<T>::value) {
    std::string text;
    for (const auto& item : value.range) {
      if (!text.empty()) text += value.separator;
      text += TextOf(item, specification);
    }
    return text;
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, char>) {
    return std::string(1, value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return specification.empty() ? Shortest(value) : Printed(("%" + specification).c_str(), static_cast<double>(value));
  } else if constexpr (std::is_integral_v<T>) {
    if (specification != "#x") return std::to_string(value);
    std::ostringstream hex;
    hex << "0x" << std::hex << static_cast<uint64_t>(value);
    return hex.str();
  } else {
    return std::string(std::string_view(value));
  }
}

// Copies `format` up to its next field, which it takes away, and returns the field's specification.
inline std::string NextField(std::string_view& format, std::string& out) {
  while (!format.empty()) {
    const char c = format.front();
    format.remove_prefix(1);
    const bool doubled = !format.empty() && format.front() == c && (c == '{' || c == '}');
    if (doubled) format.remove_prefix(1);
    if (c != '{' || doubled) {
      out += c;
      continue;
    }
    const size_t end = format.find('}');
    std::string field(format.substr(0, end));
    format.remove_prefix(end + 1);
    return field.empty() ? field : field.substr(1);  // behind the colon
  }
  return "";
}

inline void Append(std::string_view format, std::string& out) { (void)NextField(format, out); }

template <typename First, typename... Rest>
void Append(std::string_view format, std::string& out, const First& first, const Rest&... rest) {
  const std::string specification = NextField(format, out);
  out += TextOf(first, specification);
  Append(format, out, rest...);
}

}  // namespace stand_in

template <typename...>
using format_string = std::string_view;

template <typename... Args>
std::string format(std::string_view text, const Args&... args) {
  std::string out;
  stand_in::Append(text, out, static_cast<const std::decay_t<const Args&>&>(args)...);
  return out;
}

}  // namespace fmt

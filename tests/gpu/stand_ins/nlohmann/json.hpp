// A stand-in for nlohmann::json: a value, a parser of RFC 8259 and `dump`. Object members are sorted by name, as there.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace nlohmann {

class json {
 public:
  enum class error_handler_t { strict, replace };
  enum class parse_event_t { object_start, object_end, array_start, array_end, key, value };
  using parser_callback_t = std::function<bool(int depth, parse_event_t event, json& parsed)>;
  using Array = std::vector<json>;
  using Object = std::map<std::string, json>;

  class exception : public std::exception {
   public:
    explicit exception(std::string what) : what_(std::move(what)) {}
    const char* what() const noexcept override { return what_.c_str(); }

   private:
    std::string what_;
  };

  json() = default;
  json(bool value) : value_(value) {}
  json(double value) : value_(value) {}
  json(std::string value) : value_(std::move(value)) {}
  json(const char* value) : value_(std::string(value)) {}
  template <typename T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
  json(T value) {
    if (value < T{0}) {
      value_ = static_cast<int64_t>(value);
    } else {
      value_ = static_cast<uint64_t>(value);
    }
  }

  json(std::string_view value) : value_(std::string(value)) {}
  // A list of items; an object where each item is a list of a name and a value.
  json(std::initializer_list<json> items) {
    bool members = true;
    for (const json& item : items) members = members && item.is_array() && item.size() == 2 && item[0].is_string();
    if (!members) {
      value_ = Array(items);
      return;
    }
    Object object;
    for (const json& item : items) object[item[0].Of<std::string>()] = item[1];
    value_ = std::move(object);
  }
  template <typename Range, typename Item = typename Range::key_type>
  json(const Range& range) : value_(Array(range.begin(), range.end())) {}
  template <typename T>
  json(const std::vector<T>& range) : value_(Array(range.begin(), range.end())) {}

  static json object() { return json(Object()); }
  static json array(std::initializer_list<json> items = {}) { return json(Array(items)); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_boolean() const { return std::holds_alternative<bool>(value_); }
  bool is_number_unsigned() const { return std::holds_alternative<uint64_t>(value_); }
  bool is_number_integer() const { return is_number_unsigned() || std::holds_alternative<int64_t>(value_); }
  bool is_number() const { return is_number_integer() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  template <typename T>
  T get() const {
    if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, bool>) {
      return Of<T>();
    } else {
      if (const auto* number = std::get_if<uint64_t>(&value_)) return static_cast<T>(*number);
      if (const auto* number = std::get_if<int64_t>(&value_)) return static_cast<T>(*number);
      return static_cast<T>(Of<double>());
    }
  }
  template <typename T>
  T get_ref() const {
    return Of<std::decay_t<T>>();
  }

  size_t size() const { return is_array() ? Of<Array>().size() : is_object() ? Of<Object>().size() : !is_null(); }
  bool empty() const { return size() == 0; }
  bool contains(const std::string& key) const { return is_object() && Of<Object>().count(key) != 0; }
  const json& at(const std::string& key) const {
    if (!contains(key)) throw exception("there is no " + key);
    return Of<Object>().at(key);
  }
  const json& operator[](const char* key) const { return at(key); }
  json& operator[](const char* key) { return (*this)[std::string(key)]; }
  template <typename T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  json& operator[](T i) {
    return std::get<Array>(value_)[static_cast<size_t>(i)];
  }
  template <typename T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  const json& operator[](T i) const {
    return Of<Array>()[static_cast<size_t>(i)];
  }
  json& operator[](const std::string& key) {
    if (is_null()) value_ = Object();
    return std::get<Object>(value_)[key];
  }
  void push_back(json value) { std::get<Array>(value_).push_back(std::move(value)); }
  template <typename T>
  T value(const std::string& key, T fallback) const {
    return contains(key) ? at(key).get<T>() : fallback;
  }

  // Over the members of an object or the items of an array.
  class const_iterator {
   public:
    const_iterator() = default;
    explicit const_iterator(Object::const_iterator member) : in_object_(true), member_(member) {}
    explicit const_iterator(Array::const_iterator item) : item_(item) {}
    const json& operator*() const { return in_object_ ? member_->second : *item_; }
    const json* operator->() const { return &**this; }
    const std::string& key() const { return member_->first; }
    const json& value() const { return **this; }
    const_iterator& operator++() {
      if (in_object_) {
        ++member_;
      } else {
        ++item_;
      }
      return *this;
    }
    bool operator==(const const_iterator& other) const {
      return in_object_ ? member_ == other.member_ : item_ == other.item_;
    }
    bool operator!=(const const_iterator& other) const { return !(*this == other); }

   private:
    bool in_object_ = false;
    Object::const_iterator member_;
    Array::const_iterator item_;
  };
  const_iterator begin() const {
    return is_object() ? const_iterator(Of<Object>().begin()) : const_iterator(Items().begin());
  }
  const_iterator end() const {
    return is_object() ? const_iterator(Of<Object>().end()) : const_iterator(Items().end());
  }
  const_iterator find(const std::string& key) const {
    return is_object() ? const_iterator(Of<Object>().find(key)) : end();
  }
  const Object& items() const { return Of<Object>(); }

  template <typename T>
  bool operator>(const T& number) const {
    return get<T>() > number;
  }

  std::string dump(int = -1, char = ' ', bool = false, error_handler_t = error_handler_t::strict) const;

  static json parse(std::string_view text, const parser_callback_t& watch = nullptr);
  static json parse(const char* begin, const char* end, const parser_callback_t& watch = nullptr) {
    return parse(std::string_view(begin, static_cast<size_t>(end - begin)), watch);
  }

 private:
  class Parser;
  explicit json(Object value) : value_(std::move(value)) {}
  explicit json(Array value) : value_(std::move(value)) {}
  template <typename T>
  const T& Of() const {
    const T* value = std::get_if<T>(&value_);
    if (value == nullptr) throw exception("a value is of another type than expected");
    return *value;
  }
  const Array& Items() const {
    static const Array none;
    return is_array() ? Of<Array>() : none;
  }

  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> value_;
};

class json::Parser {
 public:
  Parser(std::string_view text, const parser_callback_t& watch) : text_(text), watch_(watch) {}

  json ParseAll() {
    json value = ParseValue(0);
    SkipSpace();
    if (at_ != text_.size()) Fail("the end");
    return value;
  }

 private:
  [[noreturn]] void Fail(const std::string& expected) const {
    throw exception("at byte " + std::to_string(at_ + 1) + ": expected " + expected);
  }
  void SkipSpace() {
    while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_]) != nullptr && text_[at_] != '\0') ++at_;
  }
  char Peek() {
    SkipSpace();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  void Take(char c) {
    if (Peek() != c) Fail(std::string(1, c));
    ++at_;
  }
  bool TakeWord(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void Tell(int depth, parse_event_t event, json& value) {
    if (watch_ && !watch_(depth, event, value)) throw exception("the reader stopped");
  }

  json ParseValue(int depth) {
    if (depth > 1000) Fail("less nesting");
    switch (Peek()) {
      case '{':
        return ParseObject(depth);
      case '[':
        return ParseArray(depth);
      case '"':
        return json(ParseString());
      default:
        break;
    }
    if (TakeWord("true")) return json(true);
    if (TakeWord("false")) return json(false);
    if (TakeWord("null")) return json();
    return ParseNumber();
  }

  json ParseObject(int depth) {
    json start;
    Tell(depth, parse_event_t::object_start, start);
    Take('{');
    Object members;
    while (Peek() != '}') {
      if (!members.empty()) Take(',');
      if (Peek() != '"') Fail("a name");
      json key(ParseString());
      Tell(depth + 1, parse_event_t::key, key);
      Take(':');
      members[key.Of<std::string>()] = ParseValue(depth + 1);
      if (Peek() != ',' && Peek() != '}') Fail("',' or '}'");
    }
    Take('}');
    return json(std::move(members));
  }

  json ParseArray(int depth) {
    json start;
    Tell(depth, parse_event_t::array_start, start);
    Take('[');
    Array items;
    while (Peek() != ']') {
      if (!items.empty()) Take(',');
      items.push_back(ParseValue(depth + 1));
      if (Peek() != ',' && Peek() != ']') Fail("',' or ']'");
    }
    Take(']');
    return json(std::move(items));
  }

  json ParseNumber() {
    const char* begin = text_.data() + at_;
    const char* end = text_.data() + text_.size();
    const char* stop = begin;
    while (stop != end && std::strchr("+-.0123456789eE", *stop) != nullptr && *stop != '\0') ++stop;
    at_ += static_cast<size_t>(stop - begin);
    const std::string_view digits(begin, static_cast<size_t>(stop - begin));
    if (!IsNumber(digits)) Fail("a value");
    if (digits.find_first_of(".eE") == std::string_view::npos) {
      uint64_t whole = 0;
      if (Read(begin, stop, whole)) return json(whole);
      int64_t negative = 0;
      if (Read(begin, stop, negative)) return json(negative);
    }
    double number = 0;
    if (!Read(begin, stop, number)) Fail("a value");
    return json(number);
  }
  // -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
  static bool IsNumber(std::string_view text) {
    const auto take_digits = [&] {
      const size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
      text.remove_prefix(count);
      return count > 0;
    };
    if (text.starts_with('-')) text.remove_prefix(1);
    if (text.starts_with('0')) {
      text.remove_prefix(1);
    } else if (!take_digits()) {
      return false;
    }
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      if (!take_digits()) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
      text.remove_prefix(1);
      if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
      if (!take_digits()) return false;
    }
    return text.empty();
  }
  template <typename T>
  static bool Read(const char* begin, const char* stop, T& number) {
    const auto [read, error] = std::from_chars(begin, stop, number);
    return error == std::errc() && read == stop && begin != stop;
  }

  std::string ParseString() {
    Take('"');
    std::string text;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) Fail("no control character in a text");
      if (text_[at_] != '\\') {
        text += text_[at_++];
        continue;
      }
      ++at_;
      TakeEscape(text);
    }
    if (at_ == text_.size()) Fail("the end of a text");
    ++at_;
    return text;
  }

  void TakeEscape(std::string& text) {
    static constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    if (const size_t place = kNames.find(c); place != std::string_view::npos && c != '\0') {
      text += kValues[place];
      return;
    }
    if (c != 'u') Fail("an escape");
    uint32_t code = TakeHex();
    if (code >= 0xDC00 && code < 0xE000) Fail("the first half of a surrogate pair");
    if (code >= 0xD800 && code < 0xDC00) {
      const uint32_t second = TakeWord("\\u") ? TakeHex() : 0;
      if (second < 0xDC00 || second >= 0xE000) Fail("the second half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (second - 0xDC00);
    }
    AppendUtf8(code, text);
  }

  uint32_t TakeHex() {
    uint32_t code = 0;
    const char* begin = text_.data() + at_;
    if (at_ + 4 > text_.size() || std::from_chars(begin, begin + 4, code, 16).ptr != begin + 4) Fail("four hex digits");
    at_ += 4;
    return code;
  }

  static void AppendUtf8(uint32_t code, std::string& text) {
    if (code < 0x80) {
      text += static_cast<char>(code);
      return;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    text += static_cast<char>((0xFF00 >> (more + 1) & 0xFF) | (code >> (6 * more)));
    for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | (code >> (6 * i) & 0x3F));
  }

  std::string_view text_;
  const parser_callback_t& watch_;
  size_t at_ = 0;
};

inline json json::parse(std::string_view text, const parser_callback_t& watch) {
  return Parser(text, watch).ParseAll();
}

namespace stand_in {
inline std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
      continue;
    }
    char escape[8];
    std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
    out += escape;
  }
  return out + '"';
}
}  // namespace stand_in

inline std::string json::dump(int, char, bool, error_handler_t) const {
  std::string out;
  if (is_boolean()) return Of<bool>() ? "true" : "false";
  if (is_number_unsigned()) return std::to_string(Of<uint64_t>());
  if (is_number_integer()) return std::to_string(Of<int64_t>());
  if (is_string()) return stand_in::Quoted(Of<std::string>());
  if (is_number()) {
    if (!std::isfinite(Of<double>())) return "null";
    char text[64];
    out.assign(text, std::to_chars(text, text + sizeof(text), Of<double>()).ptr);
    if (out.find_first_of(".e") == std::string::npos) out += ".0";
    return out;
  }
  if (is_array()) {
    for (const json& item : Of<Array>()) out.append(out.empty() ? "[" : ",").append(item.dump());
    return out.append(out.empty() ? "[]" : "]");
  }
  if (is_object()) {
    for (const auto& [name, value] : Of<Object>()) {
      out.append(out.empty() ? "{" : ",").append(stand_in::Quoted(name)).append(":").append(value.dump());
    }
    return out.append(out.empty() ? "{}" : "}");
  }
  return "null";
}

using ordered_json = json;

}  // namespace nlohmann

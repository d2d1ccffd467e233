#include "table/resources.h"

#include <cctype>
#include <charconv>
#include <regex>
#include <sstream>

namespace blip3o::table {

namespace {

// Marks the place from which addresses of this program are counted.
extern "C" void blip3o_table_anchor() {}

int64_t NumberBefore(const std::string& line, const std::string& words) {
  const std::regex pattern("([0-9]+) " + words);
  std::smatch match;
  return std::regex_search(line, match, pattern) ? std::stoll(match[1]) : 0;
}

}  // namespace

// A source name is its length and itself; nvcc's for a namespace without one is "_GLOBAL__N__" and more.
std::string Normalized(const std::string& mangled) {
  const std::string mark = "_GLOBAL__N_";
  const size_t at = mangled.find(mark);
  if (at == std::string::npos) return mangled;
  size_t digits = at;
  while (digits > 0 && std::isdigit(static_cast<unsigned char>(mangled[digits - 1])) != 0) --digits;
  // "4cuda55_GLOBAL__N__…": the digits before the mark are all of its length.
  size_t length = 0;
  std::from_chars(mangled.data() + digits, mangled.data() + at, length);
  if (length == 0 || at + length > mangled.size()) return mangled;
  // The function that launches for nvcc on the host is its file's alone: 'L' stands before the name.
  const size_t name = at + length;
  const bool internal = name + 1 < mangled.size() && mangled[name] == 'L' &&
                        std::isdigit(static_cast<unsigned char>(mangled[name + 1])) != 0;
  return mangled.substr(0, digits) + "12_GLOBAL__N_1" + Normalized(mangled.substr(name + (internal ? 1 : 0)));
}

std::map<std::string, Resources> ReadResources(std::istream& log, const std::string& architecture) {
  static const std::regex entry("entry function '([^']+)' for '([^']+)'");
  std::map<std::string, Resources> all;
  Resources* current = nullptr;
  for (std::string line; std::getline(log, line);) {
    std::smatch match;
    if (std::regex_search(line, match, entry)) {
      current = match[2] == architecture ? &all[Normalized(match[1])] : nullptr;
    } else if (current != nullptr && line.find("spill") != std::string::npos) {
      current->spilled_bytes = NumberBefore(line, "bytes spill stores") + NumberBefore(line, "bytes spill loads");
    } else if (current != nullptr && line.find("Used ") != std::string::npos) {
      current->registers = static_cast<int>(NumberBefore(line, "registers"));
      current->shared_bytes = NumberBefore(line, "bytes smem");
    }
  }
  return all;
}

std::map<const void*, std::string> ReadSymbols(std::istream& symbols) {
  std::map<uintptr_t, std::string> by_offset;
  uintptr_t anchor = 0;
  for (std::string line; std::getline(symbols, line);) {
    std::istringstream words(line);
    std::string address, kind, name;
    if (!(words >> address >> kind >> name)) continue;
    const uintptr_t offset = std::stoull(address, nullptr, 16);
    if (name == "blip3o_table_anchor") anchor = offset;
    by_offset[offset] = Normalized(name);
  }
  const uintptr_t slide = reinterpret_cast<uintptr_t>(&blip3o_table_anchor) - anchor;
  std::map<const void*, std::string> all;
  for (auto& [offset, name] : by_offset) all[reinterpret_cast<const void*>(offset + slide)] = name;
  return all;
}

}  // namespace blip3o::table

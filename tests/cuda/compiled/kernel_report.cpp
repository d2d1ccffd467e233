#include "compiled/kernel_report.h"

#include <fstream>
#include <regex>

#include "table/resources.h"

namespace blip3o::compiled {

namespace {

int64_t NumberBefore(const std::string& line, const std::string& words) {
  const std::regex pattern("([0-9]+) " + words);
  std::smatch match;
  return std::regex_search(line, match, pattern) ? std::stoll(match[1]) : 0;
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

void ReadResources(std::istream& log, Report& report) {
  static const std::regex entry("entry function '([^']+)' for '([^']+)'");
  Resources* current = nullptr;
  for (std::string line; std::getline(log, line);) {
    std::smatch match;
    if (std::regex_search(line, match, entry)) {
      current = &report[table::Normalized(match[1])].resources[match[2]];
    } else if (current != nullptr && line.find("stack frame") != std::string::npos) {
      // Of the kernel, and of functions that it calls.
      current->stack_bytes += NumberBefore(line, "bytes stack frame");
      current->spilled_bytes += NumberBefore(line, "bytes spill stores") + NumberBefore(line, "bytes spill loads");
    } else if (current != nullptr && line.find("Used ") != std::string::npos) {
      current->registers = static_cast<int>(NumberBefore(line, "registers"));
      current->shared_bytes = NumberBefore(line, "bytes smem");
    }
  }
}

void ReadProgram(std::istream& ptx, Report& report) {
  static const std::regex entry("\\.entry ([A-Za-z0-9_$]+)");
  static const std::regex threads("^\\.maxntid ([0-9]+)"), blocks("^\\.minnctapersm ([0-9]+)");
  Program* current = nullptr;
  for (std::string line; std::getline(ptx, line);) {
    std::smatch match;
    if (std::regex_search(line, match, entry)) {
      current = &report[table::Normalized(match[1])].program;
    } else if (line == "}") {
      current = nullptr;
    } else if (current != nullptr && std::regex_search(line, match, threads)) {
      current->threads = std::stoi(match[1]);
    } else if (current != nullptr && std::regex_search(line, match, blocks)) {
      current->blocks_per_sm = std::stoi(match[1]);
    } else if (current != nullptr && line.find("mma.sync.") != std::string::npos) {
      current->multiplies = true;
    }
  }
}

Result<Report> ReadReport(const std::filesystem::path& folder) {
  Report report;
  std::error_code error;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder, error)) {
    const std::string name = file.path().filename().string();
    const bool is_log = EndsWith(name, ".ptxas");
    if (!is_log && !EndsWith(name, ".ptx")) continue;
    std::ifstream stream(file.path());
    if (!stream) return IoError("could not read " + file.path().string());
    is_log ? ReadResources(stream, report) : ReadProgram(stream, report);
  }
  if (report.empty()) return IoError("the compiler left nothing in " + folder.string() + ": build the kernels first");
  return report;
}

}  // namespace blip3o::compiled

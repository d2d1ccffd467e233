#include "build_commands.h"

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>

namespace blip3o::mutation {

namespace {

constexpr const char* kProgram = "tests/cuda/blip3o_cuda_tests";

void ReplaceAll(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

// Before every other folder of includes.
void PutFirst(std::string& line, const std::string& includes) {
  const size_t first = line.find(" -I");
  if (!includes.empty() && first != std::string::npos) line.insert(first, " -I" + includes);
}

std::string Quoted(const std::string& text) { return "'" + text + "'"; }

}  // namespace

int RunCommand(const std::string& command, const std::string& output_path, int seconds) {
  const std::string script = output_path + ".sh";
  std::ofstream(script) << command << "\n";
  const std::string limited = "timeout -k 5 " + std::to_string(seconds) + " bash " + Quoted(script) + " > " +
                              Quoted(output_path) + " 2>&1 < /dev/null";
  const int status = std::system(limited.c_str());
  std::filesystem::remove(script);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

BuildCommands::BuildCommands(const std::string& build) : build_(build) {
  const std::string command = "ninja -C " + Quoted(build) + " -t commands " + kProgram;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string line;
  for (int c = 0; pipe != nullptr && (c = std::fgetc(pipe.get())) != EOF;) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    if (line.find(std::string(" -o ") + kProgram + " ") != std::string::npos) link_line_ = line;
    lines_.push_back(std::move(line));
    line.clear();
  }
  if (link_line_.empty()) {
    error_ = "no command that links " + std::string(kProgram) + " in " + build + ": configure it with CMake and Ninja";
  }
}

std::string BuildCommands::CompileLine(const std::string& path) const {
  for (const std::string& line : lines_) {
    const size_t at = line.rfind(" -c " + path);
    if (at != std::string::npos && at + 4 + path.size() == line.size()) return line;
  }
  return {};
}

std::string BuildCommands::ObjectOf(const std::string& line) const {
  const size_t at = line.rfind(" -o ") + 4;
  return line.substr(at, line.find(' ', at) - at);
}

bool BuildCommands::Compile(const Unit& unit, const std::string& object) const {
  std::string line = CompileLine(unit.original);
  ReplaceAll(line, ObjectOf(line), object);
  ReplaceAll(line, " -c " + unit.original, " -c " + unit.path + " -Wno-error -w");
  PutFirst(line, unit.includes);
  return RunCommand("cd " + build_ + " && " + line, object + ".log", 600) == 0;
}

bool BuildCommands::Assemble(const Unit& unit, const std::string& assembly) const {
  std::string line = CompileLine(unit.original);
  ReplaceAll(line, ObjectOf(line), assembly);
  ReplaceAll(line, " -c " + unit.original, " -S " + unit.path + " -w");
  PutFirst(line, unit.includes);
  line = std::regex_replace(line, std::regex(" (-fsanitize|--param=tsan)[^ ]*"), "");
  return RunCommand("cd " + build_ + " && " + line, assembly + ".log", 600) == 0;
}

bool BuildCommands::Link(const std::string& object, const std::string& program) const {
  std::string line = link_line_;
  ReplaceAll(line, std::string(" -o ") + kProgram + " ", " -o " + program + " ");
  // Before the libraries, so that what `object` defines is not looked for in them, and behind the harness, whose inline
  // functions call no checks.
  const size_t library = line.find(".a ");
  if (library == std::string::npos) return false;
  line.insert(line.rfind(' ', library), " " + object);
  // What the program finds beside itself in the build it finds there still.
  ReplaceAll(line, "\\$ORIGIN", build_ + "/tests/cuda");
  return RunCommand("cd " + build_ + " && " + line, program + ".log", 600) == 0;
}

}  // namespace blip3o::mutation

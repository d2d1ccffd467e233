// How the build compiles a kernel's file and links the tests, with one file exchanged.
#pragma once

#include <string>
#include <vector>

namespace blip3o::mutation {

// Runs a command of the shell with its output in a file; the exit status, 124 where it took longer than `seconds`.
int RunCommand(const std::string& command, const std::string& output_path, int seconds);

// `path` is compiled in place of `original`, which may be the same.
struct Unit {
  std::string original, path, includes;
};

class BuildCommands {
 public:
  // Reads what ninja would do for the tests. `build`: a folder that CMake has configured and in which they are built.
  explicit BuildCommands(const std::string& build);

  // Empty where all was found, else what is missing.
  const std::string& error() const { return error_; }
  // Whether `path` is compiled for the tests.
  bool Compiles(const std::string& path) const { return !CompileLine(path).empty(); }

  // Compiles `unit`; a file below `includes` comes before the one of the same path among the sources.
  bool Compile(const Unit& unit, const std::string& object) const;
  // The machine code as text, without checks and without places in the source.
  bool Assemble(const Unit& unit, const std::string& assembly) const;
  // Links the tests with `object` in place of the one that defines the same.
  bool Link(const std::string& object, const std::string& program) const;

 private:
  std::string CompileLine(const std::string& path) const;
  std::string ObjectOf(const std::string& line) const;

  std::string build_, link_line_, error_;
  std::vector<std::string> lines_;
};

}  // namespace blip3o::mutation

// How many of the mistakes that one can make in a kernel the tests notice. Draws mutations of the device's functions in
// native/src/ops/cuda, compiles each mutated file by itself, links it with the rest as it was built, and runs the tests
// of its family. A header's mutation is compiled with up to three files that use the function; the tests of one of them
// are to notice it.
//
//   blip3o_mutate --source ROOT --build BUILD --out FOLDER [--count 100] [--seed 1] [--least 95] [--jobs 2]
//                 [--seconds 300] [--only FILE] [--report FILE.md]
//
// The kinds of mutations are drawn equally often as far as there are places for them. A mutation that does not compile,
// or that compiles to the same machine code, is replaced by another. Every result is noted in FOLDER at once: a run
// that was interrupted goes on where it was, as long as the sources are the same. Exit status 1: fewer than --least
// were caught.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "build_commands.h"
#include "source.h"

namespace fs = std::filesystem;

namespace blip3o::mutation {

namespace {

constexpr const char* kKernels = "native/src/ops/cuda";

struct Settings {
  fs::path source, build, out, report;
  std::string only;
  int count = 100, least = 95, jobs = 2, seconds = 300;
  uint64_t seed = 1;
};

// A file with functions that run on the device.
struct Source {
  fs::path path;
  std::string text;
  std::vector<Mutation> mutations;
};

// A file that the build compiles, and its tests.
struct Family {
  fs::path path;
  std::string text, filter;
};

struct Draw {
  size_t source = 0, mutation = 0;
};

struct Outcome {
  std::string verdict;  // "caught", "survived", "same code", "does not compile"
  std::string detail;
  bool Counts() const { return verdict == "caught" || verdict == "survived"; }
};

std::string ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The suites of tests/cuda/NAME_test.cpp; all but the harness's own where there is no such file.
std::string FilterFor(const fs::path& source, const std::string& name) {
  const std::string tests = ReadText(source / "tests/cuda" / (name + "_test.cpp"));
  std::set<std::string> suites;
  const std::regex test("TEST(?:_F|_P)?\\(\\s*(\\w+)\\s*,");
  for (auto it = std::sregex_iterator(tests.begin(), tests.end(), test); it != std::sregex_iterator(); ++it) {
    suites.insert((*it)[1].str() + ".*");
  }
  if (suites.empty()) return "-Lanes.*";
  std::string filter;
  for (const std::string& suite : suites) filter += (filter.empty() ? "" : ":") + suite;
  return filter;
}

std::vector<fs::path> FilesWith(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Family> ReadFamilies(const Settings& settings, const BuildCommands& commands) {
  std::vector<Family> families;
  for (const fs::path& path : FilesWith(settings.source / kKernels, ".cu")) {
    if (!commands.Compiles(path.string())) continue;
    families.push_back({path, ReadText(path), FilterFor(settings.source, path.stem().string())});
  }
  return families;
}

// The families' files, and the headers but ptx.h, which the lanes have of their own.
std::vector<Source> ReadSources(const Settings& settings, const std::vector<Family>& families) {
  std::vector<Source> sources;
  const auto read = [&](const fs::path& path, const std::string& text) {
    if (!settings.only.empty() && path.filename() != settings.only) return;
    sources.push_back({path, text, AllMutations(text)});
  };
  for (const Family& family : families) read(family.path, family.text);
  for (const fs::path& path : FilesWith(settings.source / kKernels, ".h")) {
    if (path.filename() != "ptx.h") read(path, ReadText(path));
  }
  return sources;
}

uint64_t Next(uint64_t& state) {
  uint64_t x = state += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// Every mutation once, kind after kind in turn, the places of a kind in a seeded order.
std::vector<Draw> DrawOrder(const std::vector<Source>& sources, uint64_t seed) {
  std::map<std::string, std::vector<Draw>> by_kind;
  for (size_t s = 0; s < sources.size(); ++s) {
    for (size_t m = 0; m < sources[s].mutations.size(); ++m) by_kind[sources[s].mutations[m].kind].push_back({s, m});
  }
  uint64_t state = seed;
  for (auto& [kind, draws] : by_kind) {
    for (size_t i = draws.size(); i > 1; --i) std::swap(draws[i - 1], draws[Next(state) % i]);
  }
  std::vector<Draw> order;
  for (size_t round = 0;; ++round) {
    const size_t before = order.size();
    std::vector<Draw> turn;
    for (const auto& [kind, draws] : by_kind) {
      if (round < draws.size()) turn.push_back(draws[round]);
    }
    for (size_t i = turn.size(); i > 1; --i) std::swap(turn[i - 1], turn[Next(state) % i]);
    order.insert(order.end(), turn.begin(), turn.end());
    if (order.size() == before) return order;
  }
}

class Run {
 public:
  Run(const Settings& settings, const BuildCommands& commands, std::vector<Family> families)
      : settings_(settings),
        commands_(commands),
        families_(std::move(families)),
        sources_(ReadSources(settings, families_)),
        order_(DrawOrder(sources_, settings.seed)) {
    LoadCheckpoint();
  }

  void Go() {
    std::vector<std::thread> workers;
    for (int i = 0; i < settings_.jobs; ++i) workers.emplace_back([this] { Work(); });
    for (std::thread& worker : workers) worker.join();
  }

  // How many of the mutations that count were caught, of how many.
  std::pair<int, int> Caught() const {
    int caught = 0, all = 0;
    for (const auto& [index, outcome] : outcomes_) {
      all += outcome.Counts() ? 1 : 0;
      caught += outcome.verdict == "caught" ? 1 : 0;
    }
    return {caught, all};
  }

  std::string Report() const {
    std::map<std::string, std::pair<int, int>> kinds;
    std::string survivors;
    for (const auto& [index, outcome] : outcomes_) {
      if (!outcome.Counts()) continue;
      const Mutation& mutation = MutationOf(index);
      auto& [caught, all] = kinds[mutation.kind];
      ++all;
      caught += outcome.verdict == "caught" ? 1 : 0;
      if (outcome.verdict == "survived") survivors += "- `" + Where(index) + "`: " + What(index) + "\n";
    }
    const auto [caught, all] = Caught();
    std::ostringstream text;
    text << "Of " << all << " mutations (seed " << settings_.seed << ") " << caught << " were caught.\n\n"
         << "| mutation | caught | of |\n|---|---|---|\n";
    for (const auto& [kind, counts] : kinds) {
      text << "| " << kind << " | " << counts.first << " | " << counts.second << " |\n";
    }
    if (!survivors.empty()) text << "\nSurvivors:\n\n" << survivors;
    return text.str();
  }

 private:
  const Source& SourceOf(size_t index) const { return sources_[order_[index].source]; }
  const Mutation& MutationOf(size_t index) const { return SourceOf(index).mutations[order_[index].mutation]; }
  std::string Where(size_t index) const {
    return SourceOf(index).path.filename().string() + ":" + std::to_string(MutationOf(index).line);
  }
  std::string What(size_t index) const { return MutationOf(index).Describe(SourceOf(index).text); }

  // Those whose tests are to notice a mutation of `source`: the family itself, or up to three that use the function.
  std::vector<const Family*> Noticing(const Source& source, const std::string& function) const {
    constexpr size_t kMost = 3;
    const bool header = source.path.extension() == ".h";
    const std::regex used("\\b" + function + "\\b");
    std::vector<const Family*> found;
    for (const Family& family : families_) {
      const bool notices = header ? std::regex_search(family.text, used) : family.path == source.path;
      if (notices && found.size() < kMost) found.push_back(&family);
    }
    return found;
  }

  // Sources, tests and seed: results of other ones are of no use.
  std::string Identity() const {
    uint64_t hash = settings_.seed;
    const auto add = [&](const fs::path& path, const std::string& text) {
      hash = hash * 1099511628211u + std::hash<std::string>()(path.filename().string() + text);
    };
    for (const Source& source : sources_) add(source.path, source.text);
    for (const char* folder : {"tests/cuda", "tests/cuda/lanes", "tests/cuda/support"}) {
      for (const char* extension : {".cpp", ".h"}) {
        for (const fs::path& path : FilesWith(settings_.source / folder, extension)) add(path, ReadText(path));
      }
    }
    return "identity " + std::to_string(hash);
  }

  fs::path CheckpointPath() const { return settings_.out / "results.txt"; }

  void LoadCheckpoint() {
    std::ifstream in(CheckpointPath());
    std::string line;
    if (std::getline(in, line) && line == Identity()) {
      while (std::getline(in, line)) {
        std::istringstream fields(line);
        std::string index, where;
        Outcome outcome;
        std::getline(fields, index, '\t');
        std::getline(fields, outcome.verdict, '\t');
        std::getline(fields, outcome.detail, '\t');
        if (!fields.fail()) outcomes_[std::stoul(index)] = outcome;
      }
      return;
    }
    in.close();
    std::ofstream(CheckpointPath()) << Identity() << "\n";
  }

  void Note(size_t index, const Outcome& outcome) {
    outcomes_[index] = outcome;
    std::ofstream(CheckpointPath(), std::ios::app) << index << '\t' << outcome.verdict << '\t' << outcome.detail << '\t'
                                                   << Where(index) << '\t' << What(index) << std::endl;
    std::cout << "[" << Caught().second << "/" << settings_.count << "] " << outcome.verdict << "  " << Where(index)
              << "  " << What(index) << "  " << outcome.detail << std::endl;
  }

  // The next mutation, as long as those that count and those under way are not enough.
  bool Take(size_t& index) {
    std::lock_guard lock(mutex_);
    while (next_ < order_.size() && outcomes_.count(next_) != 0 && Reached() < settings_.count) {
      counted_ += outcomes_[next_].Counts() ? 1 : 0;
      ++next_;
    }
    if (next_ == order_.size() || Reached() >= settings_.count) return false;
    index = next_++;
    ++under_way_;
    return true;
  }
  int Reached() const { return counted_ + under_way_; }

  void Work() {
    for (size_t index = 0; Take(index);) {
      const Outcome outcome = Try(index);
      std::lock_guard lock(mutex_);
      --under_way_;
      counted_ += outcome.Counts() ? 1 : 0;
      Note(index, outcome);
    }
  }

  // In a folder of its own, which only a survivor leaves.
  Outcome Try(size_t index) {
    const Source& source = SourceOf(index);
    const fs::path folder = settings_.out / std::to_string(index);
    const fs::path mutated = folder / fs::relative(source.path, settings_.source / "native/src");
    fs::create_directories(mutated.parent_path());
    // Places in the source stay what they were.
    std::ofstream(mutated) << "#line 1 \"" << source.path.string() << "\"\n"
                           << MutationOf(index).AppliedTo(source.text);
    Outcome outcome{"same code", ""};
    for (const Family* family : Noticing(source, MutationOf(index).function)) {
      const Outcome found = TryIn(*family, source.path == family->path ? mutated : family->path, folder);
      if (found.Counts() || !outcome.Counts()) outcome = found;
      if (outcome.verdict == "caught") break;
    }
    if (outcome.verdict != "survived") fs::remove_all(folder);
    return outcome;
  }

  Outcome TryIn(const Family& family, const fs::path& path, const fs::path& folder) {
    const Unit unit{family.path.string(), path.string(), folder.string()};
    const std::string stem = (folder / family.path.stem()).string();
    const std::string object = stem + ".o", program = stem + ".tests";
    if (!commands_.Assemble(unit, stem + ".s")) return {"does not compile", ""};
    if (ReadText(stem + ".s") == AssemblyOf(family)) return {"same code", ""};
    if (!commands_.Compile(unit, object)) return {"does not compile", ""};
    if (!commands_.Link(object, program)) return {"does not compile", "not linked"};
    const std::string tests = program + " --gtest_fail_fast --gtest_brief=1 --gtest_filter='" + family.filter + "'";
    const int status = RunCommand(tests, stem + ".txt", settings_.seconds);
    for (const char* left : {".s", ".s.log", ".o", ".o.log", ".o.d", ".s.d", ".tests", ".tests.log"}) {
      fs::remove(stem + left);
    }
    if (status == 0) return {"survived", ""};
    if (status == 124 || status == 137) return {"caught", "time limit"};
    return {"caught", FirstFailure(ReadText(stem + ".txt"))};
  }

  static std::string FirstFailure(const std::string& output) {
    std::smatch match;
    const std::regex failed("\\[  FAILED  \\] (\\S+)");
    return std::regex_search(output, match, failed) ? match[1].str() : "ended by itself";
  }

  const std::string& AssemblyOf(const Family& family) {
    std::lock_guard lock(assembly_mutex_);
    std::string& assembly = assemblies_[family.path];
    if (assembly.empty()) {
      const std::string stem = (settings_.out / family.path.stem()).string();
      // A file that names itself by #line, as the mutated ones do.
      std::ofstream(stem + ".cu") << "#line 1 \"" << family.path.string() << "\"\n" << family.text;
      commands_.Assemble({family.path.string(), stem + ".cu", ""}, stem + ".s");
      assembly = ReadText(stem + ".s");
      for (const char* left : {".cu", ".s", ".s.log", ".s.d"}) fs::remove(stem + left);
    }
    return assembly;
  }

  const Settings& settings_;
  const BuildCommands& commands_;
  const std::vector<Family> families_;
  const std::vector<Source> sources_;
  const std::vector<Draw> order_;
  std::mutex mutex_, assembly_mutex_;
  std::map<fs::path, std::string> assemblies_;
  std::map<size_t, Outcome> outcomes_;
  size_t next_ = 0;
  int counted_ = 0, under_way_ = 0;
};

bool Parse(int argc, char** argv, Settings& settings) {
  const std::map<std::string, std::function<void(const std::string&)>> options = {
      {"--source", [&](const std::string& v) { settings.source = fs::weakly_canonical(v); }},
      {"--build", [&](const std::string& v) { settings.build = fs::weakly_canonical(v); }},
      {"--out", [&](const std::string& v) { settings.out = fs::weakly_canonical(v); }},
      {"--report", [&](const std::string& v) { settings.report = v; }},
      {"--only", [&](const std::string& v) { settings.only = v; }},
      {"--count", [&](const std::string& v) { settings.count = std::stoi(v); }},
      {"--least", [&](const std::string& v) { settings.least = std::stoi(v); }},
      {"--jobs", [&](const std::string& v) { settings.jobs = std::stoi(v); }},
      {"--seconds", [&](const std::string& v) { settings.seconds = std::stoi(v); }},
      {"--seed", [&](const std::string& v) { settings.seed = std::stoull(v); }}};
  for (int i = 1; i < argc; i += 2) {
    const auto option = options.find(argv[i]);
    if (option == options.end() || i + 1 == argc) {
      std::cerr << "unknown, or without a value: " << argv[i] << "\n";
      return false;
    }
    option->second(argv[i + 1]);
  }
  if (settings.source.empty() || settings.build.empty() || settings.out.empty()) {
    std::cerr << "--source, --build and --out are needed\n";
    return false;
  }
  return true;
}

int Main(int argc, char** argv) {
  Settings settings;
  if (!Parse(argc, argv, settings)) return 2;
  fs::create_directories(settings.out);
  const BuildCommands commands(settings.build.string());
  if (!commands.error().empty()) {
    std::cerr << commands.error() << "\n";
    return 2;
  }
  Run run(settings, commands, ReadFamilies(settings, commands));
  run.Go();
  const std::string report = run.Report();
  std::cout << "\n" << report;
  if (!settings.report.empty()) std::ofstream(settings.report) << report;
  return run.Caught().first >= settings.least ? 0 : 1;
}

}  // namespace

}  // namespace blip3o::mutation

int main(int argc, char** argv) { return blip3o::mutation::Main(argc, argv); }

// Runs the registered tests one after the other, each printed as it ends; the last line is the summary.
#include "gtest/gtest.h"

#include <algorithm>
#include <exception>

namespace testing {

namespace internal {

State& CurrentState() {
  static State state;
  return state;
}
std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}
std::vector<std::function<void()>>& Instantiations() {
  static std::vector<std::function<void()>> all;
  return all;
}

namespace {

std::string& Filter() {
  static std::string filter;
  return filter;
}

bool Matches(const char* pattern, const char* name) {
  if (*pattern == '\0') return *name == '\0';
  if (*pattern == '*') return Matches(pattern + 1, name) || (*name != '\0' && Matches(pattern, name + 1));
  return *pattern == *name && Matches(pattern + 1, name + 1);
}

bool MatchesAny(const std::string& patterns, const std::string& name) {
  std::istringstream list(patterns);
  for (std::string pattern; std::getline(list, pattern, ':');) {
    if (Matches(pattern.c_str(), name.c_str())) return true;
  }
  return false;
}

bool IsWanted(const std::string& filter, const std::string& name) {
  const size_t minus = filter.find('-');
  const std::string wanted = filter.substr(0, minus);
  if (!wanted.empty() && !MatchesAny(wanted, name)) return false;
  return minus == std::string::npos || !MatchesAny(filter.substr(minus + 1), name);
}

void RunCase(const Case& one) {
  CurrentState() = State();
  try {
    if (one.before) one.before();
    const std::unique_ptr<Test> test = one.make();
    test->SetUp();
    if (!CurrentState().fatal && !CurrentState().skipped) test->TestBody();
    test->TearDown();
  } catch (const std::exception& error) {
    std::cout << "an exception: " << error.what() << '\n';
    CurrentState().failed = true;
  }
}

}  // namespace

int RunAll() {
  for (const auto& instantiate : Instantiations()) instantiate();
  int passed = 0, failed = 0, skipped = 0;
  for (const Case& one : Cases()) {
    if (!IsWanted(Filter(), one.name)) continue;
    RunCase(one);
    const State& state = CurrentState();
    ++(state.failed ? failed : state.skipped ? skipped : passed);
    std::cout << (state.failed ? "FAILED " : state.skipped ? "skipped " : "ok ") << one.name;
    if (!one.parameter.empty()) std::cout << " (" << one.parameter << ')';
    std::cout << std::endl;
  }
  std::cout << passed << " passed, " << failed << " failed, " << skipped << " skipped" << std::endl;
  return failed == 0 && passed + skipped > 0 ? 0 : 1;
}

}  // namespace internal

void InitGoogleTest(int* argc, char** argv) {
  const std::string option = "--gtest_filter=";
  for (int i = 1; i < *argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with(option)) internal::Filter() = argument.substr(option.size());
  }
}

bool Test::HasFailure() { return internal::CurrentState().failed; }
bool Test::HasFatalFailure() { return internal::CurrentState().fatal; }

}  // namespace testing

// A stand-in for GoogleTest: as much as the tests of operations and the golden tests use.
// --gtest_filter=PATTERN[:PATTERN…] takes '*', and a '-' before the patterns of what to leave out.
#pragma once

#include <cmath>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace testing {

class AssertionResult {
 public:
  explicit AssertionResult(bool success) : success_(success) {}
  operator bool() const { return success_; }
  const std::string& message() const { return message_; }
  template <typename T>
  AssertionResult& operator<<(const T& value) {
    std::ostringstream text;
    text << value;
    message_ += text.str();
    return *this;
  }

 private:
  bool success_;
  std::string message_;
};
inline AssertionResult AssertionSuccess() { return AssertionResult(true); }
inline AssertionResult AssertionFailure() { return AssertionResult(false); }

// A text, streamed together.
class Message {
 public:
  template <typename T>
  Message& operator<<(const T& value) {
    text_ << value;
    return *this;
  }
  friend std::ostream& operator<<(std::ostream& out, const Message& message) { return out << message.text_.str(); }

 private:
  std::ostringstream text_;
};

class Test {
 public:
  virtual ~Test() = default;
  virtual void SetUp() {}
  virtual void TearDown() {}
  virtual void TestBody() = 0;
  template <typename T>
  static void RecordProperty(const std::string&, const T&) {}
  static bool HasFailure();
  static bool HasFatalFailure();
};

template <typename T>
class WithParamInterface {
 public:
  virtual ~WithParamInterface() = default;
  static const T& GetParam() { return *Current(); }
  static const T*& Current() {
    static const T* current = nullptr;
    return current;
  }
};
template <typename T>
class TestWithParam : public Test, public WithParamInterface<T> {
 public:
  using ParamType = T;
};

namespace internal {

struct State {
  bool failed = false, fatal = false, skipped = false;
  std::vector<std::string> traces;
};
State& CurrentState();

struct Case {
  std::string name;
  std::string parameter;
  std::function<std::unique_ptr<Test>()> make;
  std::function<void()> before;
};
std::vector<Case>& Cases();
int RunAll();

inline bool Register(std::string name, std::function<std::unique_ptr<Test>()> make) {
  Cases().push_back({std::move(name), "", std::move(make), [] {}});
  return true;
}

template <typename T, typename = void>
struct IsPrintable : std::false_type {};
template <typename T>
struct IsPrintable<T, std::void_t<decltype(std::declval<std::ostream&>() << std::declval<const T&>())>>
    : std::true_type {};

template <typename T>
std::string Printed(const T& value) {
  std::ostringstream text;
  if constexpr (requires { PrintTo(value, &text); }) {
    PrintTo(value, &text);
  } else if constexpr (std::is_same_v<T, bool>) {
    text << (value ? "true" : "false");
  } else if constexpr (std::is_same_v<T, char> || std::is_same_v<T, signed char> || std::is_same_v<T, unsigned char>) {
    text << static_cast<int>(value);
  } else if constexpr (std::is_enum_v<T>) {
    text << static_cast<int64_t>(value);
  } else if constexpr (IsPrintable<T>::value) {
    text << value;
  } else {
    text << "an object of " << sizeof(T) << " bytes";
  }
  return text.str();
}

// Prints what failed when it ends; what is streamed into it follows.
class Failure {
 public:
  Failure(const char* file, int line, std::string what, bool fatal) : fatal_(fatal) {
    text_ << file << ':' << line << ": " << what << ' ';
  }
  ~Failure() {
    CurrentState().failed = true;
    CurrentState().fatal = CurrentState().fatal || fatal_;
    std::cout << text_.str() << '\n';
    for (const std::string& trace : CurrentState().traces) std::cout << "  at " << trace << '\n';
  }
  template <typename T>
  Failure& operator<<(const T& value) {
    text_ << value;
    return *this;
  }

 private:
  std::ostringstream text_;
  bool fatal_;
};

// `return Returned() = failure << …;` as one expression of type void.
struct Returned {
  void operator=(const Failure&) const {}
};
struct Skipped {
  template <typename T>
  Skipped& operator<<(const T& value) {
    std::cout << value;
    return *this;
  }
};
struct SkipReturned {
  void operator=(const Skipped&) const {
    std::cout << '\n';
    CurrentState().skipped = true;
  }
};

class Trace {
 public:
  template <typename T>
  explicit Trace(const T& value) {
    CurrentState().traces.push_back(Printed(value));
  }
  ~Trace() { CurrentState().traces.pop_back(); }
};

template <typename Op, typename A, typename B>
AssertionResult Compare(const char* op, const char* a_text, const char* b_text, const A& a, const B& b, Op holds) {
  if (holds(a, b)) return AssertionSuccess();
  return AssertionFailure() << "expected " << a_text << ' ' << op << ' ' << b_text << ", found " << Printed(a)
                            << " and " << Printed(b);
}
inline AssertionResult Near(const char* a_text, const char* b_text, double a, double b, double bound) {
  if (std::abs(a - b) <= bound) return AssertionSuccess();
  return AssertionFailure() << "expected " << a_text << " within " << bound << " of " << b_text << ", found " << a
                            << " and " << b;
}
inline AssertionResult Same(const char* a_text, const char* b_text, const std::string& a, const std::string& b) {
  return Compare("==", a_text, b_text, a, b, std::equal_to<>());
}
template <typename T>
AssertionResult Truth(const char* text, const T& value, bool expected) {
  if (static_cast<bool>(value) == expected) return AssertionSuccess();
  AssertionResult result = AssertionFailure() << text << " is " << (expected ? "false" : "true");
  if constexpr (std::is_same_v<T, AssertionResult>) result << ' ' << value.message();
  return result;
}

using MakeTest = std::function<std::unique_ptr<Test>()>;

// The tests with parameters of one suite, by name.
template <typename Suite>
std::vector<std::pair<std::string, MakeTest>>& ParameterTests() {
  static std::vector<std::pair<std::string, MakeTest>> tests;
  return tests;
}
// Each adds the cases of one instantiation; called when every test is known.
std::vector<std::function<void()>>& Instantiations();

template <typename Suite, typename... T>
bool Instantiate(const std::string& name, std::tuple<T...> values) {
  using Param = typename Suite::ParamType;
  Instantiations().push_back([name, values] {
    int index = 0;
    const auto add = [&](const auto& value) {
      const auto kept = std::make_shared<const Param>(value);
      for (const auto& [test, make] : ParameterTests<Suite>()) {
        Cases().push_back({name + '.' + test + '/' + std::to_string(index), Printed(value), make,
                           [kept] { WithParamInterface<Param>::Current() = kept.get(); }});
      }
      ++index;
    };
    std::apply([&](const auto&... v) { (add(v), ...); }, values);
  });
  return true;
}

}  // namespace internal

template <typename... T>
std::tuple<T...> Values(T... values) {
  return {values...};
}

// Reads the options.
void InitGoogleTest(int* argc, char** argv);

}  // namespace testing

#define GTEST_TEST_(suite, name, parent, registration)    \
  class suite##_##name##_Test : public parent {           \
   public:                                                \
    void TestBody() override;                             \
    static bool registered_;                              \
  };                                                      \
  bool suite##_##name##_Test::registered_ = registration; \
  void suite##_##name##_Test::TestBody()
#define GTEST_MAKE_(suite, name) [] { return std::unique_ptr<testing::Test>(new suite##_##name##_Test); }
#define TEST(suite, name) \
  GTEST_TEST_(suite, name, testing::Test, testing::internal::Register(#suite "." #name, GTEST_MAKE_(suite, name)))
#define TEST_F(suite, name) \
  GTEST_TEST_(suite, name, suite, testing::internal::Register(#suite "." #name, GTEST_MAKE_(suite, name)))
#define TEST_P(suite, name)       \
  GTEST_TEST_(suite, name, suite, \
              (testing::internal::ParameterTests<suite>().push_back({#name, GTEST_MAKE_(suite, name)}), true))
#define INSTANTIATE_TEST_SUITE_P(prefix, suite, values) \
  static const bool prefix##_##suite##_instantiated_ = testing::internal::Instantiate<suite>(#prefix "/" #suite, values)

// The switch takes an `else` that follows: it is the caller's.
#define GTEST_CHECK_(result, fatal, on_failure)                    \
  switch (0)                                                       \
  case 0:                                                          \
  default:                                                         \
    if (const testing::AssertionResult gtest_result_ = (result)) { \
    } else                                                         \
      on_failure testing::internal::Failure(__FILE__, __LINE__, gtest_result_.message(), fatal)
#define GTEST_EXPECT_(result) GTEST_CHECK_(result, false, )
#define GTEST_ASSERT_(result) GTEST_CHECK_(result, true, return testing::internal::Returned() =)
#define GTEST_COMPARE_(op, functor, a, b) testing::internal::Compare(op, #a, #b, a, b, functor)

#define EXPECT_TRUE(x) GTEST_EXPECT_(testing::internal::Truth(#x, x, true))
#define ASSERT_TRUE(x) GTEST_ASSERT_(testing::internal::Truth(#x, x, true))
#define EXPECT_FALSE(x) GTEST_EXPECT_(testing::internal::Truth(#x, x, false))
#define ASSERT_FALSE(x) GTEST_ASSERT_(testing::internal::Truth(#x, x, false))
#define EXPECT_EQ(a, b) GTEST_EXPECT_(GTEST_COMPARE_("==", std::equal_to<>(), a, b))
#define ASSERT_EQ(a, b) GTEST_ASSERT_(GTEST_COMPARE_("==", std::equal_to<>(), a, b))
#define EXPECT_NE(a, b) GTEST_EXPECT_(GTEST_COMPARE_("!=", std::not_equal_to<>(), a, b))
#define ASSERT_NE(a, b) GTEST_ASSERT_(GTEST_COMPARE_("!=", std::not_equal_to<>(), a, b))
#define EXPECT_LT(a, b) GTEST_EXPECT_(GTEST_COMPARE_("<", std::less<>(), a, b))
#define ASSERT_LT(a, b) GTEST_ASSERT_(GTEST_COMPARE_("<", std::less<>(), a, b))
#define EXPECT_LE(a, b) GTEST_EXPECT_(GTEST_COMPARE_("<=", std::less_equal<>(), a, b))
#define ASSERT_LE(a, b) GTEST_ASSERT_(GTEST_COMPARE_("<=", std::less_equal<>(), a, b))
#define EXPECT_GT(a, b) GTEST_EXPECT_(GTEST_COMPARE_(">", std::greater<>(), a, b))
#define ASSERT_GT(a, b) GTEST_ASSERT_(GTEST_COMPARE_(">", std::greater<>(), a, b))
#define EXPECT_GE(a, b) GTEST_EXPECT_(GTEST_COMPARE_(">=", std::greater_equal<>(), a, b))
#define ASSERT_GE(a, b) GTEST_ASSERT_(GTEST_COMPARE_(">=", std::greater_equal<>(), a, b))
#define EXPECT_NEAR(a, b, bound) GTEST_EXPECT_(testing::internal::Near(#a, #b, a, b, bound))
#define ASSERT_NEAR(a, b, bound) GTEST_ASSERT_(testing::internal::Near(#a, #b, a, b, bound))
#define EXPECT_STREQ(a, b) GTEST_EXPECT_(testing::internal::Same(#a, #b, a, b))
#define ASSERT_STREQ(a, b) GTEST_ASSERT_(testing::internal::Same(#a, #b, a, b))
#define ADD_FAILURE() testing::internal::Failure(__FILE__, __LINE__, "failed:", false)
#define FAIL() return testing::internal::Returned() = testing::internal::Failure(__FILE__, __LINE__, "failed:", true)
#define SUCCEED() std::ostringstream()
#define GTEST_SKIP() return testing::internal::SkipReturned() = testing::internal::Skipped()
#define ASSERT_NO_FATAL_FAILURE(statement)                          \
  do {                                                              \
    const bool gtest_before_ = testing::Test::HasFatalFailure();    \
    statement;                                                      \
    if (!gtest_before_ && testing::Test::HasFatalFailure()) return; \
  } while (false)
#define RUN_ALL_TESTS() testing::internal::RunAll()
#define GTEST_JOIN2_(a, b) a##b
#define GTEST_JOIN_(a, b) GTEST_JOIN2_(a, b)
#define SCOPED_TRACE(what) const testing::internal::Trace GTEST_JOIN_(gtest_trace_, __LINE__)(what)

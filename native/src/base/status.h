// Errors as values. A Status is either ok or a code with one sentence for the user; a Result<T> is a T or a Status.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace blip3o {

// The same values as blip3o_status in blip3o.h, which documents them.
enum class StatusCode {
  kOk = 0,
  kInvalidArgument = 1,
  kInvalidCheckpoint = 2,
  kIoError = 3,
  kOutOfMemory = 4,
  kNumericError = 5,
  kCancelled = 6,
  kUnsupported = 7,
  kInternalError = 8,
  kQueueFull = 9,
  kDeadlineExceeded = 10,
  kDeviceLost = 11,
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(StatusCode code, std::string message, int64_t retry_after_millis = 0)
      : code_(code), retry_after_millis_(retry_after_millis), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }
  // Of a full queue: when to try again; else 0.
  int64_t retry_after_millis() const { return retry_after_millis_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  int64_t retry_after_millis_ = 0;
  std::string message_;
};

inline Status InvalidArgument(std::string m) { return {StatusCode::kInvalidArgument, std::move(m)}; }
inline Status InvalidCheckpoint(std::string m) { return {StatusCode::kInvalidCheckpoint, std::move(m)}; }
inline Status IoError(std::string m) { return {StatusCode::kIoError, std::move(m)}; }
inline Status OutOfMemory(std::string m) { return {StatusCode::kOutOfMemory, std::move(m)}; }
inline Status NumericError(std::string m) { return {StatusCode::kNumericError, std::move(m)}; }
inline Status Cancelled(std::string m) { return {StatusCode::kCancelled, std::move(m)}; }
inline Status Unsupported(std::string m) { return {StatusCode::kUnsupported, std::move(m)}; }
inline Status InternalError(std::string m) { return {StatusCode::kInternalError, std::move(m)}; }
inline Status DeadlineExceeded(std::string m) { return {StatusCode::kDeadlineExceeded, std::move(m)}; }
inline Status DeviceLost(std::string m) { return {StatusCode::kDeviceLost, std::move(m)}; }
inline Status QueueFull(std::string m, int64_t retry_after_millis) {
  return {StatusCode::kQueueFull, std::move(m), retry_after_millis};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit by design
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: `status` is not ok

  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  T& value() { return *value_; }
  const T& value() const { return *value_; }
  T& operator*() { return *value_; }
  T* operator->() { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

#define BLIP3O_CONCAT_(a, b) a##b
#define BLIP3O_CONCAT(a, b) BLIP3O_CONCAT_(a, b)

// Leaves the function with the status of `expression` unless it is ok.
#define BLIP3O_RETURN_IF_ERROR(expression)                        \
  do {                                                            \
    if (::blip3o::Status status_ = (expression); !status_.ok()) { \
      return status_;                                             \
    }                                                             \
  } while (false)

// Declares or assigns `target` from a Result, or leaves the function with its status.
#define BLIP3O_ASSIGN_OR_RETURN(target, expression) \
  BLIP3O_ASSIGN_OR_RETURN_(target, expression, BLIP3O_CONCAT(result_, __LINE__))
#define BLIP3O_ASSIGN_OR_RETURN_(target, expression, result) \
  auto result = (expression);                                \
  if (!result.ok()) return result.status();                  \
  target = std::move(result.value())

}  // namespace blip3o

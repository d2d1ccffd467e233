#include "weights/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "weights/json_fields.h"

namespace blip3o {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int64_t kLengthBytes = 8;
constexpr int64_t kMaxHeaderBytes = 100'000'000;  // as the format's own reader has it

struct DTypeName {
  std::string_view name;
  int64_t bits;
  std::optional<DType> dtype;
};

constexpr std::array<DTypeName, 22> kDTypes = {{{"F32", 32, DType::kF32}, {"BF16", 16, DType::kBF16},
                                                {"F16", 16, DType::kF16}, {"I32", 32, DType::kI32},
                                                {"I64", 64, DType::kI64}, {"U8", 8, DType::kU8},
                                                {"F64", 64, {}},          {"C64", 64, {}},
                                                {"BOOL", 8, {}},          {"I8", 8, {}},
                                                {"I16", 16, {}},          {"U16", 16, {}},
                                                {"U32", 32, {}},          {"U64", 64, {}},
                                                {"F8_E4M3", 8, {}},       {"F8_E5M2", 8, {}},
                                                {"F8_E8M0", 8, {}},       {"F8_E4M3FNUZ", 8, {}},
                                                {"F8_E5M2FNUZ", 8, {}},   {"F6_E2M3", 6, {}},
                                                {"F6_E3M2", 6, {}},       {"F4", 4, {}}}};

// One entry of the header, checked by itself.
struct Entry {
  std::string name;
  const DTypeName* dtype = nullptr;
  std::vector<int64_t> shape;
  int64_t begin = 0;
  int64_t end = 0;
};

// Checks the header of one file. Every error names the file.
class HeaderReader {
 public:
  explicit HeaderReader(const MappedFile& file) : file_(file) {}

  // The entries in the order of their data. Errors: INVALID_CHECKPOINT.
  Result<std::vector<Entry>> Read() {
    BLIP3O_RETURN_IF_ERROR(ReadLength());
    Json header;
    BLIP3O_RETURN_IF_ERROR(Parse(header));
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") continue;
      BLIP3O_ASSIGN_OR_RETURN(Entry entry, ReadEntry(name, value));
      entries.push_back(std::move(entry));
    }
    BLIP3O_RETURN_IF_ERROR(CheckLayout(entries));
    return entries;
  }

  // Where the tensors' bytes begin.
  int64_t data_begin() const { return kLengthBytes + header_bytes_; }

 private:
  template <typename... Args>
  Status Error(fmt::format_string<Args...> format, Args&&... args) const {
    return InvalidCheckpoint(
        fmt::format("{}: {}", file_.path().string(), fmt::format(format, std::forward<Args>(args)...)));
  }

  Status ReadLength() {
    const int64_t size = file_.size_bytes();
    if (size < kLengthBytes) return Error("expected a safetensors file, found {} bytes: the file is truncated", size);
    uint64_t length = 0;
    for (int64_t i = 0; i < kLengthBytes; ++i) {
      length |= static_cast<uint64_t>(static_cast<unsigned char>(file_.data()[i])) << (8 * i);
    }
    const int64_t most = std::min(size - kLengthBytes, kMaxHeaderBytes);
    if (length < 2 || length > static_cast<uint64_t>(most)) {
      return Error("header length: expected 2 to {} bytes in a file of {}, found {}: truncated, or no safetensors file",
                   most, size, length);
    }
    header_bytes_ = static_cast<int64_t>(length);
    return {};
  }

  Status Parse(Json& header) {
    constexpr int kDeepest = 3;  // header, tensor, list
    std::vector<std::set<std::string>> keys(kDeepest + 1);
    Status status;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
      if (depth > kDeepest && status.ok())
        status = Error("header: expected tensors' descriptions, found deeper nesting");
      if (!status.ok()) return false;
      if (event == Json::parse_event_t::object_start) keys[static_cast<size_t>(depth)].clear();
      if (event != Json::parse_event_t::key) return true;
      if (!keys[static_cast<size_t>(depth - 1)].insert(parsed.get<std::string>()).second) {
        status = Error("header: expected every name once, found {} twice", Excerpt(parsed));
      }
      return status.ok();
    };
    const char* text = file_.data() + kLengthBytes;
    try {
      header = Json::parse(text, text + header_bytes_, watch);
    } catch (const Json::exception& error) {
      BLIP3O_RETURN_IF_ERROR(status);
      return Error("header: expected JSON of {} bytes, found a mistake in it: {}", header_bytes_, error.what());
    }
    if (status.ok() && !header.is_object()) return Error("header: expected a JSON object, found {}", Excerpt(header));
    return status;
  }

  Result<Entry> ReadEntry(const std::string& name, const Json& value) const {
    Entry entry;
    entry.name = name;
    if (!value.is_object()) return Error("tensor {}: expected a JSON object, found {}", name, Excerpt(value));
    BLIP3O_ASSIGN_OR_RETURN(entry.dtype, ReadDType(name, value));
    BLIP3O_ASSIGN_OR_RETURN(entry.shape, ReadIntegers(name, value, "shape"));
    BLIP3O_ASSIGN_OR_RETURN(const std::vector<int64_t> offsets, ReadIntegers(name, value, "data_offsets"));
    const int64_t data_bytes = file_.size_bytes() - data_begin();
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_bytes) {
      return Error(
          "tensor {}: data_offsets: expected [begin, end] within the {} bytes of data, found [{}]: the file is "
          "truncated, or its header lies",
          name, data_bytes, fmt::join(offsets, ", "));
    }
    entry.begin = offsets[0];
    entry.end = offsets[1];
    BLIP3O_RETURN_IF_ERROR(CheckSize(entry));
    return entry;
  }

  Result<const DTypeName*> ReadDType(const std::string& name, const Json& value) const {
    const auto it = value.find("dtype");
    for (const DTypeName& known : kDTypes) {
      if (it != value.end() && it->is_string() && it->get_ref<const std::string&>() == known.name) return &known;
    }
    return Error("tensor {}: dtype: expected one of safetensors' names, as F32 or BF16, found {}", name,
                 it == value.end() ? "nothing" : Excerpt(*it));
  }

  // A list of integers from 0 on.
  Result<std::vector<int64_t>> ReadIntegers(const std::string& name, const Json& value, const char* key) const {
    const auto list = value.find(key);
    bool good = list != value.end() && list->is_array();
    std::vector<int64_t> integers;
    for (size_t i = 0; good && i < list->size(); ++i) {
      const Json& item = (*list)[i];
      good = item.is_number_unsigned() && item.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX);
      if (good) integers.push_back(item.get<int64_t>());
    }
    if (good) return integers;
    return Error("tensor {}: {}: expected a list of integers from 0 on, found {}", name, key,
                 list == value.end() ? "nothing" : Excerpt(*list));
  }

  Status CheckSize(const Entry& entry) const {
    int64_t bits = entry.dtype->bits;
    bool overflow = false;
    for (const int64_t dim : entry.shape) overflow |= __builtin_mul_overflow(bits, dim, &bits);
    // A zero after huge dimensions makes an empty tensor whose product overflows on the way: refuse that too.
    if (!overflow && bits % 8 == 0 && bits / 8 == entry.end - entry.begin) return {};
    return Error("tensor {}: data_offsets: expected {} bytes for {} [{}], found {}", entry.name,
                 overflow ? "too many" : fmt::format("{}", (bits + 7) / 8), entry.dtype->name,
                 fmt::join(entry.shape, ", "), entry.end - entry.begin);
  }

  // The tensors' bytes fill the file without overlaps, holes or a tail. Sorts the entries by their data.
  Status CheckLayout(std::vector<Entry>& entries) const {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    int64_t end = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != end) {
        return Error(
            "tensor {}: data_offsets: expected data from byte {} on, where the tensor before it ends, found {}: "
            "{}",
            entry.name, end, entry.begin, entry.begin < end ? "they overlap" : "a hole");
      }
      end = entry.end;
    }
    const int64_t expected = data_begin() + end;
    if (file_.size_bytes() == expected) return {};
    return Error("file size: expected {} bytes by its header, found {}: {} bytes too many", expected,
                 file_.size_bytes(), file_.size_bytes() - expected);
  }

  const MappedFile& file_;
  int64_t header_bytes_ = 0;
};

// Closes at the end.
struct FileDescriptor {
  int value = -1;
  ~FileDescriptor() {
    if (value >= 0) close(value);
  }
};

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const fs::path& path) {
  const auto system_error = [&path](const char* what) {
    return IoError(fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
  };
  FileDescriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0 && errno == ENOENT) {
    return IoError(fmt::format("{}: expected a file, found nothing: is the checkpoint complete?", path.string()));
  }
  if (file.value < 0) return system_error("could not be opened");
  struct stat info {};
  if (fstat(file.value, &info) != 0) return system_error("could not be read");
  if (!S_ISREG(info.st_mode)) {
    return IoError(fmt::format("{}: expected a regular file, found something else", path.string()));
  }
  const char* data = nullptr;
  if (info.st_size > 0) {  // an empty mapping is an error to the system
    void* mapped = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_SHARED, file.value, 0);
    if (mapped == MAP_FAILED) return system_error("could not be mapped into memory");
    data = static_cast<const char*>(mapped);
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, data, info.st_size));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<char*>(data_), static_cast<size_t>(size_bytes_));
}

Result<Safetensors> Safetensors::Open(const fs::path& path) {
  Safetensors result;
  BLIP3O_ASSIGN_OR_RETURN(result.file_, MappedFile::Open(path));
  HeaderReader reader(*result.file_);
  BLIP3O_ASSIGN_OR_RETURN(const std::vector<Entry> entries, reader.Read());
  for (const Entry& entry : entries) {
    if (!entry.dtype->dtype || entry.shape.size() > static_cast<size_t>(Shape::kMaxRank)) {
      result.opaque_tensors_[entry.name] = {std::string(entry.dtype->name), entry.shape, entry.end - entry.begin};
      continue;
    }
    View view{result.file_->data() + reader.data_begin() + entry.begin, *entry.dtype->dtype, {}};
    for (const int64_t dim : entry.shape) view.shape.Append(dim);
    result.tensors_[entry.name] = view;
  }
  return result;
}

}  // namespace blip3o

// A safetensors file, mapped: an 8-byte little-endian header length, a JSON header, then the tensors' bytes.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace blip3o {

// Read-only mapping of a whole file; unmapped at the end.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> Open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const char* data() const { return data_; }
  int64_t size_bytes() const { return size_bytes_; }

 private:
  MappedFile(std::filesystem::path path, const char* data, int64_t size_bytes)
      : path_(std::move(path)), data_(data), size_bytes_(size_bytes) {}
  std::filesystem::path path_;
  const char* data_;
  int64_t size_bytes_;
};

// A tensor that no View can hold: a dtype that weights never have, or more dimensions. It is listed, never read.
struct OpaqueTensor {
  std::string dtype;
  std::vector<int64_t> shape;
  int64_t size_bytes = 0;
};

class Safetensors {
 public:
  // Maps the file and checks its header: sizes, offsets, overlaps, dtypes. Errors name the file and the field.
  static Result<Safetensors> Open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_->path(); }
  // Tensors by name; the views live as long as this object or a copy of it.
  const std::map<std::string, View>& tensors() const { return tensors_; }
  // The others, by name.
  const std::map<std::string, OpaqueTensor>& opaque_tensors() const { return opaque_tensors_; }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::map<std::string, View> tensors_;
  std::map<std::string, OpaqueTensor> opaque_tensors_;
};

}  // namespace blip3o

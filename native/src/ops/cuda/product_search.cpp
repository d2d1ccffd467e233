// Where cuBLASLt may lie.
#include <dlfcn.h>
#include <glob.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <type_traits>
#include <vector>

#include "ops/cuda/product_library.h"

namespace blip3o::cuda {

namespace {

constexpr char kFile[] = "libcublasLt.so.13";

// Files that match, in the order of their names.
std::vector<std::string> Matches(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found = {};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

std::vector<std::string> UsualFolders() {
  std::vector<std::string> folders = {"/usr/local/cuda/lib64", "/usr/local/cuda-13*/lib64", "/opt/cuda/lib64",
                                      "/usr/lib/x86_64-linux-gnu"};
  std::vector<std::string> prefixes = {"/usr/local/lib/python3*", "/usr/lib/python3*"};
  // Where the user's Python keeps its packages has no other name. They add places to look in, behind all others, and
  // switch nothing: what was found is named by the backend.
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    if (const char* root = std::getenv(variable)) prefixes.push_back(std::string(root) + "/lib/python3*");
  }
  if (const char* home = std::getenv("HOME")) prefixes.push_back(std::string(home) + "/.local/lib/python3*");
  for (const std::string& prefix : prefixes) {
    for (const char* packages : {"site-packages", "dist-packages"}) {
      folders.push_back(prefix + "/" + packages + "/nvidia/cu13/lib");
    }
  }
  return folders;
}

// Names to open, best first.
std::vector<std::string> Candidates(const std::string& path) {
  if (!path.empty()) {
    std::error_code ignored;
    return {std::filesystem::is_directory(path, ignored) ? path + "/" + kFile : path};
  }
  std::vector<std::string> names = {kFile};
  for (const std::string& folder : UsualFolders()) {
    for (const std::string& match : Matches(folder + "/" + kFile)) names.push_back(match);
  }
  return names;
}

// The file that an entry point came from.
std::string FileOf(const void* function, const std::string& opened) {
  Dl_info info = {};
  return dladdr(function, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : opened;
}

}  // namespace

Result<LoadedLibrary> LoadProductLibrary(const std::string& path) {
  std::string reasons;
  const auto note = [&](const std::string& reason) { reasons += (reasons.empty() ? "" : "; ") + reason; };
  for (const std::string& name : Candidates(path)) {
    void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* reason = dlerror();
      note(reason != nullptr ? reason : name);
      continue;
    }
    LoadedLibrary library;
    std::string lacking;
    lt::ForEachFunction(library.functions, [&](const char* function, auto& pointer) {
      pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(dlsym(handle, function));
      if (pointer == nullptr && lacking.empty()) lacking = function;
    });
    if (!lacking.empty()) {
      dlclose(handle);
      note(name + " has no " + lacking + ": it is not cuBLASLt 13");
      continue;
    }
    library.path = FileOf(reinterpret_cast<const void*>(library.functions.cublasLtMatmul), name);
    library.version = library.functions.cublasLtGetVersion();
    return library;
  }
  if (path.empty()) note("nor does it lie in CUDA's folders or in Python's nvidia/cu13/lib");
  return Unsupported(reasons);
}

}  // namespace blip3o::cuda

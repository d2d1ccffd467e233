// The last few pictures and what was computed of them. A picture is found by its bytes, all of which are compared.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <utility>

#include "image/picture.h"

namespace blip3o {

// Not safe for use by several threads at once. Holds `capacity` pictures; the one that was not asked for the longest
// makes room.
template <typename T>
class PictureCache {
 public:
  explicit PictureCache(size_t capacity) : capacity_(capacity) {}

  // Null where the picture is not held.
  std::shared_ptr<const T> Find(const Picture& picture) {
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (!(it->first == picture)) continue;
      entries_.splice(entries_.begin(), entries_, it);
      return it->second;
    }
    return nullptr;
  }

  void Put(const Picture& picture, std::shared_ptr<const T> value) {
    if (entries_.size() >= capacity_) entries_.pop_back();
    entries_.emplace_front(picture, std::move(value));
  }

 private:
  size_t capacity_;
  std::list<std::pair<Picture, std::shared_ptr<const T>>> entries_;
};

}  // namespace blip3o

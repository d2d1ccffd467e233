// A CUDA source as tokens, and the places in it that a mutation may change.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace blip3o::mutation {

struct Token {
  size_t begin = 0, end = 0;  // in the text
  int line = 0;
  std::string text;
};

// Code without comments, strings as one token each.
std::vector<Token> Tokenize(const std::string& text);

// Bytes [begin, end) of a source become `text`, which has no line ends: what lies behind keeps its line.
struct Change {
  size_t begin = 0, end = 0;
  std::string text;
};

struct Mutation {
  std::string kind;
  int line = 0;
  std::vector<Change> changes;
  std::string function;  // in whose body it is

  std::string AppliedTo(const std::string& text) const;
  // "drop SyncBlock: `ptx::SyncBlock();` becomes nothing".
  std::string Describe(const std::string& text) const;
};

// Every mutation of the functions that run on the device.
std::vector<Mutation> AllMutations(const std::string& text);

}  // namespace blip3o::mutation

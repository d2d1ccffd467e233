#include "source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>

namespace blip3o::mutation {

namespace {

bool IsName(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

size_t EndOfToken(const std::string& text, size_t i) {
  if (text[i] == '"' || text[i] == '\'') {
    for (size_t j = i + 1; j < text.size(); ++j) {
      if (text[j] == '\\') {
        ++j;
      } else if (text[j] == text[i]) {
        return j + 1;
      }
    }
    return text.size();
  }
  if (IsName(text[i])) {
    const bool number = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    size_t j = i;
    while (j < text.size() && (IsName(text[j]) || (number && text[j] == '.'))) ++j;
    return j;
  }
  static constexpr std::array<std::string_view, 20> kOperators = {
      "<<=", ">>=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||",
      "++",  "--",  "+=", "-=", "*=", "/=", "%=", "|=", "&=", "->"};
  for (std::string_view op : kOperators) {
    if (text.compare(i, op.size(), op) == 0) return i + op.size();
  }
  if (text.compare(i, 2, "::") == 0) return i + 2;
  return i + 1;
}

// From a `/` on, or i where no comment begins there.
size_t EndOfComment(const std::string& text, size_t i) {
  if (text.compare(i, 2, "//") == 0) return std::min(text.find('\n', i), text.size());
  if (text.compare(i, 2, "/*") == 0) return std::min(text.find("*/", i + 2), text.size() - 2) + 2;
  return i;
}

size_t Matching(const std::vector<Token>& tokens, size_t open, const char* opening, const char* closing) {
  int depth = 0;
  for (size_t i = open; i < tokens.size(); ++i) {
    if (tokens[i].text == opening) ++depth;
    if (tokens[i].text == closing && --depth == 0) return i;
  }
  return tokens.size();
}

// The last name before the parameters of the function that begins at `first` and whose body opens at `open`.
std::string FunctionName(const std::vector<Token>& tokens, size_t first, size_t open) {
  for (size_t i = first + 1; i + 1 < open; ++i) {
    const std::string& name = tokens[i].text;
    if (tokens[i + 1].text == "(" && IsName(name.front()) && name != "__launch_bounds__") return name;
  }
  return {};
}

// For each token in the body of a __global__ or __device__ function the function's name, else nothing.
std::vector<std::string> DeviceFunctions(const std::vector<Token>& tokens) {
  std::vector<std::string> functions(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].text != "__global__" && tokens[i].text != "__device__") continue;
    size_t open = i;
    while (open < tokens.size() && tokens[open].text != "{" && tokens[open].text != ";") ++open;
    if (open == tokens.size() || tokens[open].text == ";") continue;
    const size_t close = Matching(tokens, open, "{", "}");
    const std::string name = FunctionName(tokens, i, open);
    for (size_t j = open + 1; j < close; ++j) functions[j] = name;
    i = open;
  }
  return functions;
}

class Finder {
 public:
  Finder(const std::string& text, const std::vector<Token>& tokens) : text_(text), tokens_(tokens) {}

  std::vector<Mutation> All() {
    const std::vector<std::string> functions = DeviceFunctions(tokens_);
    for (size_t i = 0; i + 1 < tokens_.size(); ++i) {
      if (functions[i].empty()) continue;
      const size_t before = found_.size();
      DropCall(i);
      WeakenWait(i);
      Replace(i);
      Compare(i);
      Arithmetic(i);
      Subscript(i);
      DropGuard(i);
      ShuffleMask(i);
      DropReset(i);
      DropValid(i);
      for (size_t f = before; f < found_.size(); ++f) found_[f].function = functions[i];
    }
    return std::move(found_);
  }

 private:
  const std::string& At(size_t i) const {
    static const std::string kNothing;
    return i < tokens_.size() ? tokens_[i].text : kNothing;
  }
  void Add(const std::string& kind, size_t first, size_t last, const std::string& by) {
    found_.push_back({kind, tokens_[first].line, {{tokens_[first].begin, tokens_[last].end, by}}, {}});
  }
  std::string Text(size_t first, size_t last) const {
    return text_.substr(tokens_[first].begin, tokens_[last].end - tokens_[first].begin);
  }
  // A binary operator stands between spaces in the layout of the house; a template's bracket does not.
  bool IsBinary(size_t i) const {
    return text_[tokens_[i].begin - 1] == ' ' && tokens_[i].end < text_.size() && text_[tokens_[i].end] == ' ' &&
           (IsName(At(i - 1).back()) || At(i - 1) == ")" || At(i - 1) == "]");
  }

  // ptx::Name(...); or ptx::Name<...>(...); as a statement.
  void DropCall(size_t i) {
    static const std::map<std::string, std::string> kDropped = {
        {"SyncBlock", "drop a barrier"},          {"SyncWarp", "drop a warp's barrier"},
        {"WaitCopies", "drop a wait for copies"}, {"WaitForPredecessor", "drop the wait for the predecessor"},
        {"FenceDevice", "drop a fence"},          {"CommitCopies", "drop the end of a group of copies"}};
    const auto dropped = kDropped.find(At(i));
    if (dropped == kDropped.end()) return;
    size_t open = i + 1;
    while (open < tokens_.size() && At(open) != "(") ++open;
    const size_t close = Matching(tokens_, open, "(", ")");
    if (At(close + 1) != ";") return;
    const size_t first = i >= 2 && At(i - 1) == "::" ? i - 2 : i;
    Add(dropped->second, first, close, "(void)0");
  }

  // WaitCopies<N> waits for one group less.
  void WeakenWait(size_t i) {
    if (At(i) != "WaitCopies" || At(i + 1) != "<") return;
    size_t close = i + 2;
    while (At(close) != ">" && close < tokens_.size()) ++close;
    Add("wait for one group of copies less", i + 2, close - 1, "(" + Text(i + 2, close - 1) + ") + 1");
  }

  void Replace(size_t i) {
    static const std::map<std::string, std::string> kOther = {{"LoadMatrix4", "LoadMatrix4Transposed"},
                                                              {"LoadMatrix4Transposed", "LoadMatrix4"},
                                                              {"LoadMatrix2", "LoadMatrix2Transposed"},
                                                              {"LoadMatrix2Transposed", "LoadMatrix2"},
                                                              {"LowBF16", "HighBF16"},
                                                              {"HighBF16", "LowBF16"},
                                                              {"fmaxf", "fminf"},
                                                              {"BlockX", "BlockY"},
                                                              {"BlockY", "BlockX"},
                                                              {"Lane", "Warp"},
                                                              {"Warp", "Lane"},
                                                              {"AtomicMax", "AtomicAdd"}};
    const auto other = kOther.find(At(i));
    if (other != kOther.end() && At(i + 1) == "(") Add("call a neighbour", i, i, other->second);
  }

  void Compare(size_t i) {
    static const std::map<std::string, std::string> kOther = {{"<", "<="}, {"<=", "<"},  {">", ">="},
                                                              {">=", ">"}, {"==", "!="}, {"!=", "=="}};
    const auto other = kOther.find(At(i));
    if (other != kOther.end() && IsBinary(i)) Add("compare otherwise", i, i, other->second);
  }

  void Arithmetic(size_t i) {
    static const std::map<std::string, std::string> kOther = {{"+", "-"},   {"-", "+"},  {"*", "+"},   {"/", "*"},
                                                              {"%", "/"},   {"+=", "="}, {"-=", "+="}, {"<<", ">>"},
                                                              {">>", "<<"}, {"^", "|"},  {"&", "|"},   {"|", "&"}};
    const auto other = kOther.find(At(i));
    if (other != kOther.end() && IsBinary(i)) Add("calculate otherwise", i, i, other->second);
  }

  // x[e] reads its neighbour; x[0] and x[1], x[1] and x[2] are the halves and quarters of fragments.
  void Subscript(size_t i) {
    if (At(i) != "[" || i == 0 || !(IsName(At(i - 1).back()) || At(i - 1) == "]" || At(i - 1) == ")")) return;
    const size_t close = Matching(tokens_, i, "[", "]");
    if (close >= tokens_.size() || close == i + 1) return;
    const std::string index = Text(i + 1, close - 1);
    if (IsDeclaration(i)) return;
    if (close == i + 2 && index.size() == 1 && std::isdigit(static_cast<unsigned char>(index[0])) != 0) {
      Add("swap halves of a fragment", i + 1, i + 1, std::string(1, static_cast<char>(index[0] ^ 1)));
      if (index == "1" || index == "2") {
        Add("swap quarters of a fragment", i + 1, i + 1, std::string(1, static_cast<char>(index[0] ^ 3)));
      }
      return;
    }
    if (index.find('\n') != std::string::npos) return;
    Add("shift an index", i + 1, close - 1, "(" + index + ") + 1");
  }
  // float x[4]: a type stands before the name.
  bool IsDeclaration(size_t open) const {
    size_t name = open - 1;
    while (name > 0 && At(name) == "]") {  // of several dimensions: to the first
      while (name > 0 && At(name) != "[") --name;
      --name;
    }
    if (name == 0) return false;
    const std::string& before = At(name - 1);
    if (before == ")" && At(name) == ")") return true;  // (&x)[4]
    if (At(name) == ")" && name >= 2 && At(name - 2) == "&") return true;
    return before != "return" && (IsName(before.back()) && std::isdigit(static_cast<unsigned char>(before[0])) == 0);
  }

  void DropGuard(size_t i) {
    if (At(i) == "if" && At(i + 1) == "(") {
      Add("drop a guard", i + 1, i + 1, "(true || ");
      found_.back().changes.push_back({});
      Close(i + 1);
      Add("never take a branch", i + 1, i + 1, "(false && ");
      found_.back().changes.push_back({});
      Close(i + 1);
    }
    if ((At(i) == "&&" || At(i) == "||") && IsBinary(i)) {
      Add("take the other of and and or", i, i, At(i) == "&&" ? "||" : "&&");
    }
    if (At(i) == "?" && text_[tokens_[i].begin - 1] == ' ') Add("take one alternative always", i, i, "|| true ?");
  }
  // The condition that opens at `open` stays one operand.
  void Close(size_t open) {
    const size_t close = Matching(tokens_, open, "(", ")");
    Mutation& mutation = found_.back();
    mutation.changes[0].text += "(";
    mutation.changes[1] = {tokens_[close].begin, tokens_[close].begin, ")"};
  }

  // ShuffleXor(v, m) and the like, with a lane of the other half of the warp: a neighbour may hold the same by then.
  void ShuffleMask(size_t i) {
    if ((At(i) != "ShuffleXor" && At(i) != "ShuffleUp" && At(i) != "Shuffle") || At(i + 1) != "(") return;
    const size_t close = Matching(tokens_, i + 1, "(", ")");
    Change change{tokens_[close].begin, tokens_[close].begin, " ^ 16"};
    found_.push_back({"shuffle from another lane", tokens_[i].line, {change}, {}});
  }

  // *counter = 0; counters[i] = 0;
  void DropReset(size_t i) {
    if (At(i) != "=" || At(i + 1) != "0" || At(i + 2) != ";" || i == 0 || At(i - 1) != "]") return;
    size_t first = i - 1;
    while (first > 0 && At(first - 1) != ";" && At(first - 1) != "{" && At(first - 1) != "}" && At(first - 1) != ")")
      --first;
    if (text_.substr(tokens_[first].begin, tokens_[i].end - tokens_[first].begin).find('\n') != std::string::npos)
      return;
    if (At(first) == "for" || IsName(At(first + 1).front())) return;
    Add("drop a reset", first, i + 1, "(void)0");
  }

  // The last argument of CopyAsync.
  void DropValid(size_t i) {
    if (At(i).rfind("CopyAsync", 0) != 0 || At(i + 1) != "(") return;
    const size_t close = Matching(tokens_, i + 1, "(", ")");
    int depth = 0, commas = 0;
    size_t last = 0;
    for (size_t j = i + 1; j < close; ++j) {
      if (At(j) == "(" || At(j) == "[") ++depth;
      if (At(j) == ")" || At(j) == "]") --depth;
      if (At(j) == "," && depth == 1) ++commas, last = j;
    }
    if (commas == 2) Add("drop a guard", last + 1, close - 1, "true");
  }

  const std::string& text_;
  const std::vector<Token>& tokens_;
  std::vector<Mutation> found_;
};

}  // namespace

std::vector<Token> Tokenize(const std::string& text) {
  std::vector<Token> tokens;
  int line = 1;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++i;
    } else if (const size_t comment = EndOfComment(text, i); comment != i) {
      line += static_cast<int>(
          std::count(text.begin() + static_cast<ptrdiff_t>(i), text.begin() + static_cast<ptrdiff_t>(comment), '\n'));
      i = comment;
    } else {
      const size_t end = EndOfToken(text, i);
      tokens.push_back({i, end, line, text.substr(i, end - i)});
      i = end;
    }
  }
  return tokens;
}

std::string Mutation::AppliedTo(const std::string& text) const {
  std::string mutated = text;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    mutated.replace(change->begin, change->end - change->begin, change->text);
  }
  return mutated;
}

std::string Mutation::Describe(const std::string& text) const {
  const auto trimmed_line = [&](const std::string& whole, size_t at) {
    const size_t begin = whole.rfind('\n', at) + 1;
    std::string found = whole.substr(begin, whole.find('\n', at) - begin);
    found.erase(std::min(found.find(" //"), found.size()));
    return found.substr(std::min(found.find_first_not_of(' '), found.size()));
  };
  const size_t at = changes.front().begin;
  return kind + ": `" + trimmed_line(text, at) + "` → `" + trimmed_line(AppliedTo(text), at) + "`";
}

std::vector<Mutation> AllMutations(const std::string& text) {
  const std::vector<Token> tokens = Tokenize(text);
  return Finder(text, tokens).All();
}

}  // namespace blip3o::mutation

// Whether a sanitizer watches this build. It makes everything some ten times as slow, and finds what it looks for in
// fewer turns: a test that needs many of them for another reason takes fewer under it.
#pragma once

namespace blip3o::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace blip3o::test

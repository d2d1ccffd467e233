package dev.blip3o.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;

/**
 * A request for one picture of one seed, and how to find the picture in its answer.
 *
 * @param name for messages
 * @param request the bytes of HTTP
 * @param picture the picture's file, of a port and an answer from there
 */
record Recipe(String name, byte[] request, BiFunction<Integer, Answer, byte[]> picture) {
  private static final String GENERATIONS = "/v1/images/generations";
  private static final String EDITS = "/v1/images/edits";
  private static final int STEPS = 2;

  /** Twelve of all kinds: plain, streamed, with addresses, edits with and without a mask. */
  static List<Recipe> all() {
    List<Recipe> recipes = new ArrayList<>();
    for (int seed = 1; seed <= 4; seed++) {
      recipes.add(plain(seed));
    }
    for (int seed = 5; seed <= 7; seed++) {
      recipes.add(streamed(seed));
    }
    for (int seed = 8; seed <= 9; seed++) {
      recipes.add(address(seed));
    }
    for (int seed = 10; seed <= 12; seed++) {
      recipes.add(edit(seed, seed == 12));
    }
    return recipes;
  }

  private static String json(int seed, String more) {
    return String.format(
        Locale.ROOT, "{\"prompt\":\"a red circle\",\"seed\":%d,\"steps\":%d%s}", seed, STEPS, more);
  }

  static Recipe plain(int seed) {
    return new Recipe(
        "plain " + seed,
        Wire.postJson(GENERATIONS, json(seed, "")),
        (port, answer) -> answer.picture());
  }

  static Recipe streamed(int seed) {
    return new Recipe(
        "streamed " + seed,
        Wire.postJson(GENERATIONS, json(seed, ",\"stream\":true,\"partial_images\":1")),
        (port, answer) -> answer.lastEventsPicture());
  }

  private static Recipe address(int seed) {
    return new Recipe(
        "address " + seed,
        Wire.postJson(GENERATIONS, json(seed, ",\"response_format\":\"url\"")),
        Recipe::fetch);
  }

  private static byte[] fetch(int port, Answer answer) {
    String url = answer.json().at("/data/0/url").asText();
    String path = url.replaceFirst("^https?://[^/]*", "");
    Answer picture = Wire.ask(port, Wire.get(path));
    if (picture.status() != 200) {
      throw new IllegalStateException("the address answers " + picture.status());
    }
    return picture.body();
  }

  static Recipe edit(int seed, boolean masked) {
    Multipart body =
        new Multipart()
            .text("prompt", "make the red circle blue")
            .text("seed", seed)
            .text("steps", STEPS)
            .png("image", Drawings.redCircle());
    if (masked) {
      body.png("mask", Drawings.leftHalfMayChange());
    }
    return new Recipe(
        "edit " + seed,
        Wire.post(EDITS, Multipart.CONTENT_TYPE, body.bytes()),
        (port, answer) -> answer.picture());
  }
}
